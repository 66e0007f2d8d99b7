/** What is to be done with the messages of a maildrop: fetched, passed over, deleted. Pure. */

/** A message as the server lists it. */
export interface ListedMail {
  readonly number: number;
  /** What UIDL calls it: the same in every session. Copies of one message may share it (RFC 1939 §7). "": it has none. */
  readonly uid: string;
  /** As LIST says it. Servers are not exact. */
  readonly bytes: number;
}

/** What a run will do. */
export interface MailPlan {
  /** To be fetched, the oldest first; one of each uid. */
  readonly fetch: readonly ListedMail[];
  /** Stored already, or a copy of one that is fetched. */
  readonly known: readonly ListedMail[];
  /** Without a unique id: nobody could tell whether they are stored. */
  readonly nameless: readonly ListedMail[];
}

/** What is wanted of a maildrop. */
export interface MailWanted {
  /** True for a message that is stored. */
  readonly isStored: (uid: string) => boolean;
  /** Only the newest so many messages of the maildrop. Default: all. */
  readonly newest?: number | undefined;
  /** Fetch at most so many. Default: all. */
  readonly limit?: number | undefined;
}

/** Plans a run over a listing. The larger a number, the newer the message. */
export function planMail(listing: readonly ListedMail[], wanted: MailWanted): MailPlan {
  const { isStored, newest = listing.length, limit = listing.length } = wanted;
  const all = [...listing].sort((a, b) => a.number - b.number).slice(Math.max(0, listing.length - newest));
  const fetch = new Map<string, ListedMail>();
  const known: ListedMail[] = [];
  const nameless: ListedMail[] = [];
  for (const mail of all) {
    if (mail.uid === "") nameless.push(mail);
    else if (isStored(mail.uid) || fetch.has(mail.uid)) known.push(mail);
    else if (fetch.size < limit) fetch.set(mail.uid, mail);
  }
  return { fetch: [...fetch.values()], known, nameless };
}

/** The listing of UIDL with the sizes of LIST. What only one of them knows is left to the next run. */
export function joinListings(
  uids: readonly { readonly number: number; readonly uid: string }[],
  sizes: readonly { readonly number: number; readonly bytes: number }[],
): ListedMail[] {
  const bytes = new Map(sizes.map((each) => [each.number, each.bytes]));
  return uids.flatMap(({ number, uid }) => {
    const size = bytes.get(number);
    return size === undefined ? [] : [{ number, uid, bytes: size }];
  });
}
