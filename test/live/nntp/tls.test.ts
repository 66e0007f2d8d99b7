/** TLS with real news servers: whom we trust, that nothing is said in the clear, and what is said where the two do not fit. */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { TlsError } from "../../../src/client/errors.js";
import { Transcript } from "../../../src/client/transcript.js";
import { certificates } from "../servers/certs.js";
import { NEWS_KINDS } from "../servers/news.js";
import { type Bed, describeEach, describeNews, describeRows, errorOf, expectUsable, ROWS } from "./bed.js";

// The options of a server are wanted before any test runs.
const PAIRS = await certificates();
const OTHER_CA = readFileSync(PAIRS.client.certFile, "utf8");

/** What connecting fails with, and what was said until then: no secret. */
async function refusal(bed: Bed, more: Parameters<Bed["client"]>[0]): Promise<Error> {
  const transcript = new Transcript();
  const nntp = bed.client({ ...more, transcript });
  const error = await errorOf(nntp.connect().then(() => nntp.login()));
  expect(error).toBeInstanceOf(TlsError);
  expect(error).toMatchObject({ clientUsable: false, retryable: false, phase: "tls" });
  expect(nntp.state).toBe("closed");
  expect(transcript.script()).not.toMatch(/^C.*AUTHINFO/m);
  return error;
}

describeRows(
  ROWS.filter(([, tls]) => tls !== "none"),
  {},
  (bed) => {
    it.each(["TLSv1.2", "TLSv1.3"] as const)("speaks %s", async (version) => {
      const nntp = await bed.ready({ tls: { minVersion: version, maxVersion: version } });
      expect(nntp.tls?.getProtocol()).toBe(version);
      await expectUsable(nntp);
      await nntp.quit();
    });

    it("does not trust a CA that it does not know", async () => {
      const error = await refusal(bed, { tls: { ca: OTHER_CA } });
      expect(error.message).toMatch(/signed by an authority that is not trusted here \(polywire test CA\)/);
    });

    it("trusts any certificate where it is told to", async () => {
      await expectUsable(await bed.ready({ tls: { ca: OTHER_CA, rejectUnauthorized: false } }));
    });

    it.runIf(bed.tls === "implicit").each(["plain", "starttls"] as const)(
      "says that a port for TLS is none for %s",
      async (security) => {
        const nntp = bed.client({ security, timeouts: { greeting: 200 } });
        const error = await errorOf(nntp.connect());
        expect(error.name).toBe("TimeoutError");
        expect(error.message).toMatch(/no greeting .*is this the right port, and the right security/);
      },
    );
  },
);

const BAD = [
  ["starttls", "wrongHost"],
  ["implicit", "wrongHost"],
  ["implicit", "expired"],
] as const;
const SAYS = {
  wrongHost: /the certificate is for wrong\.example, not for "127\.0\.0\.1"/,
  expired: /the certificate has expired on 2021-01-01/,
};

for (const kind of NEWS_KINDS) {
  for (const [tls, name] of BAD) {
    describeNews(kind, { tls, certificate: PAIRS[name] }, `${kind}, TLS ${tls}, certificate: ${name}`, (bed) => {
      it(`says so: ${SAYS[name].source}`, async () => {
        expect((await refusal(bed, {})).message).toMatch(SAYS[name]);
      });

      it.runIf(name === "wrongHost")("takes the name that it is told to expect", async () => {
        await expectUsable(await bed.ready({ tls: { servername: "wrong.example" } }));
      });
    });
  }
}

describeEach({ tls: "none" }, (bed) => {
  it("is not spoken to in the clear where it refuses STARTTLS", async () => {
    const error = await refusal(bed, { security: "starttls" });
    expect(error.message).toMatch(/refused STARTTLS: (580|480) .*security "plain"/);
  });

  it("is not spoken to in the clear where TLS was wanted from the first octet", async () => {
    const error = await refusal(bed, { security: "tls" });
    expect(error.message).toMatch(/answered in plain text on port \d+ .*is this a TLS port/);
  });
});
