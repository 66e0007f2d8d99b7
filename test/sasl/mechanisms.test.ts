/** The mechanisms besides SCRAM: the examples of their RFCs, and what they answer to servers that ask too much. */
import { describe, expect, test } from "vitest";
import { ProtocolError, UsageError } from "../../src/client/errors.js";
import type { Credentials } from "../../src/client/session.js";
import { cramMd5 } from "../../src/sasl/cram-md5.js";
import type { Mechanism } from "../../src/sasl/mechanism.js";
import { oauthBearer, xoauth2 } from "../../src/sasl/oauth.js";
import { anonymous, external, login, plain } from "../../src/sasl/plain.js";
import { base64, setupOf } from "./dialogue.js";

const of = (credentials: Credentials) => setupOf({ credentials });
const say = async (mechanism: Mechanism, text: string) => (await mechanism.respond(Buffer.from(text))).toString();
/** respond() may throw at once, or reject. */
const answer = async (mechanism: Mechanism, text: string) => say(mechanism, text);

describe("PLAIN", () => {
  test.each([
    ["\0tim\0tanstaaftanstaaf", { user: "tim", password: "tanstaaftanstaaf" }],
    ["Ursel\0Kurt\0xipj3plmq", { authzid: "Ursel", user: "Kurt", password: "xipj3plmq" }],
  ])("the example of RFC 4616 §4: %j", (initial, credentials) => {
    expect(plain(of(credentials)).initial?.toString()).toBe(initial);
  });

  test("a password is sent as it is: bytes that are no UTF-8, and what SASLprep would change", () => {
    const { initial } = plain(of({ user: "\u2168", password: "caf\udce9" }));
    expect(initial).toEqual(Buffer.concat([Buffer.from("\0\u2168\0caf"), Buffer.of(0xe9)]));
  });

  test("it is said again to a server that overlooked it, once", async () => {
    const mechanism = plain(of({ user: "tim", password: "x" }));
    expect(await say(mechanism, "")).toBe("\0tim\0x");
    await expect(answer(mechanism, "")).rejects.toThrow(ProtocolError);
  });

  test("a challenge to it is refused", async () => {
    await expect(answer(plain(of({})), "Password:")).rejects.toThrow(ProtocolError);
  });
});

test("LOGIN says the name, then the password, whatever the prompts, and no more", async () => {
  const mechanism = login(of({ user: "tim", password: "caf\udce9" }));
  expect(mechanism.initial).toBeUndefined();
  expect(await say(mechanism, "User Name\0")).toBe("tim");
  expect(await mechanism.respond(Buffer.from("Password\0"))).toEqual(Buffer.from("caf\xe9", "latin1"));
  await expect(answer(mechanism, "More:")).rejects.toThrow(ProtocolError);
});

describe("CRAM-MD5", () => {
  const tim = of({ user: "tim", password: "tanstaaftanstaaf" });

  test("the example of RFC 2195 §2", async () => {
    const mechanism = cramMd5(tim);
    expect(mechanism.initial).toBeUndefined();
    const response = await say(mechanism, "<1896.697170952@postoffice.reston.mci.net>");
    expect(response).toBe("tim b913a602c7eda7a495b4e6e7334d3890");
  });

  test("an empty challenge is refused, and a second one", async () => {
    const mechanism = cramMd5(tim);
    await expect(answer(mechanism, "")).rejects.toThrow(ProtocolError);
    await say(mechanism, "<1@x>");
    await expect(answer(mechanism, "<2@x>")).rejects.toThrow(ProtocolError);
  });
});

describe("OAUTHBEARER", () => {
  const setup = setupOf({
    credentials: { user: "user@example.com" },
    token: "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==",
    host: "server.example.com",
    port: 143,
  });

  test("the example of RFC 7628 §4.1", () => {
    expect(oauthBearer(setup).initial?.toString("base64")).toBe(
      "bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9QmVhcmVyIHZGOWRmdDRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB",
    );
  });

  test("the error of RFC 7628 §4.3 is answered by ^A, and told", async () => {
    const mechanism = oauthBearer(setup);
    const error =
      "eyJzdGF0dXMiOiJpbnZhbGlkX3Rva2VuIiwic2NvcGUiOiJleGFtcGxlX3Njb3BlIiwib3BlbmlkLWNvbmZpZ3VyYXRpb24iOiJodHRwczovL2V4YW1wbGUuY29tLy53ZWxsLWtub3duL29wZW5pZC1jb25maWd1cmF0aW9uIn0=";
    expect(await mechanism.respond(Buffer.from(error, "base64"))).toEqual(Buffer.of(1));
    expect(mechanism.refusal).toEqual({
      text: "OAUTHBEARER: invalid_token, scope example_scope",
      mechanism: false,
    });
    await expect(answer(mechanism, "{}")).rejects.toThrow(ProtocolError);
  });

  test("the account to act for goes before the user; without either there is none; = and , are escaped", () => {
    const header = (credentials: Credentials) =>
      oauthBearer({ ...setup, credentials })
        .initial?.toString()
        .split("\x01")[0];
    expect(header({ user: "a", authzid: "b=c,d" })).toBe("n,a=b=3Dc=2Cd,");
    expect(header({})).toBe("n,,");
  });
});

describe("XOAUTH2", () => {
  const setup = setupOf({
    credentials: { user: "someuser@example.com" },
    token: "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg",
  });

  test("the example of Google's description", () => {
    expect(xoauth2(setup).initial?.toString("base64")).toBe(
      "dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRxbVRjMk52YjNSbGNrQmhkSFJoZG1semRHRXVZMjl0Q2cBAQ==",
    );
  });

  test("its error is answered by an empty line, and told", async () => {
    const mechanism = xoauth2(setup);
    const error =
      "eyJzdGF0dXMiOiI0MDEiLCJzY2hlbWVzIjoiYmVhcmVyIG1hYyIsInNjb3BlIjoiaHR0cHM6Ly9tYWlsLmdvb2dsZS5jb20vIn0K";
    expect((await mechanism.respond(Buffer.from(error, "base64"))).length).toBe(0);
    expect(mechanism.refusal?.text).toBe("XOAUTH2: 401, scope https://mail.google.com/");
    expect(() => mechanism.finish(undefined)).toThrow(ProtocolError);
  });
});

describe.each([
  ["OAUTHBEARER", oauthBearer],
  ["XOAUTH2", xoauth2],
])("a token to %s", (_name, make) => {
  test.each(["", "a b", "a\x01auth=Bearer b", "a\r\nb", "a\0b", "žeton"])(
    "%j cannot be sent, and is not shown",
    (token) => {
      const attempt = () => make(setupOf({ token }));
      expect(attempt).toThrow(UsageError);
      expect(attempt).toThrow(/^the token cannot be sent: it is empty, or holds blanks or line breaks$/);
    },
  );

  test.each([
    ["no JSON", "no"],
    ["null", "null"],
    ["a list", "[]"],
    ["a status that is none", '{"status":{}}'],
    ["what a terminal would read", '{"status":"\\u001b[2J"}'],
    ["the token itself", '{"status":"bad token t0ken"}'],
    ["a long story", `{"status":"${"x".repeat(1000)}"}`],
  ])("an error that is %s is acknowledged and not repeated", async (_what, text) => {
    const mechanism = make(setupOf({ token: "t0ken" }));
    await say(mechanism, text);
    expect(mechanism.refusal?.text).toMatch(/^[A-Z0-9]+: an error that cannot be read$/);
  });
});

test("EXTERNAL names the account to act for, else the user, else nobody", () => {
  const initial = (credentials: Credentials) => external(of(credentials)).initial?.toString();
  expect(initial({ authzid: "b", user: "a" })).toBe("b");
  expect(initial({ user: "a" })).toBe("a");
  expect(initial({})).toBe("");
});

test("ANONYMOUS leaves a trace, or none", () => {
  expect(anonymous(of({ user: "anonymous" })).initial?.toString("base64")).toBe(base64("anonymous"));
  expect(anonymous(of({})).initial?.length).toBe(0);
});
