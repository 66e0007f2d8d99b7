/** What the live IMAP tests share: one server per describe, clients that are closed after each test. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll } from "vitest";
import { ImapClient } from "../../../src/imap/client.js";
import type { ImapOptions } from "../../../src/imap/options.js";
import { describeLive } from "../available.js";
import {
  type LiveMail,
  MAIL_ABILITIES,
  MAIL_KINDS,
  type MailAbilities,
  type MailKind,
  type MailOptions,
  startMail,
} from "../servers/mail.js";

/** A server for one describe. */
export interface Bed {
  readonly kind: MailKind;
  readonly has: MailAbilities;
  /** There from the first test on. */
  readonly server: LiveMail;
  /** A folder of this machine for sinks and sources. */
  readonly scratch: string;
  /** A client that is not yet connected, as alice in the clear unless told otherwise; it is closed after the test. */
  client(more?: Partial<ImapOptions>): ImapClient;
  /** A client that is logged in. */
  ready(more?: Partial<ImapOptions>): Promise<ImapClient>;
  /** A client that has a new and empty mailbox selected, and its name. */
  fresh(more?: Partial<ImapOptions>): Promise<{ imap: ImapClient; box: string }>;
}

let boxes = 0;

/** One describe per server, with one server for all its tests. */
export function describeEach(options: MailOptions, tests: (bed: Bed) => void): void {
  for (const kind of MAIL_KINDS) describeMail(kind, options, kind, tests);
}

export function describeMail(kind: MailKind, options: MailOptions, name: string, tests: (bed: Bed) => void): void {
  describeLive(kind, name, () => {
    let server: LiveMail | undefined;
    let scratch = "";
    const clients: ImapClient[] = [];
    beforeAll(async () => {
      scratch = mkdtempSync(join(tmpdir(), "polywire-scratch-"));
      server = await startMail(kind, options);
    });
    afterEach(() => {
      for (const client of clients.splice(0)) client.close();
    });
    afterAll(async () => {
      rmSync(scratch, { recursive: true, force: true });
      await server?.stop();
    });
    const bed: Bed = {
      kind,
      has: MAIL_ABILITIES[kind],
      get scratch() {
        return scratch;
      },
      get server() {
        if (server === undefined) throw new Error("the server is started before the first test");
        return server;
      },
      client(more = {}) {
        const { host, ports, ca, users } = bed.server;
        const { security = "plain" } = more;
        const port = security === "tls" ? ports.imaps : ports.imap;
        const credentials = { user: "alice", password: users.alice };
        const tls = { ca, servername: "localhost", ...more.tls };
        const client = new ImapClient({ host, port, security, credentials, ...more, tls });
        clients.push(client);
        return client;
      },
      async ready(more) {
        const client = bed.client(more);
        await client.connect();
        await client.login();
        return client;
      },
      async fresh(more) {
        const imap = await bed.ready(more);
        const box = `box ${++boxes} äß`;
        await imap.create(box);
        await imap.select(box);
        return { imap, box };
      },
    };
    tests(bed);
  });
}
