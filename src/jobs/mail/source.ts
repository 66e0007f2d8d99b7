/** Where a mail job gets connections, and what its mailbox is called. */
import { UsageError } from "../../client/errors.js";
import { PORTS } from "../../client/options.js";
import type { CallOptions, Credentials, CredentialsSource } from "../../client/session.js";
import { parseUrl, redactUrl } from "../../client/url.js";
import { ImapClient } from "../../imap/client.js";
import type { ImapOptions } from "../../imap/options.js";
import { clientFor, type OpenOptions } from "../../open.js";
import { Pop3Client } from "../../pop3/client.js";
import type { Pop3Options } from "../../pop3/options.js";
import { ImapDrop } from "./imap-drop.js";
import type { Maildrop } from "./maildrop.js";
import { Pop3Drop } from "./pop3-drop.js";

/** As `limits.body` has it. */
const LARGEST = 256 * 1024 * 1024;

/** A URL with options of its protocol. */
type ByUrl = { readonly url: string | URL } & OpenOptions<Pop3Options & ImapOptions>;

/** The options of a client. */
type ByHost =
  | (Pop3Options & { readonly protocol?: "pop3" | undefined })
  | (ImapOptions & { readonly protocol: "imap" });

/**
 * A server with mail: its URL (of POP3, or of IMAP, whose path is the mailbox), a URL with options, or the options of a
 * client: of POP3, or of IMAP with `protocol: "imap"`.
 */
export type MailServer = string | URL | ByUrl | ByHost;

/** Whom a mail job speaks to. */
export type MailClient = Pop3Client | ImapClient;

/** Connections to a server. */
export interface MailServerSource {
  readonly protocol: "pop3" | "imap";
  readonly connect: () => Promise<MailClient>;
  /** Whose mail it is, `user@host`; known when a client is logged in. */
  readonly user: () => string;
  /** The path of the URL: IMAP's mailbox. "": it has none. */
  readonly path: string;
  /** Bytes of a message that is held in memory: an mbox and a function take it as a whole. */
  readonly largest: number;
}

/** Where the job gets its mailbox. */
export interface MailSource extends Pick<MailServerSource, "connect" | "largest"> {
  /** The mailbox, on a connection that is logged in. */
  readonly open: (client: MailClient, call: CallOptions) => Promise<Maildrop>;
  /** False where there is one client and no other. */
  readonly again: boolean;
}

/** What says where the mail is. */
export interface MailSourceOptions {
  readonly server?: MailServer | undefined;
  readonly client?: MailClient | undefined;
  readonly account?: string | undefined;
  readonly mailbox?: string | undefined;
  /** True where messages will be deleted. */
  readonly write: boolean;
  /** True where what is stored is known by its account. */
  readonly remembers: boolean;
}

/** Throws UsageError for what cannot work, before anything is dialled. */
export function sourceOf(options: MailSourceOptions): MailSource {
  const { server, client, account, remembers } = options;
  if (server !== undefined && client === undefined) {
    const found = serverSource(server);
    return { ...found, open: opener(options, found, account === undefined ? found.user : () => account), again: true };
  }
  if (client === undefined || server !== undefined) throw new UsageError("give either server or client");
  if (account === undefined && remembers) {
    throw new UsageError("the job has to know whose mail it is: unique ids are those of one mailbox", {
      advice: "give account, user@host, with client",
    });
  }
  const { protocol } = client;
  const own = { connect: async () => client, largest: LARGEST };
  return {
    ...own,
    open: opener(options, { protocol: protocol as "pop3", path: "" }, () => account ?? ""),
    again: false,
  };
}

/** How the mailbox of a connection is opened. */
function opener(
  { mailbox, write }: MailSourceOptions,
  { protocol, path }: Pick<MailServerSource, "protocol" | "path">,
  user: () => string,
): MailSource["open"] {
  if (protocol === "pop3") {
    if (mailbox !== undefined) throw new UsageError("POP3 has one mailbox: mailbox is for IMAP");
    return async (client) => new Pop3Drop(client as Pop3Client, user());
  }
  const name = mailboxName(mailbox ?? path);
  return (client, call) => {
    const account = accountOf({ user }, name);
    return ImapDrop.open(client as ImapClient, { ...call, mailbox: name, account, write });
  };
}

/** The name of a mailbox as it is known: INBOX in any case is one (RFC 9051 §5.1), and what there is where none is named. */
export function mailboxName(name: string): string {
  return /^(?:inbox)?$/i.test(name) ? "INBOX" : name;
}

/** What the journal calls a mailbox of IMAP, as a URL has it: what stands behind a `;` is no part of a name. */
export function accountOf({ user }: Pick<MailServerSource, "user">, mailbox: string): string {
  return `imap://${user()}/${encodeURI(mailbox.toWellFormed()).replaceAll(";", "%3B")}`;
}

/** Connections to a server. Throws UsageError. */
export function serverSource(server: MailServer): MailServerSource {
  const isClients = typeof server === "object" && "host" in server && !(server instanceof URL);
  return isClients ? byHost(server as ByHost) : byUrl(server as string | URL | ByUrl);
}

function byHost({ protocol = "pop3", ...options }: ByHost): MailServerSource {
  const { host, port } = options;
  const login = remembered(options.credentials);
  const made = { ...options, credentials: login.credentials };
  const make = () => (protocol === "imap" ? new ImapClient(made) : new Pop3Client(made));
  // What cannot work is told now.
  make();
  return {
    ...{ protocol, path: "", connect: async () => make() },
    user: () => userAt(protocol, login.mailbox(), host, port),
    largest: options.limits?.body ?? LARGEST,
  };
}

function byUrl(server: string | URL | ByUrl): MailServerSource {
  const { url, ...options } = typeof server === "object" && !(server instanceof URL) ? server : { url: server };
  const { protocol, host, port, credentials, path, params } = parseUrl(url);
  if (params.uidvalidity !== undefined) {
    throw new UsageError(`${redactUrl(url)} has a UIDVALIDITY`, { advice: "leave it out: the journal knows it" });
  }
  if (protocol !== "imap" && (protocol !== "pop3" || path !== "")) {
    throw new UsageError(`${redactUrl(url)} is not the URL of a mailbox`, {
      advice: "it is pop3s://user@host, or imaps://user@host/mailbox",
    });
  }
  const login = remembered(options.credentials);
  return {
    ...{ protocol, path },
    connect: () => clientFor(url, { ...options, credentials: login.credentials }, protocol),
    user: () => userAt(protocol, login.mailbox() ?? credentials?.user, host, port),
    largest: options.limits?.body ?? LARGEST,
  };
}

/** Credentials that remember whose mailbox it is: a source may name the user, and who logs in may act for another. */
function remembered(given: Credentials | CredentialsSource | undefined) {
  let mailbox = typeof given === "object" ? given.authzid || given.user : undefined;
  const source: CredentialsSource = async (target) => {
    const found = typeof given === "function" ? await given(target) : given;
    mailbox = found?.authzid || (target.user ?? found?.user);
    return found;
  };
  return { credentials: given === undefined ? undefined : source, mailbox: () => mailbox };
}

/** The same mailbox by either port of its protocol. */
function userAt(protocol: "pop3" | "imap", user: string | undefined, host: string, port: number | undefined): string {
  if (!user) throw new UsageError("nobody says whose mail it is", { advice: "give account, user@host" });
  const usual = port === undefined || PORTS[protocol].includes(port);
  return `${user}@${host.toLowerCase()}${usual ? "" : `:${port}`}`;
}
