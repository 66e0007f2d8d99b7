/** TLS with real mail servers: whom we trust, that nothing is said in the clear, and what is said where the two do not fit. */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { TlsError } from "../../../src/client/errors.js";
import { certificates, clientCertificate } from "../servers/certs.js";
import { MAIL_KINDS } from "../servers/mail.js";
import { type Bed, describeEach, describeMail, errorOf, expectUsable, said, Transcript } from "./bed.js";

const PAIRS = await certificates();
const OTHER_CA = readFileSync(PAIRS.client.certFile, "utf8");
const ENCRYPTED = ["starttls", "tls"] as const;

/** What connecting fails with; nothing about the user was said until then. */
async function refusal(bed: Bed, more: Parameters<Bed["client"]>[0]): Promise<Error> {
  const transcript = new Transcript();
  const pop3 = bed.client({ ...more, transcript });
  const error = await errorOf(pop3.connect().then(() => pop3.login()));
  expect(error).toBeInstanceOf(TlsError);
  expect(error).toMatchObject({ clientUsable: false, retryable: false, phase: "tls" });
  expect(pop3.state).toBe("closed");
  expect(said(transcript).filter((verb) => verb !== "STLS")).toEqual([]);
  return error;
}

describeEach({}, (bed) => {
  it.each(ENCRYPTED)("speaks TLS 1.2 and 1.3: %s", async (security) => {
    for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
      const tls = { ca: PAIRS.ca, minVersion: version, maxVersion: version };
      const pop3 = await bed.ready({ security, tls });
      expect(pop3.tls?.getProtocol()).toBe(version);
      await expectUsable(pop3);
      await pop3.quit();
    }
  });

  it.each(ENCRYPTED)("a CA that is not known is not trusted: %s", async (security) => {
    const error = await refusal(bed, { security, tls: { ca: OTHER_CA } });
    expect(error.message).toMatch(/signed by an authority that is not trusted here \(polywire test CA\)/);
    await expectUsable(await bed.ready({ security, tls: { ca: OTHER_CA, rejectUnauthorized: false } }));
  });

  it("TLS spoken to a port in the clear: the server's plain text is named", async () => {
    const error = await refusal(bed, { security: "tls", port: bed.server.ports.pop3 });
    expect(error.message).toMatch(/answered in plain text on port \d+ .*is this a TLS port/);
  });

  it.each(["plain", "starttls"] as const)("a port for TLS is none for %s", async (security) => {
    const pop3 = bed.client({ security, port: bed.server.ports.pop3s, timeouts: { greeting: 300 } });
    const error = await errorOf(pop3.connect());
    expect(error.name).toBe("TimeoutError");
    expect(error.message).toMatch(/no greeting .*is this the right port, and the right security/);
    expect(pop3.state).toBe("closed");
  });
});

const SAYS = {
  wrongHost: /the certificate is for wrong\.example, not for "localhost"/,
  expired: /the certificate has expired on 2021-01-01/,
};

for (const kind of MAIL_KINDS) {
  for (const name of ["wrongHost", "expired"] as const) {
    describeMail(kind, { certificate: PAIRS[name] }, `${kind}, certificate: ${name}`, (bed) => {
      it.each(ENCRYPTED)("is refused, and the error says why: %s", async (security) => {
        expect((await refusal(bed, { security })).message).toMatch(SAYS[name]);
      });

      it.runIf(name === "wrongHost")("is taken where the caller expects that name", async () => {
        await expectUsable(await bed.ready({ security: "tls", tls: { servername: "wrong.example" } }));
      });
    });
  }
}

describeEach({ tls: "none" }, (bed) => {
  it("a server that refuses STLS is not spoken to in the clear", async () => {
    const error = await refusal(bed, { security: "starttls" });
    expect(error.message).toMatch(/refused STLS: -ERR .*security "plain"/);
  });
});

const REFUSES = { dovecot: ["LoginError", true], cyrus: ["TlsError", false] };

describeEach({ clientCertificate: "required" }, (bed) => {
  it.each(ENCRYPTED)("a certificate is shown where it is asked for: %s", async (security) => {
    const tls = await clientCertificate();
    // Dovecot takes the name from the certificate.
    const credentials = { user: bed.server.user, password: bed.server.password };
    await expectUsable(await bed.ready({ security, tls, credentials }));
    const pop3 = bed.client({ security, credentials });
    const error = await errorOf(pop3.connect().then(() => pop3.login()));
    // Dovecot refuses the login, Cyrus the handshake: in TLS 1.3 the client learns of it with the first answer.
    expect([error.name, error.clientUsable]).toEqual(REFUSES[bed.kind]);
  });
});
