/** TLS with real servers: what is protected, whom we trust, and what is said where the two sides do not fit. */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { LoginError, ReplyError, TimeoutError, TlsError } from "../../../src/client/errors.js";
import { Transcript } from "../../../src/client/transcript.js";
import type { FtpClient } from "../../../src/ftp/client.js";
import { certificates } from "../servers/certs.js";
import { ABILITIES, KINDS, type Kind } from "../servers/ftp.js";
import { type Bed, describeRows, describeServer, errorOf, expectUsable, pattern, ROWS } from "./bed.js";

const BYTES = pattern(50_000);
const WITH_TLS = KINDS.filter((kind) => ABILITIES[kind].tls);
// The options of a server are wanted before any test runs.
const PAIRS = await certificates();
const VERSIONS = ["TLSv1.2", "TLSv1.3"] as const;

async function expectTransfers(ftp: FtpClient, count = 2): Promise<void> {
  for (let i = 0; i < count; i++) {
    await ftp.stor("file", BYTES);
    expect((await ftp.retr("file")).equals(BYTES)).toBe(true);
    expect(await ftp.nlst().toArray()).toContain("file");
  }
  await expectUsable(ftp);
}

/** What connecting and logging in fails with. */
async function refusal(bed: Bed, more: Parameters<Bed["client"]>[0]): Promise<Error & { clientUsable: boolean }> {
  const ftp = bed.client(more);
  return errorOf(ftp.connect().then(() => ftp.login()));
}

for (const kind of KINDS.filter((each) => ABILITIES[each].reuse)) {
  for (const tls of ["explicit", "implicit"] as const) {
    describeServer(kind, { tls, requireReuse: true, requireTls: true }, `${kind}, reuse required, ${tls}`, (bed) => {
      it.each(VERSIONS)("resumes the TLS session for 60 data connections in a row with %s", async (version) => {
        await expectTransfers(await bed.ready({ tls: { minVersion: version, maxVersion: version } }), 20);
      });

      it("resumes it for active data connections, too", async () => {
        await expectTransfers(await bed.ready({ mode: "active" }));
      });
    });
  }
}

describeRows(
  ROWS.filter(([, tls]) => tls !== "none"),
  {},
  (bed) => {
    it.each(VERSIONS)("speaks %s", async (version) => {
      await expectTransfers(await bed.ready({ tls: { minVersion: version, maxVersion: version } }));
    });

    it("leaves the data in the clear with PROT C", async () => {
      const transcript = new Transcript();
      const ftp = await bed.ready({ protection: "clear", transcript });
      await expectTransfers(ftp);
      expect(transcript.lines.some(({ text }) => text === "PROT C")).toBe(true);
      expect(ftp.secure).toBe(true);
    });

    it("does not trust a CA that it does not know", async () => {
      const error = await refusal(bed, { tls: { ca: readFileSync((await certificates()).client.certFile) } });
      expect(error).toBeInstanceOf(TlsError);
      expect(error.message).toMatch(/signed by an authority that is not trusted here \(polywire test CA\)/);
    });

    it("trusts any certificate where it is told to", async () => {
      await expectTransfers(
        await bed.ready({
          tls: { ca: readFileSync((await certificates()).client.certFile), rejectUnauthorized: false },
        }),
      );
    });
  },
);

for (const kind of WITH_TLS) {
  for (const [name, says] of [
    ["wrongHost", /the certificate is for wrong\.example, not for "127\.0\.0\.1"/],
    ["expired", /the certificate has expired on 2021-01-01/],
  ] as const) {
    describeRow(kind, name, (bed) => {
      it(`says so: ${says.source}`, async () => {
        const error = await refusal(bed, {});
        expect(error).toBeInstanceOf(TlsError);
        expect(error.message).toMatch(says);
        expect(error.message).not.toContain(bed.server.password);
      });

      it.runIf(name === "wrongHost")("takes the name that it is told to expect", async () => {
        await expectTransfers(await bed.ready({ tls: { servername: "wrong.example" } }));
      });
    });
  }

  describeServer(kind, { tls: "explicit", requireTls: true }, `${kind} with required TLS`, (bed) => {
    it("refuses a login in the clear, and says why", async () => {
      const error = (await refusal(bed, { security: "plain" })) as ReplyError;
      expect(error).toBeInstanceOf(ReplyError);
      expect(error.message).toMatch(/TLS|SSL|encrypt|secure|cleartext/i);
      expect(error.message).not.toContain(bed.server.password);
    });

    it("refuses data in the clear, and the client stays usable", async () => {
      const ftp = bed.client({ protection: "clear" });
      await ftp.connect();
      await ftp.login();
      expect(await errorOf(ftp.nlst().toArray())).toBeInstanceOf(ReplyError);
      await expectUsable(ftp);
    });
  });

  if (ABILITIES[kind].ccc) {
    describeServer(kind, { tls: "explicit" }, `${kind} with CCC`, (bed) => {
      it("takes TLS off the control connection, and protects the data", async () => {
        const ftp = await bed.ready({ clearControl: true });
        expect(ftp.secure).toBe(false);
        await expectTransfers(ftp);
        expect(await Promise.all([ftp.size("file"), ftp.size("file")])).toEqual([BYTES.length, BYTES.length]);
        await ftp.quit();
      });
    });
  } else {
    describeServer(kind, { tls: "explicit" }, `${kind} without CCC`, (bed) => {
      it("says so at the login", async () => {
        const error = await refusal(bed, { clearControl: true });
        expect(error).toBeInstanceOf(ReplyError);
        expect(error).not.toBeInstanceOf(LoginError);
        expect((error as ReplyError).command).toBe("CCC");
      });
    });
  }
}

function describeRow(kind: Kind, name: "wrongHost" | "expired", tests: (bed: Bed) => void): void {
  describeServer(kind, { tls: "explicit", certificate: PAIRS[name] }, `${kind} with the certificate ${name}`, tests);
}

for (const kind of ["vsftpd", "proftpd"] as const) {
  describeServer(kind, { tls: "explicit", requireClientCertificate: true }, `${kind} wants a certificate`, (bed) => {
    it("takes the client's", async () => {
      const { certFile, keyFile } = (await certificates()).client;
      await expectTransfers(await bed.ready({ tls: { cert: readFileSync(certFile), key: readFileSync(keyFile) } }));
    });

    it("says that it has none", async () => {
      const { message } = await refusal(bed, {});
      expect(message).toMatch(/client's certificate, or the lack of one|tls\.cert/);
    });
  });
}

describeRows(
  ROWS.filter(([, tls]) => tls === "none"),
  {},
  (bed) => {
    it("a refused AUTH TLS is an error that tells the way out, and no password is sent", async () => {
      const transcript = new Transcript();
      const ftp = bed.client({ security: "starttls", transcript });
      const error = await errorOf(ftp.connect());
      expect(error).toBeInstanceOf(TlsError);
      expect(error.message).toMatch(/refused AUTH TLS: 5\d\d .*security "plain"/s);
      expect(ftp.state).toBe("closed");
      expect(transcript.lines.filter(({ who }) => who === "C").map(({ text }) => text)).toEqual(["AUTH TLS"]);
    });

    it("TLS to a port that speaks in the clear says so", async () => {
      const error = await refusal(bed, { security: "tls" });
      expect(error).toBeInstanceOf(TlsError);
      expect(error.message).toMatch(/answered in plain text on port \d+.*: is this a TLS port\?/);
    });
  },
);

describeRows(
  ROWS.filter(([, tls]) => tls === "implicit"),
  {},
  (bed) => {
    it.each(["plain", "starttls"] as const)(
      "%s to a port that begins with TLS says that it may be one",
      async (way) => {
        const ftp = bed.client({ security: way, timeouts: { greeting: 300 } });
        const error = await errorOf(ftp.connect());
        // The server waits for the client's first word, and we for the server's.
        expect(error).toBeInstanceOf(TimeoutError);
        expect(error).toMatchObject({ phase: "greeting" });
        expect(error.message).toMatch(/no greeting .* within 300 ms: .*tls/);
      },
    );
  },
);
