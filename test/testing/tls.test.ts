/** The certificates: who signed them, for whom, until when. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { expect, test } from "vitest";
import { testTls } from "../../src/testing/index.js";

const ca = new X509Certificate(testTls.ca);

test.each(["server", "expired", "wrongHost", "client"] as const)(
  "%s is signed by the authority and has its key",
  (name) => {
    const certificate = new X509Certificate(testTls[name].cert);
    expect(certificate.verify(ca.publicKey)).toBe(true);
    expect(certificate.checkPrivateKey(createPrivateKey(testTls[name].key))).toBe(true);
    expect(certificate.subject).toContain("TEST ONLY");
  },
);

test("names and dates", () => {
  const server = new X509Certificate(testTls.server.cert);
  expect([server.checkHost("localhost"), server.checkIP("127.0.0.1"), server.checkIP("::1")]).not.toContain(undefined);
  expect(new Date(server.validTo).getUTCFullYear()).toBe(2120);
  expect(new Date(new X509Certificate(testTls.expired.cert).validTo).getUTCFullYear()).toBe(2021);
  expect(new X509Certificate(testTls.wrongHost.cert).checkHost("localhost")).toBeUndefined();
});
