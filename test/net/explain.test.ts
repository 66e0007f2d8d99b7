/** explain: every row of the table gives a sentence that a person can act on. */
import { describe, expect, test } from "vitest";
import { LoginError, PolywireError, TlsError } from "../../src/client/errors.js";
import { explain, type Place, shown, timedOut } from "../../src/net/explain.js";
import { FAULTS } from "../../src/net/faults.js";

const place: Place = { protocol: "ftp", host: "ftp.example", port: 990, phase: "command", security: "tls" };
const fault = (code: string, message = "raw words of OpenSSL") => Object.assign(new Error(message), { code });

describe("the table", () => {
  test.each(Object.keys(FAULTS))("%s", (code) => {
    const cause = fault(code);
    const error = explain(cause, place);
    expect(error).toBeInstanceOf(PolywireError);
    expect(error).toMatchObject({ cause, server: "ftp.example:990", protocol: "ftp", clientUsable: false });
    expect(error.message).toContain(`(${code})`);
    expect(error.message).not.toContain("raw words");
    if (error.name !== "UsageError") expect(error.message).toContain("ftp.example:990");
    expect(error.message).not.toMatch(/undefined|\n|null/);
  });

  test.each([
    ["ENOTFOUND", "dns", "the name of ftp.example:990 was not found: no such host", false],
    ["EAI_AGAIN", "dns", "the name server did not answer", true],
    ["ECONNRESET", "command", "failed while a reply was awaited: the server broke the connection", true],
    ["EMFILE", "command", "too many files and sockets open", true],
    ["EHOSTUNREACH", "command", "no route leads there", true],
    ["CERT_HAS_EXPIRED", "tls", "the certificate has expired", false],
    ["DEPTH_ZERO_SELF_SIGNED_CERT", "tls", "the certificate is self-signed", false],
    ["SELF_SIGNED_CERT_IN_CHAIN", "tls", "give its CA with tls.ca", false],
    ["UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "tls", "give its CA with tls.ca", false],
    ["ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED", "tls", "give one with tls.cert and tls.key", false],
    ["ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION", "tls", "no TLS version in common", false],
    ["ERR_SSL_DH_KEY_TOO_SMALL", "tls", "Diffie-Hellman", false],
    ["ERR_SSL_SOMETHING_NEW", "tls", "raw words", false],
    ["CERT_CHAIN_TOO_LONG", "tls", "the certificate was refused", false],
    ["EWHATEVER", "command", "raw words (EWHATEVER)", true],
  ])("%s: phase %s, %s", (code, phase, words, retryable) => {
    const error = explain(fault(code, "raw words"), place);
    expect(error).toMatchObject({ phase, retryable });
    expect(error.message).toContain(words);
  });

  test("ETIMEDOUT is a TimeoutError, a refused data port speaks of firewalls", () => {
    expect(explain(fault("ETIMEDOUT"), { ...place, phase: "connect" }).name).toBe("TimeoutError");
    expect(explain(fault("ECONNREFUSED"), { ...place, phase: "data" }).message).toContain("passive ports");
  });

  test("plain text where TLS was expected: a port that begins in the clear is told apart", () => {
    const code = fault("ERR_SSL_WRONG_VERSION_NUMBER");
    expect(explain(code, place).message).toMatch(/answered in plain text on port 990 .*: is this a TLS port\?$/);
    expect(explain(code, { ...place, port: 21 }).message).toContain('try security "starttls"');
  });

  test("EPROTO is told by OpenSSL's words", () => {
    const words =
      "write EPROTO 4097:error:0A00010B:SSL routines:ssl3_get_record:wrong version number:../deps/ssl.c:331:";
    const error = explain(fault("EPROTO", words), place);
    expect(error).toBeInstanceOf(TlsError);
    expect(error.message).toContain("plain text on port 990");
    const other = explain(fault("EPROTO", "0A0000:SSL routines:ssl_x:some new reason:../x.c:1:"), place);
    expect(other.message).toContain('OpenSSL says "some new reason"');
  });

  test("several addresses tried: the one that was reached speaks", () => {
    const both = new AggregateError([fault("ENETUNREACH"), fault("ECONNREFUSED")]);
    expect(explain(both, place)).toMatchObject({ cause: both, message: expect.stringContaining("nothing listens") });
    const none = new AggregateError([fault("ENETUNREACH"), fault("EHOSTUNREACH")]);
    expect(explain(none, place).message).toContain("(ENETUNREACH)");
  });
});

test("our own errors pass through, and learn where they happened", () => {
  const error = new LoginError("no", { command: "PASS ***", code: "530", transient: false });
  expect(explain(error, place)).toBe(error);
  expect(error).toMatchObject({ server: "ftp.example:990", protocol: "ftp" });
});

test("an AbortError of Node becomes ours; what is no Error at all is still explained", () => {
  expect(explain(new DOMException("gone", "AbortError"), place)).toMatchObject({
    name: "AbortedError",
    phase: "abort",
  });
  expect(explain("odd", place)).toMatchObject({ name: "ConnectionError", cause: "odd" });
});

test("no greeting on a port that usually speaks TLS: the advice says so", () => {
  const silent = timedOut({ ...place, phase: "greeting", security: "starttls" }, 100);
  expect(silent.message).toContain('port 990 usually speaks TLS from the first byte: try security "tls"');
  expect(timedOut({ ...place, phase: "greeting" }, 100).message).toMatch(/no answer within 100 ms$/);
});

test("names of a certificate are bounded and printable", () => {
  const names = Array.from({ length: 9 }, (_, i) => `DNS:n${i}.example`).join(", ");
  const certificate = { subjectaltname: `${names}`, subject: {}, issuer: {} } as unknown as Place["certificate"];
  const error = explain(fault("ERR_TLS_CERT_ALTNAME_INVALID"), { ...place, certificate });
  expect(error.message).toContain("n4.example and 4 more, not for");
  const odd = { subject: { CN: "a\u001b[2J\nb" } } as unknown as Place["certificate"];
  expect(explain(fault("ERR_TLS_CERT_ALTNAME_INVALID"), { ...place, certificate: odd }).message).toContain(
    "for a\\u001b[2J\\nb, not",
  );
});

test("text of a server is shown as one bounded line", () => {
  expect(shown("a\r\n\u001b[31mb\u2028c")).toBe("a [31mb c");
  expect(shown("x".repeat(300)).length).toBe(201);
});
