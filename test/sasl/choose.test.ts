/** Which mechanisms are used, in which order, and why not. */
import { describe, expect, test } from "vitest";
import { AbortedError, UsageError } from "../../src/client/errors.js";
import type { ChannelBinding } from "../../src/client/session.js";
import type { SaslContext } from "../../src/sasl/authenticate.js";
import { chooseMechanisms } from "../../src/sasl/choose.js";
import { MECHANISM_NAMES } from "../../src/sasl/mechanism.js";
import { ALICE, contextOf } from "./dialogue.js";

const binding: ChannelBinding = { type: "tls-exporter", data: Buffer.from("bound") };
const all = { offered: MECHANISM_NAMES };
const names = (given: Partial<SaslContext>) => chooseMechanisms(contextOf(given)).map(({ name }) => name);
const refusalOf = (given: Partial<SaslContext>): UsageError => {
  try {
    chooseMechanisms(contextOf(given));
  } catch (error) {
    return error as UsageError;
  }
  throw new Error("there is a mechanism");
};

const PASSWORD = ["SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5", "PLAIN", "LOGIN"];

describe("the strongest first", () => {
  test("with a password", () => expect(names(all)).toEqual(PASSWORD));

  test("tied to TLS where that can be", () =>
    expect(names({ ...all, binding })).toEqual(["SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS", ...PASSWORD]));

  test("a token goes before a password", () => {
    const credentials = { ...ALICE, token: "t" };
    expect(names({ ...all, credentials })).toEqual(["OAUTHBEARER", "XOAUTH2", ...PASSWORD]);
  });

  test("with a token alone, and without a user", () => {
    expect(names({ ...all, credentials: { user: "a", token: "t" } })).toEqual(["OAUTHBEARER", "XOAUTH2"]);
    expect(names({ ...all, credentials: { token: "t" } })).toEqual(["OAUTHBEARER"]);
  });

  test("a client certificate counts where there is no password", () => {
    expect(names({ ...all, clientCertificate: true, credentials: {} })).toEqual(["EXTERNAL"]);
    expect(names({ ...all, clientCertificate: true })).not.toContain("EXTERNAL");
  });

  test("anonymous is who says so, without a password", () => {
    expect(names({ ...all, credentials: { user: "anonymous" } })).toEqual(["ANONYMOUS"]);
    expect(names({ ...all, credentials: { user: "anonymous", password: "a@b" } })).not.toContain("ANONYMOUS");
    expect(refusalOf({ ...all, credentials: { user: "alice" } })).toBeInstanceOf(UsageError);
  });

  test("only what is offered, however it is written", () =>
    expect(names({ offered: ["plain", "Scram-Sha-1", "GSSAPI", "PLAIN"] })).toEqual(["SCRAM-SHA-1", "PLAIN"]));
});

describe("in the clear", () => {
  const clear = { ...all, secure: false, security: "starttls" as const, credentials: { ...ALICE, token: "t" } };

  test("what sends the secret is left out", () =>
    expect(names(clear)).toEqual(["SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5"]));

  test("also where it is listed", () => {
    for (const name of ["PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER"]) {
      expect(refusalOf({ ...clear, mechanisms: [name] }).message).toMatch(/in the clear.*security "plain"/s);
    }
  });

  test('unless security "plain" was written out', () =>
    expect(names({ ...clear, security: "plain" })).toEqual(["OAUTHBEARER", "XOAUTH2", ...PASSWORD]));
});

describe("the caller's list", () => {
  test("says which, and in which order", () =>
    expect(names({ ...all, mechanisms: ["LOGIN", "scram-sha-256", "LOGIN"] })).toEqual(["LOGIN", "SCRAM-SHA-256"]));

  test("what is not offered is passed over", () =>
    expect(names({ offered: ["PLAIN"], mechanisms: ["SCRAM-SHA-256", "PLAIN"] })).toEqual(["PLAIN"]));

  test("is tried with a server that announces nothing", () =>
    expect(names({ offered: [], mechanisms: ["CRAM-MD5", "PLAIN"] })).toEqual(["CRAM-MD5", "PLAIN"]));

  test("EXTERNAL and ANONYMOUS need no other reason", () => {
    expect(names({ ...all, mechanisms: ["EXTERNAL", "ANONYMOUS"] })).toEqual(["EXTERNAL", "ANONYMOUS"]);
  });
});

describe("where there is none, the error says why", () => {
  test.each<[string, Partial<SaslContext>, RegExp]>([
    ["nothing is offered", {}, /the server offers none/],
    ["unknown ones are offered", { offered: ["GSSAPI", "X\x1b[2J"] }, /\(GSSAPI: it is not known here\)/],
    ["no password", { offered: ["PLAIN"], credentials: { user: "a" } }, /PLAIN: there is no password/],
    ["no user", { offered: ["PLAIN"], credentials: { password: "a" } }, /PLAIN: there is no user name/],
    ["no token", { offered: ["XOAUTH2"] }, /XOAUTH2: there is no token/],
    ["no TLS", { offered: ["SCRAM-SHA-1-PLUS"] }, /SCRAM-SHA-1-PLUS: there is no TLS/],
    ["no certificate", { offered: ["EXTERNAL"] }, /EXTERNAL: there is no client certificate/],
    ["not offered", { offered: ["PLAIN"], mechanisms: ["CRAM-MD5"] }, /CRAM-MD5: the server does not offer it/],
    ["a name of no mechanism", { ...all, mechanisms: ["constructor"] }, /CONSTRUCTOR: it is not known here|not offer/],
  ])("%s", (_what, given, message) => {
    expect(refusalOf(given)).toBeInstanceOf(UsageError);
    expect(refusalOf(given).message).toMatch(message);
  });
});

test.each(["user", "password", "authzid"])("a %s with CR, LF or NUL is not sent, and not shown", (field) => {
  for (const bad of ["\r", "\n", "\0"]) {
    const error = refusalOf({ ...all, credentials: { ...ALICE, [field]: `hidden${bad}` } });
    expect(error).toBeInstanceOf(UsageError);
    expect(error.message).not.toContain("hidden");
  }
});

describe("how the login is tied to TLS", () => {
  const flag = async (given: Partial<SaslContext>) =>
    (await chooseMechanisms(contextOf(given))[0]?.start())?.initial?.toString().split(",")[0];

  test.each<[string, string, Partial<SaslContext>]>([
    ["p=tls-exporter", "both can", { offered: ["SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"], binding }],
    ["y", "only we can", { offered: ["SCRAM-SHA-256"], binding }],
    ["n", "we cannot", { offered: ["SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"] }],
    ["n", "the caller's list is without", { offered: ["SCRAM-SHA-1"], mechanisms: ["SCRAM-SHA-1"], binding }],
    ["n", "nobody knows what the server can", { mechanisms: ["SCRAM-SHA-1", "SCRAM-SHA-1-PLUS"], binding }],
  ])("%s where %s", async (wanted, _why, given) => expect(await flag(given)).toBe(wanted));

  test("n, where the server offers it and the fallback is without", async () => {
    const [, second] = chooseMechanisms(contextOf({ offered: ["SCRAM-SHA-1", "SCRAM-SHA-1-PLUS"], binding }));
    expect((await second?.start())?.initial?.toString()).toMatch(/^n,,n=alice,/);
  });
});

describe("a token that a function gives", () => {
  const start = (token: () => string | Promise<string>) =>
    chooseMechanisms(contextOf({ ...all, credentials: { user: "a", token } }))[0]?.start();

  test("is asked for at each login", async () => {
    let count = 0;
    for (const each of ["t1", "t2"]) {
      expect((await start(async () => `t${++count}`))?.initial?.toString()).toContain(`Bearer ${each}\x01`);
    }
  });

  test("a function that fails is a UsageError with its cause; our own errors pass", async () => {
    const cause = new Error("expired");
    const fail = (error: Error) => () => Promise.reject(error);
    await expect(start(fail(cause))).rejects.toMatchObject({ name: "UsageError", cause });
    await expect(start(fail(new AbortedError("no")))).rejects.toBeInstanceOf(AbortedError);
  });
});
