/** Where replies meet promises: order, opening, and the end of the connection. */
import net from "node:net";
import { describe, expect, test, vi } from "vitest";
import { AbortedError, ConnectionError, ProtocolError, UsageError } from "../../src/client/errors.js";
import type { Reply } from "../../src/client/session.js";
import { DotReader } from "../../src/wire/index.js";
import { play, sessionTo, unhandled } from "./line.js";
import { failure, listen, tcpServer } from "./loopback.js";

const echo = (command: string) => `200 ${command}\r\n`;
const texts = (replies: readonly Reply[]) => replies.map((reply) => reply.text);

describe("commands and replies", () => {
  test("overlapping sends leave in one write and settle in order", async () => {
    const { line, got } = await play(echo);
    const order: string[] = [];
    const sends = ["A", "B", "C"].map((each) => line.send(each).finally(() => order.push(each)));
    expect(line.inFlight).toBe(3);
    expect(texts(await Promise.all(sends))).toEqual(["A", "B", "C"]);
    expect([order, got, line.inFlight]).toEqual([["A", "B", "C"], ["A\r\nB\r\nC\r\n"], 0]);
  });

  test("a refusal resolves: what it means is the protocol's business", async () => {
    const { line } = await play(() => "550 no\r\n");
    expect(await line.send("X")).toMatchObject({ ok: false, code: "550" });
  });

  test("preliminary replies are told, the final one resolves", async () => {
    const { line } = await play(() => "150 opening\r\n150 again\r\n226 done\r\n");
    const heard: string[] = [];
    const reply = await line.send("X", { preliminary: (each) => heard.push(each.text) });
    expect([reply.code, heard]).toEqual(["226", ["opening", "again"]]);
  });

  test("a body goes to its reader, and the next reply behind it is the next command's", async () => {
    const { line } = await play((command) => (command === "BODY" ? "222 body\r\na\r\n..b\r\n.\r\n" : "200 next\r\n"));
    let body = "";
    const reader = () => new DotReader((piece) => (body += piece.toString()));
    const [first, next] = await Promise.all([line.send("BODY", { body: reader }), line.send("NEXT")]);
    expect([first.code, body, next.text]).toEqual(["222", "a\r\n.b\r\n", "next"]);
  });

  test("pack resolves to the replies in order, refusals among them", async () => {
    const { line, got } = await play((command) => (command === "B" ? "500 B\r\n" : echo(command)));
    expect((await line.pack(["A", "B", "C"])).map((reply) => reply.code)).toEqual(["200", "500", "200"]);
    expect(got).toEqual(["A\r\nB\r\nC\r\n"]);
    expect(await line.pack([])).toEqual([]);
  });

  test("no more octets of commands are on their way than the window has", async () => {
    const { line, got } = await play(echo);
    line.window = 10;
    const sends = ["AAAA", "BB", "CC", "a command longer than the window", "DD", "EE"].map((each) => line.send(each));
    expect(texts(await Promise.all(sends))).toEqual([
      "AAAA",
      "BB",
      "CC",
      "a command longer than the window",
      "DD",
      "EE",
    ]);
    expect(got).toEqual(["AAAA\r\nBB\r\n", "CC\r\n", "a command longer than the window\r\n", "DD\r\nEE\r\n"]);
  });

  test("a fence forgets the commands that wait for the window", async () => {
    const { line, got } = await play((command) => (command === "PWD" ? "257 here\r\n" : "250 done\r\n"));
    line.window = 4;
    const sent = line.send("A");
    const unsent = ["B", "C"].map((each) => failure(line.send(each)));
    expect(await line.fence("ABOR", "PWD", "257", 1000)).toBe(true);
    expect((await sent).text).toBe("done");
    for (const error of await Promise.all(unsent)) expect(error).toBeInstanceOf(AbortedError);
    expect((await line.send("D")).text).toBe("done");
    expect(got.join("")).toBe("A\r\nABOR\r\nPWD\r\nD\r\n");
  });

  test("an unsendable command is refused, alone or in a pack, and nothing is sent", async () => {
    const { line, got } = await play(echo);
    expect(await failure(line.send("A\r\nDELE x"))).toBeInstanceOf(UsageError);
    expect(await failure(line.pack(["A", "B\n"]))).toBeInstanceOf(UsageError);
    expect(() => line.fence("A\0", "PWD", "257", 1)).toThrow(UsageError);
    expect((await line.send("C")).text).toBe("C");
    expect(got).toEqual(["C\r\n"]);
  });

  test("bytes that are no UTF-8 go out and come in as they are", async () => {
    const { line, got } = await play(echo);
    expect((await line.send("CWD \udcfc ü")).text).toBe("CWD \udcfc ü");
    expect(got).toEqual(["CWD \xfc \xc3\xbc\r\n"]);
  });
});

describe("the end of the connection", () => {
  const parts = ["200 A\r\n", "211-B\r\n b\r\n211 end\r\n", "200 C\r\n"];
  const dialogue = parts.join("");
  const ENDS = parts.map((_, i) => parts.slice(0, i + 1).join("").length);

  test("a server that closes at any byte leaves no promise open, and no rejection unhandled", async () => {
    const caught = unhandled();
    for (let at = 0; at <= dialogue.length; at++) {
      const { line, server, closed } = await play();
      const sends = ["A", "B", "C"].map((each) => line.send(each));
      server.end(dialogue.slice(0, at));
      const results = await Promise.allSettled(sends);
      const whole = ENDS.filter((end) => end <= at).length;
      expect(
        results.map((each) => each.status),
        `closed at ${at}`,
      ).toEqual(
        ["fulfilled", "fulfilled", "fulfilled", "rejected", "rejected", "rejected"].slice(3 - whole, 6 - whole),
      );
      const rejected = results.flatMap((each) => (each.status === "rejected" ? [each.reason] : []));
      for (const reason of rejected) expect(reason).toBeInstanceOf(ConnectionError);
      await vi.waitFor(() => expect(closed).toHaveLength(1));
      expect(closed[0]?.message.includes("in the middle of a reply")).toBe(![0, ...ENDS].includes(at));
      expect(await failure(line.send("D"))).toBe(closed[0]);
    }
    expect(caught).toEqual([]);
  });

  test("a reset is a ConnectionError", async () => {
    const { line, server } = await play();
    const send = line.send("A");
    server.resetAndDestroy();
    expect(await failure(send)).toMatchObject({ name: "ConnectionError", phase: "command", protocol: "ftp" });
  });

  test("the goodbye rejects what is pending with the server's own words", async () => {
    const { line, server, closed } = await play();
    const sends = [line.send("A"), line.send("B")];
    server.write("200 A\r\n421 too idle\r\n");
    expect((await sends[0])?.text).toBe("A");
    expect((await sends[1])?.code).toBe("421");
    expect(closed[0]?.message).toContain("421 too idle");
    expect(await failure(line.send("C"))).toBe(closed[0]);
  });

  test("a goodbye while idle closes the session", async () => {
    const { server, closed } = await play();
    server.write("421 idle\r\n");
    await vi.waitFor(() => expect(closed[0]).toBeInstanceOf(ConnectionError));
  });

  test.each(["200 stray\r\n", "150 stray\r\n", "SSH-2.0-x\r\n", "200 A\r\n200 stray\r\n"])(
    "a stray %j closes with a ProtocolError",
    async (stray) => {
      const { line, server, closed } = await play();
      if (stray.startsWith("200 A")) void line.send("A");
      server.write(stray);
      await vi.waitFor(() => expect(closed[0]).toBeInstanceOf(ProtocolError));
      expect(await failure(line.send("B"))).toBe(closed[0]);
    },
  );

  test("what comes behind the end is not looked at", async () => {
    const { server, closed, transcript } = await play();
    server.write("200 stray\r\n200 stray\r\n200 stray\r\n");
    await vi.waitFor(() => expect(closed).toHaveLength(1));
    expect(transcript.lines.filter((each) => each.who === "S")).toHaveLength(1);
  });

  test("fail rejects everything with its reason, once", async () => {
    const { line, server, closed } = await play();
    const sends = [line.send("A"), line.pack(["B", "C"]), line.receive("data")].map(failure);
    const reason = new AbortedError("enough");
    expect(line.fail(reason)).toBe(reason);
    expect(line.fail(new AbortedError("again"))).toBe(reason);
    expect(await Promise.all(sends)).toEqual([reason, reason, reason]);
    expect([closed, reason.protocol]).toEqual([[reason], "ftp"]);
    await vi.waitFor(() => expect(server.readableEnded || server.destroyed).toBe(true));
  });

  test("a reader or callback that throws closes the session", async () => {
    const { line, closed } = await play(() => "150 a\r\n226 b\r\n");
    const preliminary = () => {
      throw new Error("mine");
    };
    expect((await failure(line.send("A", { preliminary }))).message).toContain("mine");
    expect(closed).toHaveLength(1);
  });
});

describe("opening", () => {
  test("hanging up while dialling ends open() at once", async () => {
    const { line, closed } = sessionTo(await listen(net.createServer(() => {})));
    const reason = new AbortedError("enough");
    const open = failure(line.open({}));
    line.fail(reason);
    expect([await open, closed]).toEqual([reason, [reason]]);
  });

  test("hanging up in the TLS handshake ends open() at once", async () => {
    const silent = await tcpServer();
    const { line } = sessionTo(silent, { security: "tls", timeouts: { connect: 10_000 } });
    const open = failure(line.open({}));
    await vi.waitFor(() => expect(line.closed).toBeUndefined());
    setTimeout(() => line.fail(new AbortedError("enough")), 50);
    expect((await open).message).toBe("enough");
  });

  test("the signal of the call ends open()", async () => {
    const { line, closed } = sessionTo(await tcpServer(), { security: "tls" });
    const stop = new AbortController();
    const open = failure(line.open({ signal: stop.signal }));
    setTimeout(() => stop.abort(new Error("why")), 20);
    expect(await open).toMatchObject({ name: "AbortedError", cause: new Error("why") });
    expect(closed).toHaveLength(1);
  });

  test("before open() there is no socket", async () => {
    const { line } = sessionTo(1);
    expect([line.tls, line.inFlight]).toEqual([undefined, 0]);
    expect(() => line.socket).toThrow(AbortedError);
  });
});
