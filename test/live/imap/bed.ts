/** What the live IMAP tests share: one server per describe, clients that are closed after each test. */
import { ImapClient } from "../../../src/imap/client.js";
import type { ImapOptions } from "../../../src/imap/options.js";
import { describeBed, type LiveBed } from "../bed.js";
import {
  type LiveMail,
  MAIL_ABILITIES,
  MAIL_KINDS,
  type MailAbilities,
  type MailKind,
  type MailOptions,
  startMail,
} from "../servers/mail.js";

/** A server for one describe. Its clients are alice in the clear unless told otherwise. */
export interface Bed extends LiveBed<LiveMail, ImapClient, ImapOptions> {
  readonly kind: MailKind;
  readonly has: MailAbilities;
  /** A client that has a new and empty mailbox selected, and its name. */
  fresh(more?: Partial<ImapOptions>): Promise<{ imap: ImapClient; box: string }>;
}

let boxes = 0;

/** Every server, and Dovecot once more with another format of mailboxes, compressed, and with all it can do. */
const BEDS: readonly (readonly [MailKind, MailOptions, string])[] = [
  ...MAIL_KINDS.map((kind) => [kind, {}, kind] as const),
  ["dovecot", { format: "sdbox", extras: true }, "dovecot, sdbox, compressed"],
];

/** One describe per server, with one server for all its tests. */
export function describeEach(options: MailOptions, tests: (bed: Bed) => void): void {
  for (const [kind, own, name] of BEDS) describeMail(kind, { ...own, ...options }, name, tests);
}

export function describeMail(kind: MailKind, options: MailOptions, name: string, tests: (bed: Bed) => void): void {
  const start = () => startMail(kind, options);
  describeBed(kind, name, { start, client: clientOf }, (bed) => {
    const fresh: Bed["fresh"] = async (more) => {
      const imap = await bed.ready(more);
      const box = `box ${++boxes} äß`;
      await imap.create(box);
      await imap.select(box);
      return { imap, box };
    };
    tests(Object.assign(bed, { kind, has: MAIL_ABILITIES[kind], fresh }));
  });
}

function clientOf({ host, ports, users }: LiveMail, more: Partial<ImapOptions>, ca: string): ImapClient {
  const { security = "plain" } = more;
  const port = security === "tls" ? ports.imaps : ports.imap;
  const credentials = { user: "alice", password: users.alice };
  const tls = { ca, servername: "localhost", ...more.tls };
  return new ImapClient({ host, port, security, credentials, ...more, tls });
}
