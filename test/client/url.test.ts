/** URLs: every scheme, every part decoded for itself, and passwords that stay hidden whatever is wrong. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { UsageError } from "../../src/client/errors.js";
import { parseUrl, redactUrl } from "../../src/client/url.js";
import { encodeText } from "../../src/wire/text.js";

describe("parseUrl", () => {
  test.each([
    ["ftp", "ftp", "starttls", 21],
    ["ftps", "ftp", "tls", 990],
    ["nntp", "nntp", "starttls", 119],
    ["nntps", "nntp", "tls", 563],
    ["smtp", "smtp", "starttls", 587],
    ["smtps", "smtp", "tls", 465],
    ["pop3", "pop3", "starttls", 110],
    ["pop3s", "pop3", "tls", 995],
    ["imap", "imap", "starttls", 143],
    ["IMAPS", "imap", "tls", 993],
  ])("%s: %s with %s on port %i", (scheme, protocol, security, port) => {
    const plain = { protocol, security, host: "h.example", port, path: "", params: {} };
    expect(parseUrl(`${scheme}://h.example`)).toEqual(plain);
    expect(parseUrl(new URL(`${scheme}://h.example/`))).toEqual(plain);
  });

  test.each([
    ["ftp://h/a/b.txt", "a/b.txt"],
    ["ftp://h//etc/motd", "/etc/motd"],
    ["ftp://h/%2Fetc/motd", "/etc/motd"],
    ["ftp://h/a%20b%23%3f", "a b#?"],
    ["ftp://h/in/../a", "in/../a"],
    ["ftp://h/caf%C3%A9", "café"],
    ["ftp://h/caf%E9", "caf\udce9"],
    ["ftp://h/100%", "100%"],
    ["ftp://h/a;type=I", "a"],
    ["ftp://h/a+b", "a+b"],
    ["imap://h/Sent%20Mail", "Sent Mail"],
    ["imap://h/Archive/2026", "Archive/2026"],
    ["imap://h/a%3Bb;UIDVALIDITY=7", "a;b"],
    ["ftp://h/a;b", "a;b"],
  ])("%s: the path is %j", (url, path) => {
    expect(parseUrl(url).path).toBe(path);
  });

  test.each([
    ["ftp://alice@h", { user: "alice" }],
    ["ftp://alice:@h", { user: "alice", password: "" }],
    ["ftp://a%3Ab:p%40%2F%3A%25@h", { user: "a:b", password: "p@/:%" }],
    ["ftp://alice:p:q@r@h", { user: "alice", password: "p:q@r" }],
    ["ftp://j%C3%B6rg:%E9@h", { user: "jörg", password: "\udce9" }],
    ["imap://joe;AUTH=PLAIN@h", { user: "joe" }],
    ["ftp://@h", undefined],
  ])("%s: the credentials", (url, credentials) => {
    expect(parseUrl(url).credentials).toEqual(credentials);
  });

  test.each([
    ["ftp://[::1]:2121/", "::1", 2121],
    ["ftps://[2001:db8::5]", "2001:db8::5", 990],
    ["ftp://[fe80::1%25eth0]/", "fe80::1%eth0", 21],
    ["ftp://127.0.0.1:/", "127.0.0.1", 21],
    ["ftp://bücher.example/", "xn--bcher-kva.example", 21],
    ["ftp://b%C3%BCcher.example/", "xn--bcher-kva.example", 21],
    ["ftp://my_host/", "my_host", 21],
  ])("%s: host %s, port %i", (url, host, port) => {
    expect(parseUrl(url)).toMatchObject({ host, port });
  });

  test("parameters: security is taken, the rest is given back", () => {
    expect(parseUrl("ftp://h/?security=plain&a=b%26c&d&x=1+1")).toMatchObject({
      security: "plain",
      params: { a: "b&c", d: "", x: "1+1" },
    });
    expect(parseUrl("ftp://h/a;type=A").params).toEqual({ type: "a" });
    expect(parseUrl("pop3://joe;auth=*@h").params).toEqual({ auth: "*" });
    expect(parseUrl("imap://h/INBOX;UIDVALIDITY=385759045").params).toEqual({ uidvalidity: "385759045" });
    expect(parseUrl("imap://h/?security=tls")).toMatchObject({ security: "tls", port: 993 });
    expect(Object.keys(parseUrl("ftp://h/?__proto__=x").params)).toEqual(["__proto__"]);
  });

  test.each([
    ["sftp://joe:hunter2@h/", /scheme.*the schemes are ftp, ftps, nntp/],
    ["constructor://h/", /scheme/],
    ["files.example.org", /is not the URL of a server: write ftp/],
    ["ftp:/h", /is not the URL/],
    ["ftp://", /no valid host/],
    ["ftp:///path", /no valid host/],
    ["ftp://a b/", /no valid host/],
    ["ftp://ü%2Fx/", /no valid host/],
    ["ftp://ü%3Fx/", /no valid host/],
    ["ftp://h:0/", /no valid port/],
    ["ftp://h:65536/", /no valid port/],
    ["ftp://h:ftp/", /no valid host and port: special characters of a password are written %XX/],
    ["ftp://[::1/", /no valid host/],
    ["ftp://[joe]/", /no IPv6 address/],
    ["ftp://::1/", /no valid host/],
    ["ftps://h/?security=plain", /asks for TLS by its scheme/],
    ["ftp://h/?security=none", /it is plain, starttls or tls/],
    ["ftp://h/?a=1&a=2", /twice/],
    ["imap://h/INBOX/;UID=20", /names more than a mailbox: a ; in its name is written %3B/],
    ["imap://h/;UIDVALIDITY=7", /a UIDVALIDITY, and no mailbox/],
    ["ftp://joe:hunter2%0d@h/", /CR, LF or NUL in its password/],
    ["ftp://joe%00:hunter2@h/", /CR, LF or NUL in its user/],
    ["ftp://joe:hunter2@h/a%0D%0ADELE%20b", /CR, LF or NUL in its path/],
    ["ftp://joe:hunter2@h/a\r\nDELE b", /holds CR, LF or NUL/],
    ["ftp://h%00/", /CR, LF or NUL in its host/],
    ["ftp://h/?a=%0a", /CR, LF or NUL in its parameter/],
    ["ftp://joe:hunter2/@h/", /no valid host and port/],
    ["ftp://joe:hunter2#1@h/", /no valid host and port/],
    ["ftp://joe:65999hunter2@h:99999/", /no valid port/],
  ])("%j is refused", (url, words) => {
    let error: unknown;
    try {
      parseUrl(url);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(UsageError);
    expect((error as Error).message).toMatch(words);
    expect((error as Error).message).not.toContain("hunter2");
  });

  test("any bytes survive in user, password and path", () => {
    const escaped = (bytes: Uint8Array) => [...bytes].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
    const bytes = fc
      .uint8Array({ minLength: 1, maxLength: 20 })
      .map((all) => all.map((b) => ([0, 10, 13].includes(b) ? 65 : b)));
    fc.assert(
      fc.property(bytes, bytes, bytes, (user, password, path) => {
        const parsed = parseUrl(`ftp://${escaped(user)}:${escaped(password)}@h/${escaped(path)}`);
        expect(encodeText(parsed.credentials?.user ?? "").equals(user)).toBe(true);
        expect(encodeText(parsed.credentials?.password ?? "").equals(password)).toBe(true);
        expect(encodeText(parsed.path).equals(path)).toBe(true);
      }),
    );
  });
});

describe("redactUrl", () => {
  test.each([
    ["ftp://h/path", "ftp://h/path"],
    ["ftp://joe@h:21/path?a=b", "ftp://joe@h:21/path?a=b"],
    ["ftp://h:2121/dir", "ftp://h:2121/dir"],
    ["ftp://[::1]:2121/dir", "ftp://[::1]:2121/dir"],
    ["ftp://joe:pw@h/path", "ftp://joe:***@h/path"],
    ["ftp://joe:p@w@h/a@b", "ftp://joe:***@h/a@b"],
    ["ftp://joe:p/w@h/path", "ftp://joe:***@h/path"],
    ["ftp://joe:p#w@h", "ftp://joe:***@h"],
    ["ftp://joe:p%40h/", "ftp://joe:***"],
    ["joe:pw@h", "joe:***@h"],
    ["ftp:/joe:pw@h", "ftp:/joe:***@h"],
    ["ftp://h/?password=pw&a=b", "ftp://h/?password=***&a=b"],
    ["not a url", "not a url"],
    ["", ""],
  ])("%s → %s", (url, shown) => {
    expect(redactUrl(url)).toBe(shown);
  });

  test("a URL object too", () => {
    expect(redactUrl(new URL("ftp://joe:pw@h/"))).toBe("ftp://joe:***@h/");
  });

  test("no password shows, whatever stands around it", () => {
    const around = fc.string({ maxLength: 10 }).filter((text) => !/[@:]/.test(text));
    fc.assert(
      fc.property(
        around,
        fc.string({ maxLength: 8 }),
        fc.constantFrom("ftp://", "ftp:/", "", "x-y://"),
        (user, tail, scheme) => {
          const password = `hunter2${tail.replaceAll("@", "")}`;
          expect(redactUrl(`${scheme}${user}:${password}@host/`)).not.toContain("hunter2");
        },
      ),
    );
  });
});
