/** Greeting, capabilities, TLS, raw commands and the end, as scripted dialogues. */
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { ConnectionError, ProtocolError, ReplyError, TlsError, UsageError } from "../../src/client/errors.js";
import { failure } from "../net/loopback.js";
import { connected, hello, login, ready, talk } from "./dialogue.js";

describe("greeting", () => {
  test("its text is the reply of connect(), its code the capabilities: nothing is asked", async () => {
    const { imap, server } = await talk(hello("IDLE"));
    expect(await imap.connect()).toMatchObject({ ok: true, code: "OK", enhanced: "CAPABILITY", text: "ready" });
    expect([imap.state, [...imap.capabilities.keys()]]).toEqual([
      "connected",
      ["IMAP4REV1", "SASL-IR", "AUTH", "IDLE"],
    ]);
    await server.done;
  });

  test("one without capabilities is asked for them", async () => {
    const script = "S: * OK hello\nC: A1 CAPABILITY\nS: * CAPABILITY IMAP4rev1 auth=plain\nS: A1 OK done\n";
    const { imap, server } = await talk(script);
    await imap.connect();
    expect(imap.capabilities.get("AUTH")).toEqual(["PLAIN"]);
    await server.done;
  });

  test("BYE closes the client, and says why", async () => {
    const { imap } = await talk("S: * BYE [UNAVAILABLE] full\n");
    const error = await failure(imap.connect());
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error).toMatchObject({ phase: "greeting", retryable: true });
    expect(error.message).toContain("[UNAVAILABLE] full");
    expect(imap.state).toBe("closed");
  });

  test.each(["* NO no", "* 3 EXISTS", "A1 OK what", "+ go on"])("%s is none", async (line) => {
    const { imap } = await talk(`S: ${line}\n`);
    expect(await failure(imap.connect())).toBeInstanceOf(ProtocolError);
  });

  test("a server of another protocol is noticed", async () => {
    const { imap } = await talk("S: +OK ready\n");
    expect(await failure(imap.connect())).toBeInstanceOf(ProtocolError);
  });

  test("PREAUTH needs no login, and login() says none", async () => {
    const script = "S: * PREAUTH [CAPABILITY IMAP4rev1] hello alice\nC: A1 NOOP\nS: A1 OK\n";
    const { imap, server } = await talk(script);
    await imap.connect();
    await imap.login();
    await imap.noop();
    expect(imap.state).toBe("ready");
    await server.done;
  });
});

describe("TLS", () => {
  const starttls = { security: "starttls" } as const;

  test("STARTTLS comes first, and what was announced before it is forgotten", async () => {
    const script = `${hello("XFORGED")}C: A1 STARTTLS\nS: A1 OK begin\nTLS\nC: A2 CAPABILITY\nS: * CAPABILITY IMAP4rev1 IDLE\nS: A2 OK\n`;
    const { imap, server } = await talk(script, starttls);
    await imap.connect();
    expect([imap.secure, [...imap.capabilities.keys()]]).toEqual([true, ["IMAP4REV1", "IDLE"]]);
    await server.done;
  });

  test("PREAUTH in the clear is refused where TLS is wanted", async () => {
    const { imap, transcript } = await talk("S: * PREAUTH [CAPABILITY IMAP4rev1] hello\n", starttls);
    expect(await failure(imap.connect())).toBeInstanceOf(TlsError);
    expect(transcript.lines.filter(({ who }) => who === "C")).toEqual([]);
  });
});

describe("requests", () => {
  test("give all that came untagged, as lines and parsed", async () => {
    const { imap, server } = await ready('C: A2 XLIST\nS: * LIST () "/" a\nS: * 5 EXISTS\nS: A2 OK [ALERT] fine\n');
    const reply = await imap.request("XLIST");
    expect(reply).toMatchObject({ ok: true, code: "OK", enhanced: "ALERT", text: "fine" });
    expect(reply.lines).toEqual(['* LIST () "/" a', "* 5 EXISTS", "A2 OK [ALERT] fine"]);
    expect(reply.responses.map(({ name, number }) => [name, number])).toEqual([
      ["LIST", undefined],
      ["EXISTS", 5],
    ]);
    await server.done;
  });

  test("give the bytes of literals, which stand in the lines too", async () => {
    const { imap } = await ready("C: A2 XGET\nS: * XGOT {4}\nS: a\nS: b) {2}\nS: hi tail\nS: A2 OK\n");
    const reply = await imap.request("XGET");
    expect(reply.lines[0]).toBe("* XGOT {4}\r\na\r\nb) {2}\r\nhi tail");
    expect(reply.body?.toString()).toBe("a\r\nbhi");
  });

  test("a refusal rejects with the code, and leaves the client usable", async () => {
    const { imap, server } = await ready("C: A2 XDO\nS: A2 NO [INUSE] busy\nC: A3 XDO\nS: A3 BAD what\n");
    const error = await failure(imap.request("XDO"));
    expect(error).toBeInstanceOf(ReplyError);
    expect(error).toMatchObject({ command: "XDO", code: "NO", enhanced: "INUSE", transient: true, clientUsable: true });
    expect(await imap.request("XDO", { expect: "any" })).toMatchObject({ ok: false, code: "BAD", text: "what" });
    await server.done;
  });

  test.each([
    "LOGIN a b",
    "select INBOX",
    "IDLE",
    "LOGOUT",
    "STARTTLS",
    "XA {5}",
    "XA {5+}",
    "XA\r\nA9 LOGOUT",
    "",
    " ",
    "UID",
    "UID ",
  ])("%j is not sent raw", async (command) => {
    const { imap, server } = await ready("");
    expect(await failure(imap.request(command))).toBeInstanceOf(UsageError);
    await server.done;
    expect(imap.state).toBe("ready");
  });

  test("a secret is shown nowhere", async () => {
    const { imap, transcript } = await ready("C: A2 XAUTH hunter2\nS: A2 NO bad hunter2\n");
    const error = await failure(imap.request("XAUTH hunter2", { shown: "XAUTH ***" }));
    expect(error.message).toContain("XAUTH ***");
    expect(transcript.script()).toContain("C: A2 XAUTH ***");
    expect(inspect(imap)).not.toContain("s3cret");
  });
});

describe("commands in flight", () => {
  test("each gets its own answer, whatever their order", async () => {
    const { imap, server } = await ready("C: A2 NOOP\nC: A3 NOOP\nC: A4 NOOP\nS: A4 OK\nS: A2 OK\nS: A3 BAD no\n");
    const all = await Promise.allSettled([imap.noop(), imap.noop(), imap.noop()]);
    expect(all.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    await server.done;
  });

  test.each(["A9 OK what", "+ go on", "A2 OK", "hello"])(
    "%s, which answers nothing, closes the client",
    async (line) => {
      const { imap } = await ready(`C: A2 NOOP\nS: A2 OK\nS: ${line}\n`);
      await imap.noop();
      await expect.poll(() => imap.state).toBe("closed");
    },
  );

  test("BYE ends them all, with the server's words", async () => {
    const { imap } = await ready("C: A2 NOOP\nC: A3 NOOP\nS: * BYE [UNAVAILABLE] going down\n");
    const errors = await Promise.all([failure(imap.noop()), failure(imap.noop())]);
    for (const error of errors) {
      expect(error).toBeInstanceOf(ConnectionError);
      expect(error.message).toContain("going down");
    }
    expect(imap.state).toBe("closed");
  });

  test("capabilities that are announced unasked count", async () => {
    const { imap } = await ready("C: A2 NOOP\nS: * CAPABILITY IMAP4rev1 XNEW\nS: A2 OK\n");
    await imap.noop();
    expect([...imap.capabilities.keys()]).toEqual(["IMAP4REV1", "XNEW"]);
  });
});

describe("the end", () => {
  test("quit() says LOGOUT and takes the BYE for what it is", async () => {
    const { imap, server } = await ready("C: A2 LOGOUT\nS: * BYE see you\nS: A2 OK\nCLOSE\n");
    await imap.quit();
    await server.done;
    expect(imap.state).toBe("closed");
  });

  test("a server that hangs up behind its BYE is as good", async () => {
    const { imap, server } = await ready("C: A2 LOGOUT\nS: * BYE see you\nCLOSE\n");
    await imap.quit();
    await server.done;
  });

  test("a server that hangs up in the middle of a response", async () => {
    const { imap } = await ready("C: A2 XGET\nS: * XGOT {400}\nS: ab\nCLOSE\n");
    const error = await failure(imap.request("XGET"));
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error.message).toContain("in the middle of a reply");
  });
});

describe("every cut", () => {
  const script = `${hello()}${login("XY")}C: A2 XGET\nS: * XGOT {4}\nS: a\nS: b) {2}\nS: hi tail\nS: A2 OK [ALERT] fine\n`;

  test.each([{ onePerSegment: true }, ...Array.from({ length: 24 }, (_, i) => ({ splitAt: i + 1 }))])(
    "%j gives the same",
    async (how) => {
      const { imap, server } = await talk(script, {}, how);
      await imap.connect();
      await imap.login();
      expect((await imap.request("XGET")).lines).toEqual([
        "* XGOT {4}\r\na\r\nb) {2}\r\nhi tail",
        "A2 OK [ALERT] fine",
      ]);
      await server.done;
    },
  );
});

test("COMPRESS is not asked for where it is not wanted, and a refusal goes on without", async () => {
  const compress = "C: A2 COMPRESS DEFLATE\nS: A2 NO [COMPRESSIONACTIVE] no\nC: A3 NOOP\nS: A3 OK\n";
  const { imap, server } = await ready(compress, ["COMPRESS=DEFLATE"]);
  await imap.noop();
  await server.done;
  const other = await ready("C: A2 NOOP\nS: A2 OK\n", ["COMPRESS=DEFLATE"], { compress: false });
  await other.imap.noop();
  await other.server.done;
});

test("a greeting in the clear is not asked twice", async () => {
  const { imap, server } = await connected("C: A1 NOOP\nS: A1 OK\n");
  await imap.noop();
  await server.done;
});
