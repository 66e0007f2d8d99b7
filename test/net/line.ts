/** A line session on loopback, against a server that the test plays. */
import type net from "node:net";
import { onTestFinished } from "vitest";
import { AbortedError, type PolywireError } from "../../src/client/errors.js";
import type { ClientOptions } from "../../src/client/options.js";
import { Transcript } from "../../src/client/transcript.js";
import { LineSession } from "../../src/net/line-session.js";
import { CodeGrammar, FTP_REPLIES } from "../../src/wire/index.js";
import { optionsFor, tcpServer } from "./loopback.js";

export interface Played {
  line: LineSession;
  /** The server's end of the connection. */
  server: net.Socket;
  /** Segments the server received. */
  got: string[];
  /** Reasons the session was closed with. */
  closed: PolywireError[];
  transcript: Transcript;
}

export type Answer = (command: string, socket: net.Socket) => string | undefined;

/** A session that is not open yet, to a port. */
export function sessionTo(port: number, given: Partial<ClientOptions> = {}) {
  const transcript = new Transcript();
  const closed: PolywireError[] = [];
  const options = optionsFor(port, { security: "plain", transcript, timeouts: { command: 2_000 }, ...given });
  const onClose = (reason: PolywireError) => void closed.push(reason);
  const line = new LineSession({ options, grammar: new CodeGrammar(FTP_REPLIES, options.limits.reply), onClose });
  onTestFinished(() => void line.fail(new AbortedError("the test is over")));
  return { line, closed, transcript };
}

/** Opens a session. `answer` gives the bytes that answer each command line. */
export async function play(answer: Answer = () => undefined, given: Partial<ClientOptions> = {}): Promise<Played> {
  const got: string[] = [];
  let accept: (socket: net.Socket) => void;
  const accepted = new Promise<net.Socket>((resolve) => (accept = resolve));
  const port = await tcpServer((socket) => {
    socket.setNoDelay(true).on("data", (chunk) => {
      got.push(chunk.toString("latin1"));
      for (const command of chunk.toString("latin1").split("\r\n").slice(0, -1)) {
        const bytes = answer(command, socket);
        if (bytes) socket.write(bytes, "latin1");
      }
    });
    accept(socket);
  });
  const session = sessionTo(port, given);
  await session.line.open({});
  return { ...session, server: await accepted, got };
}

/** Collects rejections that nobody handles while the test runs. */
export function unhandled(): unknown[] {
  const caught: unknown[] = [];
  const listener = (reason: unknown) => void caught.push(reason);
  process.on("unhandledRejection", listener);
  onTestFinished(() => void process.off("unhandledRejection", listener));
  return caught;
}
