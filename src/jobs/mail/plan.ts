/** What is to be done with the messages of a maildrop: fetched, passed over, deleted. Pure. */

/** A message as the server lists it. */
export interface ListedMail {
  /** POP3: its number in this session. IMAP: its UID. The larger, the newer. */
  readonly number: number;
  /** What UIDL calls it, or its UID: the same in every session. "": it has none. */
  readonly uid: string;
  /** What it is stored as: its uid, with a number behind it where it is not the first one that has this uid. */
  readonly id: string;
  /** True where others have its uid, too: copies of one message (RFC 1939 §7), or other messages of a broken mailbox. */
  readonly shared: boolean;
  /** As LIST says it. Servers are not exact. Undefined where it does not say. */
  readonly bytes: number | undefined;
  /** IMAP: its flags, as far as they are known. */
  readonly flags?: readonly string[] | undefined;
  /** IMAP: when it came into the mailbox (INTERNALDATE). */
  readonly date?: Date | undefined;
}

/** What a run will do. */
export interface MailPlan {
  /** To be fetched, the oldest first. */
  readonly fetch: readonly ListedMail[];
  /** Stored already. */
  readonly known: readonly ListedMail[];
  /** Without a unique id, or a number: nobody could tell whether they are stored. */
  readonly nameless: readonly ListedMail[];
  /** All that are `shared`, wanted or not. */
  readonly shared: readonly ListedMail[];
}

/** What is wanted of a maildrop. */
export interface MailWanted {
  /** True for the id of a message that is stored. */
  readonly isStored: (id: string) => boolean;
  /** Only the newest so many messages of the maildrop. Default: all. */
  readonly newest?: number | undefined;
  /** Fetch at most so many. Default: all. */
  readonly limit?: number | undefined;
}

/** Plans a run over a listing. The larger a number, the newer the message. */
export function planMail(listing: readonly ListedMail[], wanted: MailWanted): MailPlan {
  const { isStored, newest = listing.length, limit = listing.length } = wanted;
  const sorted = [...listing].sort((a, b) => a.number - b.number);
  const fetch: ListedMail[] = [];
  const known: ListedMail[] = [];
  const nameless: ListedMail[] = [];
  for (const mail of sorted.slice(Math.max(0, sorted.length - newest))) {
    if (mail.uid === "" || mail.number < 1) nameless.push(mail);
    else if (isStored(mail.id)) known.push(mail);
    else if (fetch.length < limit) fetch.push(mail);
  }
  return { fetch, known, nameless, shared: sorted.filter(({ shared }) => shared) };
}

/**
 * What is to be deleted when all that was planned is fetched, besides what was deleted since. Messages that share a uid
 * go together, when all of them are stored: of those that are left, nobody could tell which they are.
 */
export function deletable({ fetch, known, shared }: MailPlan, isStored: (id: string) => boolean): ListedMail[] {
  const kept = new Set(shared.filter(({ id }) => !isStored(id)).map(({ uid }) => uid));
  const fetched = fetch.filter((mail) => mail.shared && isStored(mail.id));
  return [...known, ...fetched].filter(({ uid }) => !kept.has(uid));
}

/** The listing of UIDL with the sizes of LIST: every message that one of them knows, once. */
export function joinListings(
  uids: readonly { readonly number: number; readonly uid: string }[],
  sizes: readonly { readonly number: number; readonly bytes: number }[],
): ListedMail[] {
  const bytes = new Map(sizes.map((each) => [each.number, each.bytes]));
  // The first row of a number counts.
  const named = new Map([...uids].reverse().map(({ number, uid }) => [number, uid]));
  const numbers = [...new Set([...named.keys(), ...bytes.keys()])].sort((a, b) => a - b);
  const count = new Map<string, number>();
  const listing = numbers.map((number) => {
    const uid = named.get(number) ?? "";
    const before = count.get(uid) ?? 0;
    count.set(uid, before + 1);
    // No uid holds a blank.
    return { number, uid, id: before === 0 ? uid : `${uid} ${before + 1}`, bytes: bytes.get(number) };
  });
  return listing.map((mail) => ({ ...mail, shared: mail.uid !== "" && (count.get(mail.uid) ?? 0) > 1 }));
}
