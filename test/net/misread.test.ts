/** A mistake of ours while a reply is read: it is not taken for a link that failed, which a job would try again for ever. */
import type net from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { AbortedError, ConnectionError, PolywireError, ProtocolError } from "../../src/client/errors.js";
import { ImapLine } from "../../src/imap/line.js";
import { LineSession } from "../../src/net/line-session.js";
import { CodeGrammar, FTP_REPLIES } from "../../src/wire/index.js";
import { failure, optionsFor, tcpServer } from "./loopback.js";

const mistake = new TypeError("x is not a function");
const fails = () => {
  throw mistake;
};

/** Opens a connection on which what comes is misread; gives what a call rejects with, what comes behind it, and why it ended. */
type Misread = (port: number, ended: PolywireError[]) => Promise<{ first: Error; later: Error; closed: unknown }>;

const lineSession =
  (call: (line: LineSession) => Promise<unknown>): Misread =>
  async (port, ended) => {
    const options = optionsFor(port, { security: "plain", timeouts: { command: 2_000 } });
    const grammar = new CodeGrammar(FTP_REPLIES, options.limits.reply);
    const line = new LineSession({ options, grammar, onClose: (reason) => void ended.push(reason) });
    onTestFinished(() => void line.fail(new AbortedError("the test is over")));
    await line.open({});
    const first = await failure(call(line));
    return { first, later: await failure(line.send("B")), closed: line.closed };
  };

const exchanged = (line: LineSession) =>
  new Promise<void>((_, fail) => line.exchange(["A"], [], { replies: 1, take: fails, fail }));

const imapLine: Misread = async (port, ended) => {
  const options = optionsFor(port, { security: "plain", timeouts: { command: 2_000 } });
  const onClose = (reason: PolywireError) => void ended.push(reason);
  const line = new ImapLine({ options, unsolicited: fails, answered: () => {}, onClose });
  onTestFinished(() => void line.fail(new AbortedError("the test is over")));
  await line.open({});
  const first = await failure(line.execute("A"));
  return { first, later: await failure(line.execute("B")), closed: line.closed };
};

const cases: readonly (readonly [string, Misread, string])[] = [
  ["LineSession, the reader of a body", lineSession((line) => line.send("A", { body: fails })), "200 a\r\n"],
  ["LineSession, a preliminary reply", lineSession((line) => line.send("A", { preliminary: fails })), "150 a\r\n"],
  ["LineSession, an exchange", lineSession(exchanged), "200 a\r\n"],
  ["ImapLine, a response that nobody asked for", imapLine, "* 3 EXISTS\r\nA1 OK\r\n"],
];

describe.each(cases)("%s", (_, misread, bytes) => {
  test("a TypeError ends the connection, is the cause, and is neither a lost link nor the server's fault", async () => {
    const port = await tcpServer((socket: net.Socket) => void socket.once("data", () => socket.write(bytes)));
    const ended: PolywireError[] = [];
    const { first, later, closed } = await misread(port, ended);
    expect(first).toBeInstanceOf(PolywireError);
    expect(first).not.toBeInstanceOf(ConnectionError);
    expect(first).not.toBeInstanceOf(ProtocolError);
    expect(first).toMatchObject({
      ...{ name: "PolywireError", cause: mistake, retryable: false, clientUsable: false },
      ...{ protocol: "ftp", server: `127.0.0.1:${port}`, message: expect.stringContaining("x is not a function") },
    });
    expect([later, closed, ended]).toEqual([first, first, [first]]);
  });
});
