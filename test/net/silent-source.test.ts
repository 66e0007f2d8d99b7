/** Sources that give no more: what is cancelled, or whose connection is closed, is over all the same. */
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import type { ClientOptions } from "../../src/client/options.js";
import type { Source } from "../../src/client/sink.js";
import { FtpClient } from "../../src/ftp/client.js";
import { ImapClient } from "../../src/imap/client.js";
import { SmtpClient } from "../../src/smtp/client.js";
import { FtpServer } from "../../src/testing/ftp-server.js";
import { ImapServer } from "../../src/testing/imap-server.js";
import { SmtpServer } from "../../src/testing/smtp-server.js";
import { failure } from "./loopback.js";

interface Writer {
  readonly state: string;
  connect(): Promise<unknown>;
  login(): Promise<void>;
  quit(): Promise<void>;
  close(): void;
}

type Ask<C> = (client: C, source: Source, signal: AbortSignal) => Promise<unknown>;

interface Row<C extends Writer> {
  name: string;
  start(): Promise<{ host: string; port: number; close(): Promise<void> }>;
  make(options: ClientOptions): C;
  calls: Record<string, Ask<C>>;
  /** Calls whose client goes on behind a signal: nothing was sent. */
  usable: readonly string[];
}

const row = <C extends Writer>(given: Row<C>) => given as unknown as Row<Writer>;

const envelope = { from: "a@b.example", to: "c@d.example" };

const ROWS = [
  row({
    name: "IMAP",
    start: () => ImapServer.start({ users: { alice: { password: "s3cret", mailboxes: { INBOX: {} } } } }),
    make: (options) => new ImapClient(options),
    calls: {
      append: (imap, source, signal) => imap.append("INBOX", source, { signal }),
      submit: (imap, source, signal) => imap.submit(source, { mailbox: "INBOX", signal }),
      "appendAll, of one message": (imap, content, signal) =>
        imap.appendAll("INBOX", [{ content }], { signal }).toArray(),
      "appendAll, the next message": (imap, content, signal) => {
        async function* messages() {
          for await (const _ of content as AsyncIterable<Buffer>) yield { content: { text: "a: b\n" } };
        }
        return imap.appendAll("INBOX", messages(), { signal }).toArray();
      },
    },
    usable: ["append", "submit", "appendAll, of one message", "appendAll, the next message"],
  }),
  row({
    name: "SMTP",
    start: () => SmtpServer.start({ users: { alice: "s3cret" } }),
    make: (options) => new SmtpClient(options),
    calls: {
      send: (smtp, raw, signal) => smtp.send({ raw, envelope }, { signal }),
      data: async (smtp, source, signal) => {
        await smtp.mail("a@b.example");
        await smtp.rcpt("c@d.example");
        return smtp.data(source, { signal });
      },
    },
    usable: [],
  }),
  row({
    name: "FTP",
    start: () => FtpServer.start({ users: { alice: "s3cret" } }),
    make: (options) => new FtpClient(options),
    calls: {
      stor: (ftp, source, signal) => ftp.stor("a", source, { signal }),
      upload: (ftp, source, signal) => ftp.upload(source, "b", { signal }),
    },
    usable: ["stor", "upload"],
  }),
];

const ENDS: Record<string, (client: Writer, abort: AbortController) => unknown> = {
  "its signal": (_client, abort) => abort.abort(),
  "close()": (client) => client.close(),
  "quit()": (client) => client.quit(),
};

describe.each(ROWS)("$name", ({ start, make, calls, usable }) => {
  describe.each(Object.entries(calls))("%s", (name, call) => {
    test.each(Object.entries(ENDS))("%s ends it", async (end, act) => {
      const server = await start();
      onTestFinished(() => server.close());
      const { host, port } = server;
      const credentials = { user: "alice", password: "s3cret" };
      const client = make({ host, port, security: "plain", credentials, timeouts: { quit: 200 } });
      onTestFinished(() => client.close());
      await client.connect();
      await client.login();
      const abort = new AbortController();
      let ended: Promise<Error> | undefined;
      await new Promise<void>((asked) => {
        async function* source() {
          yield Buffer.from("a: b\r\n");
          asked();
          await new Promise(() => {});
        }
        ended = failure(call(client, source(), abort.signal));
      });
      // What was given so far is on its way, where it is to be.
      await sleep(50);
      await act(client, abort);
      const error = await ended;
      expect(error?.name).toBe("AbortedError");
      const goesOn = end === "its signal" && usable.includes(name);
      expect([error, client.state]).toMatchObject([{ clientUsable: goesOn }, goesOn ? "ready" : "closed"]);
    });
  });
});
