/** Sinks that never answer: what is cancelled, or whose connection is closed, is over all the same. */
import { Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import type { ClientOptions } from "../../src/client/options.js";
import type { Sink } from "../../src/client/sink.js";
import { FtpClient } from "../../src/ftp/client.js";
import { ImapClient } from "../../src/imap/client.js";
import { NntpClient } from "../../src/nntp/client.js";
import { Pop3Client } from "../../src/pop3/client.js";
import { FtpServer } from "../../src/testing/ftp-server.js";
import { ImapServer } from "../../src/testing/imap-server.js";
import { NntpServer } from "../../src/testing/nntp-server.js";
import { Pop3Server } from "../../src/testing/pop3-server.js";
import { failure } from "./loopback.js";

const MAIL = "From: a@b\r\n\r\nhello\r\n";

interface Reader {
  readonly state: string;
  connect(): Promise<unknown>;
  login(): Promise<void>;
  quit(): Promise<void>;
  close(): void;
}

interface Row<C extends Reader> {
  name: string;
  start(): Promise<{ host: string; port: number; close(): Promise<void> }>;
  make(options: ClientOptions): C;
  /** Asks for a message, which is there, into the sink. */
  ask(client: C, to: Sink, signal?: AbortSignal): Promise<unknown>;
}

const row = <C extends Reader>(given: Row<C>) => given as unknown as Row<Reader>;

const users = { alice: { password: "s3cret", messages: [MAIL] } };

const ROWS = [
  row({
    name: "POP3",
    start: () => Pop3Server.start({ users }),
    make: (options) => new Pop3Client(options),
    ask: (pop3, to, signal) => pop3.retr(1, { to, signal }),
  }),
  row({
    name: "NNTP",
    start: () => NntpServer.start({ users: { alice: "s3cret" }, groups: { "a.b": { generate: 1 } } }),
    make: (options) => new NntpClient(options),
    ask: (nntp, to, signal) => nntp.group("a.b").then(() => nntp.article(1, { to, signal })),
  }),
  row({
    name: "IMAP",
    start: () =>
      ImapServer.start({ users: { alice: { password: "s3cret", mailboxes: { INBOX: { messages: [MAIL] } } } } }),
    make: (options) => new ImapClient(options),
    ask: (imap, to, signal) => imap.select("INBOX").then(() => imap.retrieve(1, { to, signal })),
  }),
  row({
    name: "FTP",
    start: () => FtpServer.start({ users: { alice: "s3cret" }, files: { "/a": MAIL } }),
    make: (options) => new FtpClient(options),
    ask: (ftp, to, signal) => ftp.retr("a", { to, signal }),
  }),
];

/** Sinks, and when they are asked for what they never do. */
const SINKS: Record<string, (asked: () => void) => Sink> = {
  "a function that never settles": (asked) => () => {
    asked();
    return new Promise<void>(() => {});
  },
  "a stream that never takes its piece": (asked) => new Writable({ highWaterMark: 1, write: asked }),
  "a stream that never finishes": (asked) => new Writable({ write: (_chunk, _encoding, done) => done(), final: asked }),
};

const ENDS: Record<string, (client: Reader, abort: AbortController) => unknown> = {
  "its signal": (_client, abort) => abort.abort(),
  "close()": (client) => client.close(),
  "quit()": (client) => client.quit(),
};

describe.each(ROWS)("$name", ({ start, make, ask }) => {
  describe.each(Object.entries(SINKS))("%s", (_sink, sink) => {
    test.each(Object.entries(ENDS))("%s ends the call, and the connection", async (_end, end) => {
      const server = await start();
      onTestFinished(() => server.close());
      const { host, port } = server;
      const credentials = { user: "alice", password: "s3cret" };
      const client = make({ host, port, security: "plain", credentials, timeouts: { quit: 200, command: 5_000 } });
      onTestFinished(() => client.close());
      await client.connect();
      await client.login();
      const abort = new AbortController();
      let call: Promise<Error> | undefined;
      await new Promise<void>((asked) => {
        call = failure(ask(client, sink(asked), abort.signal));
      });
      // All that the server has to say is there.
      await sleep(50);
      await end(client, abort);
      expect((await call)?.name).toBe("AbortedError");
    });
  });
});
