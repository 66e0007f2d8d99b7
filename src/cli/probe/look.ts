/** What is behind the login, protocol by protocol: the folder, the newsgroup, the mailbox that the URL names. */
import {
  type CallOptions,
  type Clients,
  type FtpClient,
  type ImapClient,
  type NntpClient,
  PolywireError,
  type Pop3Client,
} from "../../index.js";

/** What was seen. */
export interface Inside {
  /** FTP: the folder of the URL, and how many entries a listing gave, at most `SAMPLE`. */
  readonly folder: string | undefined;
  readonly listed: number | undefined;
  /** NNTP: the newsgroup of the URL, and about how many articles it has. */
  readonly group: { readonly name: string; readonly articles: number } | undefined;
  /** POP3 and IMAP: how much mail there is; of IMAP in the mailbox of the URL, else INBOX. */
  readonly mailbox: SeenMailbox | undefined;
  /** Why it could not be looked at. */
  readonly lookRefused: PolywireError | undefined;
}

/** How much mail there is. */
export interface SeenMailbox {
  readonly messages: number;
  /** Undefined where the server does not tell. */
  readonly bytes: number | undefined;
  /** IMAP: its name, and how many of the messages nobody has read. */
  readonly name?: string;
  readonly unseen?: number | undefined;
}

/** Nobody has looked. */
export const NOTHING: Inside = {
  folder: undefined,
  listed: undefined,
  group: undefined,
  mailbox: undefined,
  lookRefused: undefined,
};

/** Entries read of the sample listing. */
const SAMPLE = 1000;

type Look<P extends keyof Clients> = (client: Clients[P], path: string, call: CallOptions) => Promise<Partial<Inside>>;

const LOOK: { readonly [P in keyof Clients]: Look<P> } = {
  ftp: folder,
  imap: mailbox,
  nntp: newsgroup,
  pop3: maildrop,
  smtp: nothing,
};

/** Looks, with a client that is logged in. */
export async function look(client: Clients[keyof Clients], path: string, call: CallOptions): Promise<Inside> {
  const doIt = LOOK[client.protocol as keyof Clients] as Look<keyof Clients>;
  try {
    return { ...NOTHING, ...(await doIt(client, path, call)) };
  } catch (error) {
    if (!(error instanceof PolywireError) || call.signal?.aborted) throw error;
    return { ...NOTHING, lookRefused: error };
  }
}

/** Does a data connection come about? */
async function folder(ftp: FtpClient, path: string, call: CallOptions): Promise<Partial<Inside>> {
  if (path !== "") await ftp.cwd(path, call);
  const folder = await ftp.pwd(call);
  let listed = 0;
  for await (const batch of ftp.entries(undefined, call).batches()) {
    listed += batch.length;
    if (listed >= SAMPLE) break;
  }
  return { folder, listed };
}

async function newsgroup(nntp: NntpClient, path: string, call: CallOptions): Promise<Partial<Inside>> {
  const [wanted = ""] = path.split("/");
  if (wanted === "") return {};
  const { name, count } = await nntp.group(wanted, call);
  return { group: { name, articles: Number(count) } };
}

/** By STATUS: a selection would take the mark from messages that are recent. */
async function mailbox(imap: ImapClient, path: string, call: CallOptions): Promise<Partial<Inside>> {
  const tellsSize = imap.has("STATUS", "SIZE") || imap.has("IMAP4REV2");
  const items = ["MESSAGES", "UNSEEN", ...(tellsSize ? (["SIZE"] as const) : [])] as const;
  const { name, messages = 0, unseen, size } = await imap.status(path === "" ? "INBOX" : path, items, call);
  return { mailbox: { name, messages, unseen, bytes: size } };
}

async function maildrop(pop3: Pop3Client, _path: string, call: CallOptions): Promise<Partial<Inside>> {
  const { count, bytes } = await pop3.stat(call);
  return { mailbox: { messages: count, bytes } };
}

/** SMTP has nothing to look at without sending mail. */
async function nothing(): Promise<Partial<Inside>> {
  return {};
}
