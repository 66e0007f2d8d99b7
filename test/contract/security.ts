/** TLS: what is protected, what is said where the two sides do not fit, whom we trust, and what was injected. */
import { describe, expect, test } from "vitest";
import { ProtocolError, TimeoutError, TlsError } from "../../src/client/errors.js";
import { testTls } from "../../src/testing/tls.js";
import { failure } from "../net/loopback.js";
import { type Bed, type Met, QUICK } from "./bed.js";

const ENCRYPTED = ["starttls", "tls"] as const;
/** Lines that begin a login in any of the protocols; AUTH TLS of FTP is none. */
const LOGIN = /USER|PASS|AUTH (?!TLS)|AUTHINFO|AUTHENTICATE|LOGIN/;
/** An authority that has signed nothing here. */
const STRANGER = testTls.client.cert;

const SAYS = {
  wrongHost: /the certificate is for wrong\.example, not for "127\.0\.0\.1"/,
  expired: /the certificate has expired on 2021-01-01/,
};

/** What connect() fails with, and the words of it; the client is closed then, and nobody has logged in. */
async function expectRefusal({ client, relay, transcript }: Met, says: RegExp): Promise<void> {
  const error = await failure(client.connect());
  expect(error).toBeInstanceOf(TlsError);
  expect(error).toMatchObject({ phase: "tls", retryable: false, clientUsable: false });
  expect(error.message).toMatch(says);
  expect([client.state, client.secure]).toEqual(["closed", false]);
  expect(transcript.lines.some(({ text }) => text === "TLS")).toBe(false);
  expect(clearLines(relay.said).filter((line) => LOGIN.test(line))).toEqual([]);
}

/** What was said before a handshake. */
function clearLines(said: string): string[] {
  const handshake = said.indexOf("\x16\x03");
  return said.slice(0, handshake === -1 ? said.length : handshake).split("\r\n");
}

export function checkSecurity(bed: Bed): void {
  const { row } = bed;

  describe("TLS", () => {
    test.each(ENCRYPTED)("%s: nothing of the login is said in the clear", async (security) => {
      const { client, relay, work } = await bed.ready({ security });
      await (work[0] as () => Promise<unknown>)();
      expect([client.secure, client.tls?.authorized]).toEqual([true, true]);
      expect(clearLines(relay.said).filter((line) => LOGIN.test(line))).toEqual([]);
      await client.quit();
    });

    test("an upgrade that is refused is an error that says what could be done, and never plain text", async () => {
      const [line, , refusal] = row.upgrade;
      const met = await bed.meet({ security: "starttls" });
      met.relay.tampering = { line, instead: refusal };
      await expectRefusal(met, new RegExp(`the server refused ${line}: .*\\?security=plain`));
      expect(met.relay.said.endsWith(`${line}\r\n`)).toBe(true);
    });

    test("a port in the clear is none for TLS from the first byte: the error says what the server did", async () => {
      const met = await bed.meet({ security: "tls" }, bed.place.ports.plain);
      await expectRefusal(met, /answered in plain text on port \d+ .*is this a TLS port/);
    });

    test.each(["plain", "starttls"] as const)("a port for TLS is none for %s: the error asks", async (security) => {
      const timeouts = { ...QUICK, greeting: 100 };
      const met = await bed.meet({ security, timeouts }, bed.place.ports.tls);
      const error = await failure(met.client.connect());
      expect(error).toBeInstanceOf(TimeoutError);
      expect(error).toMatchObject({ phase: "greeting" });
      expect(error.message).toMatch(/is this the right port, and the right security \(tls, starttls\)/);
      expect([met.client.state, met.relay.said]).toEqual(["closed", ""]);
    });

    test.each(ENCRYPTED)(
      "an authority that is not known is not trusted, unless nobody is asked: %s",
      async (security) => {
        await expectRefusal(await bed.meet({ security, tls: { ca: STRANGER } }), /authority that is not trusted here/);
        const { client } = await bed.ready({ security, tls: { ca: STRANGER, rejectUnauthorized: false } });
        await client.noop();
        expect([client.secure, client.tls?.authorized]).toEqual([true, false]);
      },
    );

    test.each(ENCRYPTED)("a certificate for another name than the one expected: %s", async (security) => {
      const met = await bed.meet({ security, tls: { servername: "mail.elsewhere.example" } });
      await expectRefusal(met, /the certificate is for localhost.*, not for "mail\.elsewhere\.example"/);
    });
  });

  describe("bytes that are injected around the upgrade", () => {
    const [line, agreement] = row.upgrade;
    test.each([
      ["behind the agreement", { behind: agreement }],
      ["in front of it: the true one comes too late", { before: agreement }],
      ["behind it, half a line", { behind: agreement.slice(0, 3) }],
    ])("%s: the connection is given up, and nothing more is said", async (_, what) => {
      const { client, relay } = await bed.meet({ security: "starttls" });
      relay.tampering = { line, ...what };
      const error = await failure(client.connect());
      expect(error).toBeInstanceOf(ProtocolError);
      expect(error.message).toMatch(/bytes before the TLS handshake .*someone may have injected them/);
      expect(error).toMatchObject({ clientUsable: false });
      expect([client.state, client.secure]).toEqual(["closed", false]);
      expect(relay.said.endsWith(`${line}\r\n`)).toBe(true);
    });
  });
}

/** For a server whose certificate is bad. */
export function checkCertificate(bed: Bed, name: "wrongHost" | "expired"): void {
  test.each(ENCRYPTED)("is refused, and the error says why: %s", async (security) => {
    await expectRefusal(await bed.meet({ security }), SAYS[name]);
  });

  test.runIf(name === "wrongHost")("is taken where the caller expects that name", async () => {
    const { client } = await bed.ready({ security: "tls", tls: { servername: "wrong.example" } });
    expect(client.tls?.authorized).toBe(true);
  });
}
