/** Who is there: SASL with and without an initial response, LOGIN, refusals and what they mean. */
import { describe, expect, test } from "vitest";
import { LoginError, ReplyError, UsageError } from "../../src/client/errors.js";
import { failure } from "../net/loopback.js";
import { ALICE, connected, hello } from "./dialogue.js";

const CAPS = "[CAPABILITY IMAP4rev1 IDLE]";
const PLAIN = Buffer.from("\0alice\0s3cret").toString("base64");
const bare = (...more: string[]) => `S: * OK [CAPABILITY ${["IMAP4rev1", ...more].join(" ")}] ready\n`;

describe("SASL", () => {
  test("the initial response goes along: one round trip, and the capabilities come with it", async () => {
    const { imap, server } = await connected(`C: A1 AUTHENTICATE PLAIN ${PLAIN}\nS: A1 OK ${CAPS} in\n`);
    await imap.login();
    expect([...imap.capabilities.keys()]).toEqual(["IMAP4REV1", "IDLE"]);
    await server.done;
  });

  test("… or behind an empty challenge, where the server has no SASL-IR", async () => {
    const script = `C: A1 AUTHENTICATE PLAIN\nS: + \nC: ${PLAIN}\nS: A1 OK ${CAPS} in\n`;
    const { imap, server } = await connected(script, {}, bare("AUTH=PLAIN"));
    await imap.login();
    await server.done;
  });

  test("capabilities that came untagged are not asked for", async () => {
    const script = "C: A1 AUTHENTICATE PLAIN ***\nS: * CAPABILITY IMAP4rev1 XLATER\nS: A1 OK in\n";
    const { imap, server } = await connected(script);
    await imap.login();
    expect(imap.capabilities.has("XLATER")).toBe(true);
    await server.done;
  });

  test("… and those that did not come are", async () => {
    const script =
      "C: A1 AUTHENTICATE PLAIN ***\nS: A1 OK in\nC: A2 CAPABILITY\nS: * CAPABILITY IMAP4rev1 X\nS: A2 OK\n";
    const { imap, server } = await connected(script);
    await imap.login();
    expect(imap.capabilities.has("X")).toBe(true);
    await server.done;
  });

  test("a mechanism that is refused as such is followed by the next one", async () => {
    const script = `C: A1 AUTHENTICATE CRAM-MD5\nS: A1 NO no mechanism available\nC: A2 AUTHENTICATE PLAIN ***\nS: A2 OK ${CAPS}\n`;
    const { imap, server } = await connected(script, {}, hello("AUTH=CRAM-MD5"));
    await imap.login();
    await server.done;
  });

  test("… and at last by LOGIN", async () => {
    const script = `C: A1 AUTHENTICATE PLAIN ***\nS: A1 BAD unknown\nC: A2 LOGIN "alice" "s3cret"\nS: A2 OK ${CAPS}\n`;
    const { imap, server } = await connected(script);
    await imap.login();
    await server.done;
  });

  test("a challenge that cannot be right is broken off, and closes the client", async () => {
    const script = "C: A1 AUTHENTICATE SCRAM-SHA-256 ***\nS: + !!!\nC: *\nS: A1 BAD cancelled\n";
    const { imap } = await connected(script, { mechanisms: ["SCRAM-SHA-256"] }, hello("AUTH=SCRAM-SHA-256"));
    expect(await failure(imap.login())).toMatchObject({ name: "ProtocolError" });
    expect(imap.state).toBe("closed");
  });
});

describe("LOGIN", () => {
  test("is for servers without a mechanism, its arguments quoted", async () => {
    const script = `C: A1 LOGIN "a\\"b" "p\\\\w d"\nS: A1 OK ${CAPS}\n`;
    const { imap, server } = await connected(script, { credentials: { user: 'a"b', password: "p\\w d" } }, bare());
    await imap.login();
    await server.done;
  });

  test("a password that is not ASCII is a literal, which is asked for", async () => {
    const password = "påss";
    const script = `C: A1 LOGIN "alice" {5}\nS: + go on\nC~ ${Buffer.from(`${password}\r\n`).toString("base64")}\nS: A1 OK ${CAPS}\n`;
    const { imap, server, transcript } = await connected(script, { credentials: { user: "alice", password } }, bare());
    await imap.login();
    await server.done;
    expect(transcript.script()).not.toContain("ss");
  });

  test("… or is not, with LITERAL+", async () => {
    const password = "påss";
    const script = `C: A1 LOGIN "alice" {5+}\nC~ ${Buffer.from(`${password}\r\n`).toString("base64")}\nS: A1 OK ${CAPS}\n`;
    const credentials = { user: "alice", password };
    const { imap, server } = await connected(script, { credentials }, bare("LITERAL+"));
    await imap.login();
    await server.done;
  });

  test("is not said where the server has LOGINDISABLED", async () => {
    const { imap, server } = await connected("", {}, bare("LOGINDISABLED"));
    expect(await failure(imap.login())).toBeInstanceOf(UsageError);
    await server.done;
  });

  test("is not said where mechanisms are listed", async () => {
    const { imap, server } = await connected("", { mechanisms: ["SCRAM-SHA-1"] }, bare("AUTH=PLAIN"));
    expect(await failure(imap.login())).toBeInstanceOf(UsageError);
    await server.done;
  });

  test("the password is not in the transcript", async () => {
    const { imap, transcript } = await connected(`C: A1 LOGIN ***\nS: A1 OK ${CAPS} welcome s3cret\n`, {}, bare());
    await imap.login();
    expect(transcript.script()).not.toContain("s3cret");
    expect(transcript.script()).toContain("C: A1 LOGIN alice ***");
  });
});

describe("a password that a server says back", () => {
  test.each(['pa"ss\\w0rd', "pässwörd", "s3cret"])("%s is shown nowhere", async (password) => {
    const b64 = (text: string) => Buffer.from(text).toString("base64");
    const quoted = password.replace(/["\\]/g, "\\$&");
    const said = `A1 BAD LOGIN "alice" "${quoted}" ${password}\r\n`;
    const script = `C: /^A1 LOGIN/\nS~ ${b64(said)}\n`;
    const { imap, transcript } = await connected(
      /[^ -~]/.test(password)
        ? `C: A1 LOGIN "alice" {10+}\nC~ ${b64(`${password}\r\n`)}\nS~ ${b64(said)}\nS~ ${b64(`A9 OK ${password}\r\n`)}\n`
        : `${script}S~ ${b64(`A9 OK ${password}\r\n`)}\n`,
      { credentials: { user: "alice", password } },
      bare("LITERAL+"),
    );
    const error = await failure(imap.login());
    await expect.poll(() => imap.state).toBe("closed");
    const stray = await failure(imap.noop());
    const shown = [error.message, stray.message, transcript.script()].join("\n");
    expect(shown).toContain("***");
    for (const form of [password, quoted, Buffer.from(password).toString("latin1")]) expect(shown).not.toContain(form);
  });
});

describe("refusals", () => {
  test.each([
    "NO unknown user",
    "NO [AUTHENTICATIONFAILED] mechanism not allowed for this user",
    "NO invalid arguments",
  ])("%s: a refusal that may mean the password is not followed by another way", async (answer) => {
    const { imap, server } = await connected(`C: A1 AUTHENTICATE PLAIN ***\nS: A1 ${answer}\n`);
    expect(await failure(imap.login())).toBeInstanceOf(LoginError);
    await server.done;
  });

  test("nor is one by a server that has asked for the response", async () => {
    const script = "C: A1 AUTHENTICATE PLAIN\nS: + \nC: ***\nS: A1 BAD unknown command\n";
    const { imap, server } = await connected(script, {}, bare("AUTH=PLAIN"));
    expect(await failure(imap.login())).toBeInstanceOf(ReplyError);
    await server.done;
  });

  test("what a login is asked by is not in the transcript", async () => {
    const challenge = Buffer.from("<1.2@x.org>").toString("base64");
    const script = `C: A1 AUTHENTICATE CRAM-MD5\nS: + ${challenge}\nC: ***\nS: A1 OK ${CAPS} in\n`;
    const { imap, transcript } = await connected(script, {}, bare("AUTH=CRAM-MD5"));
    await imap.login();
    expect(transcript.script()).not.toContain(challenge);
    expect(transcript.script()).toContain("S: + ***");
  });

  test("a wrong password is a LoginError, and leaves the client usable", async () => {
    const script = `C: A1 AUTHENTICATE PLAIN ***\nS: A1 NO [AUTHENTICATIONFAILED] no\nC: A2 AUTHENTICATE PLAIN ***\nS: A2 OK ${CAPS}\n`;
    const { imap, server } = await connected(script);
    const error = await failure(imap.login({ ...ALICE, password: "wrong" }));
    expect(error).toBeInstanceOf(LoginError);
    expect(error).toMatchObject({ code: "NO", enhanced: "AUTHENTICATIONFAILED", transient: false, clientUsable: true });
    expect(imap.state).toBe("connected");
    await imap.login();
    await server.done;
  });

  test.each([
    ["NO [UNAVAILABLE] later", false, true],
    ["NO [INUSE] locked", false, true],
    ["NO [LIMIT] too many", false, true],
    ["NO [CONTACTADMIN] call us", false, false],
    ["NO [PRIVACYREQUIRED] TLS", false, false],
    ["NO [EXPIRED] old", true, false],
    ["NO [AUTHORIZATIONFAILED] no", true, false],
    ["NO Too many connections", false, true],
    ["NO wrong", true, false],
  ])("%s: about the credentials %s, for now %s", async (answer, isLogin, transient) => {
    const { imap } = await connected(`C: A1 AUTHENTICATE PLAIN ***\nS: A1 ${answer}\n`);
    const error = await failure(imap.login());
    expect(error).toBeInstanceOf(ReplyError);
    expect(error instanceof LoginError).toBe(isLogin);
    expect(error).toMatchObject({ transient, retryable: transient });
    expect(imap.state).toBe("connected");
  });
});
