/** SELECT and EXAMINE (RFC 9051 §6.3.2, CONDSTORE and QRESYNC RFC 7162): another mailbox, told from what belongs to the one before. */
import { UsageError } from "../client/errors.js";
import type { Call, CallOptions } from "../client/session.js";
import { Mailbox, type MailboxEvent } from "./mailbox.js";
import { mailboxArgument, wholeArgument } from "./mailbox-argument.js";
import type { Response } from "./response.js";
import { formatSet, type MessageSet } from "./sequence-set.js";
import type { ImapSession } from "./session.js";
import { sizeOf, tooMuch } from "./size.js";

/** What a client remembers of a mailbox. */
export interface KnownMailbox {
  readonly uidValidity: number;
  /** `highestModseq` of that time. */
  readonly modseq: number | bigint;
  /** The messages that are known: only of these is told that they have gone. Default: all. */
  readonly uids?: MessageSet | undefined;
}

/** What `select()` and `examine()` take. */
export interface SelectOptions extends CallOptions {
  /** True: have MODSEQ told with each change of flags (RFC 7162). Default: false. */
  condstore?: boolean | undefined;
  /**
   * What was known of the mailbox when it was selected last (QRESYNC, RFC 7162 §3.2.5): `resync` of the mailbox has what has
   * changed and gone since; it is undefined where this is not the same mailbox any more. To be enabled first:
   * `enable(["QRESYNC"])`. `changesSince()` does it all.
   */
  qresync?: KnownMailbox | undefined;
}

/** Selects the mailbox. `selected` is called with it before anything is read that comes behind the answer. */
export async function select(
  session: ImapSession,
  verb: "SELECT" | "EXAMINE",
  name: string,
  options: SelectOptions,
  call: Call,
  selected: (mailbox: Mailbox) => void = () => {},
): Promise<Mailbox> {
  const argument = mailboxArgument(name, session.utf8);
  const command = [`${verb} `, argument, parameters(session, options)];
  let mailbox = new Mailbox(name, verb === "EXAMINE");
  let changes = new Changes(session.options.limits.body);
  const take = (response: Response) => {
    // What came so far was about the one before (RFC 7162 §3.2.11).
    if (response.code?.name === "CLOSED") {
      mailbox = new Mailbox(name, verb === "EXAMINE");
      changes = new Changes(session.options.limits.body);
    }
    changes.add(mailbox.heed(response), sizeOf(response));
    // The session may have to learn from it, too, but no other mailbox.
    return response.name !== "CAPABILITY";
  };
  const settled = (tagged: Response) => {
    if (tagged.status !== "BAD") session.mailbox = undefined;
    if (tagged.status !== "OK") return;
    mailbox.heed(tagged);
    if (options.qresync && isSame(mailbox, options.qresync)) mailbox.resync = changes.events;
    session.mailbox = mailbox;
    selected(mailbox);
  };
  const response = await session.line.execute(command, { timeout: call.timeout, take, settled });
  session.accept(response, `${verb} ${name}`);
  return mailbox;
}

/** True where what is known of a mailbox is known of this one, and changes of it can be told. */
function isSame({ uidValidity, highestModseq }: Mailbox, known: KnownMailbox): boolean {
  return uidValidity === known.uidValidity && highestModseq !== undefined && highestModseq >= known.modseq;
}

/** What is told along with a selection; no more of it than goes into memory. */
class Changes {
  readonly events: MailboxEvent[] = [];
  readonly #most: number;
  #bytes = 0;

  constructor(most: number) {
    this.#most = most;
  }

  add(event: MailboxEvent | undefined, bytes: number): void {
    if (event === undefined || event.type === "exists") return;
    this.#bytes += bytes;
    if (this.#bytes > this.#most) throw tooMuch(this.#most);
    this.events.push(event);
  }
}

function parameters(session: ImapSession, { condstore, qresync }: SelectOptions): string {
  if (qresync === undefined) return condstore ? " (CONDSTORE)" : "";
  if (!session.enabled.has("QRESYNC")) {
    throw new UsageError("qresync wants QRESYNC enabled", {
      advice: 'call enable(["QRESYNC"]) first',
      protocol: "imap",
    });
  }
  const { uidValidity, modseq, uids } = qresync;
  const known = [wholeArgument("uidValidity", uidValidity), wholeArgument("modseq", modseq)];
  if (uids !== undefined) known.push(formatSet(uids));
  return ` (QRESYNC (${known.join(" ")}))`;
}
