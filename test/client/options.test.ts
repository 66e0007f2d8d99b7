/** Options with their defaults filled in, and what is refused. */
import { describe, expect, test } from "vitest";
import { UsageError } from "../../src/client/errors.js";
import { type ClientOptions, resolve } from "../../src/client/options.js";

const host = "files.example.org";
const refused = (options: ClientOptions) => expect(() => resolve("ftp", options)).toThrow(UsageError);

test("the defaults", () => {
  expect(resolve("pop3", { host })).toEqual({
    protocol: "pop3",
    host,
    port: 995,
    security: "tls",
    credentials: undefined,
    tls: { minVersion: "TLSv1.2" },
    proxy: undefined,
    localAddress: undefined,
    family: undefined,
    keepAlive: 60_000,
    timeouts: { connect: 20_000, greeting: 30_000, command: 30_000, idle: 60_000, quit: 3_000 },
    limits: { line: 1048576, reply: 1048576, body: 268435456, readAhead: 67108864, queue: 100_000 },
    transcript: undefined,
    mechanisms: undefined,
    pipelining: 256,
  });
});

test.each([
  ["ftp", undefined, 21, "starttls"],
  ["ftp", "tls", 990, "tls"],
  ["ftp", "plain", 21, "plain"],
  ["nntp", undefined, 563, "tls"],
  ["nntp", "starttls", 119, "starttls"],
  ["smtp", undefined, 465, "tls"],
  ["smtp", "starttls", 587, "starttls"],
  ["imap", undefined, 993, "tls"],
] as const)("%s with security %s: port %i, %s", (protocol, security, port, resolved) => {
  expect(resolve(protocol, { host, security })).toMatchObject({ port, security: resolved });
});

test("what is given wins, and undefined means the default", () => {
  const options = resolve("ftp", {
    host,
    port: 2121,
    security: undefined,
    timeouts: { command: 5, idle: undefined },
    tls: { minVersion: "TLSv1.3", servername: undefined },
  });
  expect(options).toMatchObject({ port: 2121, security: "starttls", tls: { minVersion: "TLSv1.3" } });
  expect(options.timeouts).toMatchObject({ command: 5, idle: 60_000 });
});

test("undefined in tls means the default, too", () => {
  const { tls } = resolve("ftp", { host, tls: { minVersion: undefined, rejectUnauthorized: undefined } });
  expect(tls).toMatchObject({ minVersion: "TLSv1.2", rejectUnauthorized: undefined });
});

test("the brackets of an IPv6 address are taken off", () => {
  expect(resolve("ftp", { host: "[::1]" }).host).toBe("::1");
});

describe("refused", () => {
  test.each(["", " ", "a b", "a\r\nb", "a\0", "user@host", "host/path", undefined, 5])("host %j", (bad) => {
    refused({ host: bad as string });
  });

  test.each([0, 65536, 1.5, Number.NaN, -1, "21"])("port %j", (port) => refused({ host, port: port as number }));

  test.each(["none", "TLS", ""])("security %j", (security) => refused({ host, security: security as "tls" }));

  test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31])("timeouts.command %d", (command) => {
    refused({ host, timeouts: { command } });
  });

  test("an option that does not exist is named, with those that do", () => {
    expect(() => resolve("ftp", { host, timeouts: { comand: 5 } as object })).toThrow(/comand.*command/);
    expect(() => resolve("ftp", { host, limits: { toString: 5 } as object })).toThrow(UsageError);
  });

  test.each([
    [{ hots: "x" }, "hots is not an option: is host meant?"],
    [{ host, Port: 21 }, "Port is not an option: is port meant?"],
    [{ host, timeout: 5 }, "timeout is not an option: is timeouts meant?"],
    [{ host, credentails: {} }, "credentails is not an option: is credentials meant?"],
    [{ host, lmtp: true }, "lmtp is not an option: there are host, port, security"],
    [{ host, constructor: 1 }, "constructor is not an option"],
    [{ host, limits: { redAhead: 1 } }, "limits.redAhead is not an option: is limits.readAhead meant?"],
  ])("an option that nobody knows: %j", (options, message) => {
    expect(() => resolve("ftp", options as ClientOptions)).toThrow(UsageError);
    expect(() => resolve("ftp", options as ClientOptions)).toThrow(message);
  });

  test("one that is undefined says nothing", () => {
    expect(resolve("ftp", { host, hots: undefined } as ClientOptions).host).toBe(host);
  });

  test.each([0, 10_001, 0.5])("pipelining %d", (pipelining) => refused({ host, pipelining }));

  test("keepAlive may be 0, not less", () => {
    expect(resolve("ftp", { host, keepAlive: 0 }).keepAlive).toBe(0);
    refused({ host, keepAlive: -1 });
  });
});

describe("mechanisms", () => {
  test("their names, in the order given, however they are written", () => {
    const { mechanisms } = resolve("nntp", { host, mechanisms: ["plain", "Scram-Sha-256-Plus"] });
    expect(mechanisms).toEqual(["PLAIN", "SCRAM-SHA-256-PLUS"]);
  });

  test.each([["GSSAPI"], ["constructor"], [5]])("%j is none, and those that are there are named", (name) => {
    const attempt = () => resolve("nntp", { host, mechanisms: [name as string] });
    expect(attempt).toThrow(UsageError);
    expect(attempt).toThrow(/SCRAM-SHA-256, /);
  });

  test.each([[[]], ["PLAIN"], [{}]])("%j is no list of names", (mechanisms) => {
    expect(() => resolve("nntp", { host, mechanisms: mechanisms as string[] })).toThrow(UsageError);
  });

  test("FTP has none", () => refused({ host, mechanisms: ["PLAIN"] }));
});
