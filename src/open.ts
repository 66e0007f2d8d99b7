/** open(url): connect, login and cwd in one call, typed by the scheme. Each protocol is loaded when it is used. */
import { firstOf } from "./client/credentials.js";
import { UsageError } from "./client/errors.js";
import type { ClientOptions } from "./client/options.js";
import type { CallOptions, Credentials, CredentialsSource } from "./client/session.js";
import { type ParsedUrl, parseUrl, redactUrl } from "./client/url.js";
import type { FtpClient } from "./ftp/client.js";
import type { FtpOptions } from "./ftp/options.js";
import type { ImapClient } from "./imap/client.js";
import type { ImapOptions } from "./imap/options.js";
import type { NntpClient } from "./nntp/client.js";
import type { NntpOptions } from "./nntp/options.js";
import type { Pop3Client } from "./pop3/client.js";
import type { Pop3Options } from "./pop3/options.js";
import type { SmtpClient } from "./smtp/client.js";
import type { SmtpOptions } from "./smtp/options.js";

/** Options of `open`: the protocol's own; what the URL says comes first. */
export type OpenOptions<T> = Partial<Omit<T, "host">> & CallOptions;

/** A URL that FTP answers to. */
export type FtpUrl = `ftp://${string}` | `ftps://${string}`;

/** A URL that IMAP answers to. */
export type ImapUrl = `imap://${string}` | `imaps://${string}`;

/** A URL that NNTP answers to. */
export type NntpUrl = `nntp://${string}` | `nntps://${string}`;

/** A URL that POP3 answers to. */
export type Pop3Url = `pop3://${string}` | `pop3s://${string}`;

/** A URL that SMTP answers to. */
export type SmtpUrl = `smtp://${string}` | `smtps://${string}`;

/** The protocols spoken: what their clients are, and what makes them. */
export interface Clients {
  readonly ftp: FtpClient;
  readonly imap: ImapClient;
  readonly nntp: NntpClient;
  readonly pop3: Pop3Client;
  readonly smtp: SmtpClient;
}

/** What each protocol's client takes. */
export interface ClientsOptions {
  readonly ftp: FtpOptions;
  readonly imap: ImapOptions;
  readonly nntp: NntpOptions;
  readonly pop3: Pop3Options;
  readonly smtp: SmtpOptions;
}

type Every = FtpOptions & ImapOptions & NntpOptions & Pop3Options & SmtpOptions;

/** Options that not every protocol has, and whose they are. */
const WHOSE: {
  readonly [K in Exclude<keyof Every, keyof ClientOptions>]: {
    readonly [P in keyof Clients as K extends keyof ClientsOptions[P] ? P : never]: true;
  };
} = {
  acceptTimeout: { smtp: true },
  activePorts: { ftp: true },
  allowForeignHost: { ftp: true },
  apop: { pop3: true },
  chunking: { smtp: true },
  clearControl: { ftp: true },
  compress: { imap: true, nntp: true },
  dkim: { smtp: true },
  externalAddress: { ftp: true },
  lmtp: { smtp: true },
  mode: { ftp: true },
  modeReader: { nntp: true },
  name: { smtp: true },
  protection: { ftp: true },
  timeZone: { ftp: true },
  transferNoop: { ftp: true },
  window: { smtp: true },
};

/** Each protocol is loaded when it is used. */
const MAKE: { readonly [P in keyof Clients]: (options: ClientsOptions[P]) => Promise<Clients[P]> } = {
  ftp: async (options) => new (await import("./ftp/client.js")).FtpClient(options),
  imap: async (options) => new (await import("./imap/client.js")).ImapClient(options),
  nntp: async (options) => new (await import("./nntp/client.js")).NntpClient(options),
  pop3: async (options) => new (await import("./pop3/client.js")).Pop3Client(options),
  smtp: async (options) => new (await import("./smtp/client.js")).SmtpClient(options),
};

/** What the path of a URL asks for, behind the login; undefined where it can ask for nothing. */
const ENTER: {
  readonly [P in keyof Clients]:
    | ((client: Clients[P], url: ParsedUrl, call: CallOptions) => Promise<unknown>)
    | undefined;
} = {
  ftp: (client, { path }, call) => client.cwd(path, call),
  imap: selectMailbox,
  // RFC 5538 §4: the newsgroup, and perhaps an article's number, which is left to the caller.
  nntp: (client, { path }, call) => client.group(path.split("/")[0] as string, call),
  // RFC 2384 §4: there is one mailbox for each user, and nothing below it.
  pop3: undefined,
  smtp: undefined,
};

/**
 * Connects, logs in, and enters the folder, or selects the newsgroup or mailbox, of the URL.
 *
 * `ftps:`, `nntps:`, `pop3s:`, `imaps:` and `smtps:` are TLS from the first byte; `ftp:`, `nntp:`, `pop3:`, `imap:` and
 * `smtp:` are upgraded before anything else is said; plain text has to be asked for: `ftp://host/?security=plain`. A path
 * of FTP is relative to the folder after login; `//` makes it absolute. A path of IMAP is a mailbox, with the server's own
 * sign between its levels (RFC 5092); behind it `;UIDVALIDITY=` may hold the one it must still have.
 *
 * @throws UsageError for a URL that cannot be used; ConnectionError, TlsError, LoginError, ReplyError. Nothing stays
 *   open then.
 *
 * @example
 * await using ftp = await open("ftps://alice:secret@files.example.org/in");
 * for await (const entry of ftp.entries()) console.log(entry.name);
 *
 * await using nntp = await open("nntps://news.example.org/comp.lang.python");
 * for await (const row of nntp.over("1-100")) console.log(row.subject);
 *
 * await using pop3 = await open("pop3s://alice:secret@mail.example.org");
 * for await (const { uid, content } of pop3.fetchNew(seen)) await keep(uid, content);
 *
 * await using imap = await open("imaps://alice:secret@mail.example.org/INBOX");
 * for await (const { uid, envelope } of imap.fetch("1:*", ["ENVELOPE"])) console.log(uid, envelope?.subject);
 *
 * await using smtp = await open("smtps://alice:secret@mail.example.org");
 * await smtp.send({ from: "alice@example.org", to: "bob@example.org", subject: "hello", text: "hello\n" });
 */
export function open(url: FtpUrl, options?: OpenOptions<FtpOptions>): Promise<FtpClient>;
export function open(url: ImapUrl, options?: OpenOptions<ImapOptions>): Promise<ImapClient>;
export function open(url: NntpUrl, options?: OpenOptions<NntpOptions>): Promise<NntpClient>;
export function open(url: Pop3Url, options?: OpenOptions<Pop3Options>): Promise<Pop3Client>;
export function open(url: SmtpUrl, options?: OpenOptions<SmtpOptions>): Promise<SmtpClient>;
export function open(url: string | URL, options?: OpenOptions<Every>): Promise<Clients[keyof Clients]>;
export async function open(
  url: string | URL,
  options: OpenOptions<ClientOptions> = {},
): Promise<Clients[keyof Clients]> {
  const protocol = spoken(url);
  const parsed = parseUrl(url);
  const { path } = parsed;
  const enter = ENTER[protocol] as (typeof ENTER)["ftp"];
  if (path !== "" && enter === undefined) {
    throw new UsageError(`${redactUrl(url)} has a path, for which ${protocol.toUpperCase()} has no use`);
  }
  const client = await clientFor(url, options, protocol);
  const call = { signal: options.signal, timeout: options.timeout };
  try {
    await client.connect(call);
    await client.login(undefined, call);
    if (path !== "") await enter?.(client as FtpClient, parsed, call);
    return client;
  } catch (error) {
    await client.quit();
    throw error;
  }
}

/**
 * A client for a URL of one protocol, not yet connected. The path of the URL is left to the caller. Options that another
 * protocol has, and this one has not, are passed over: whoever takes any URL can give them all.
 */
export async function clientFor<P extends keyof Clients>(
  url: string | URL,
  options: OpenOptions<ClientsOptions[P]>,
  protocol: P,
): Promise<Clients[P]> {
  const parsed = parseUrl(url);
  if (parsed.protocol !== protocol) {
    const advice = `the schemes are ${protocol} and ${protocol}s`;
    throw new UsageError(`${redactUrl(url)} is not for ${protocol.toUpperCase()}`, { advice });
  }
  const { host, port, security } = parsed;
  const credentials = merge(parsed, options.credentials);
  const login = loginBy(parsed);
  const own = ownOptions(options, protocol);
  return MAKE[protocol]({ ...own, ...login, host, port, security, credentials } as ClientsOptions[P]);
}

/** Without those of the call, and of other protocols. */
function ownOptions({ signal: _, timeout: __, ...options }: CallOptions, protocol: keyof Clients): object {
  const isOthers = (name: string) => Object.hasOwn(WHOSE, name) && !(protocol in WHOSE[name as keyof typeof WHOSE]);
  return Object.fromEntries(Object.entries(options).filter(([name]) => !isOthers(name)));
}

/** A mailbox whose UIDs are not those that the URL was written for is another one (RFC 5092). */
async function selectMailbox(imap: ImapClient, { path, params }: ParsedUrl, call: CallOptions): Promise<void> {
  const { uidValidity } = await imap.select(path, call);
  const { uidvalidity: wanted } = params;
  if (wanted === undefined || Number(wanted) === uidValidity) return;
  const now = uidValidity === undefined ? "it has none" : `it is ${uidValidity}`;
  throw new UsageError(`the mailbox ${path} no longer has the UIDVALIDITY ${wanted}: ${now}`, {
    advice: "its messages have other UIDs now: forget those that are known",
    protocol: "imap",
  });
}

/**
 * `pop3://alice;auth=+APOP@host`, `;auth=SCRAM-SHA-256` (RFC 2384 §4.1, RFC 5092): how to log in. `*`: as the options
 * say.
 */
function loginBy({ protocol, params }: ParsedUrl): Pick<Pop3Options, "apop" | "mechanisms"> {
  const { auth = "*" } = params;
  if (auth === "*") return {};
  if (protocol === "imap") return { mechanisms: [auth] };
  if (protocol !== "pop3") return {};
  return auth.toUpperCase() === "+APOP" ? { apop: true, mechanisms: undefined } : { apop: false, mechanisms: [auth] };
}

function spoken(url: string | URL): keyof Clients {
  const { protocol } = parseUrl(url);
  if (Object.hasOwn(MAKE, protocol)) return protocol as keyof Clients;
  const advice = `the protocols are ${Object.keys(MAKE).join(", ")}`;
  throw new UsageError(`${redactUrl(url)} is not spoken by this version`, { advice });
}

/** The URL's user and password; a source among the options is asked for what the URL leaves out. */
function merge(
  url: ParsedUrl,
  given: Credentials | CredentialsSource | undefined,
): Credentials | CredentialsSource | undefined {
  const { credentials } = url;
  if (credentials === undefined && given === undefined) return undefined;
  if (credentials?.password !== undefined || given === undefined) return () => credentials;
  const source: CredentialsSource = (target) =>
    typeof given === "function" ? given({ ...target, user: credentials?.user ?? target.user }) : given;
  const withUser: CredentialsSource = async (target) => {
    const found = await source(target);
    return found && credentials?.user !== undefined ? { ...found, user: credentials.user } : found;
  };
  return firstOf(withUser, () => credentials);
}
