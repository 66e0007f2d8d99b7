/** Whole messages for calls that overlap: those of one moment share a command, which costs a server more than a message. */
import { cancelledUnsent } from "../client/abort.js";
import type { Call } from "../client/session.js";
import { SECTION } from "./fetch-kind.js";
import type { Response } from "./response.js";
import { noMessage } from "./retrieve.js";
import { formatSet } from "./sequence-set.js";
import type { ImapSession } from "./session.js";
import { Wanted } from "./wanted.js";

/** A call that waits for its message. */
interface Asked {
  readonly uid: number;
  /** Milliseconds of silence allowed. */
  readonly timeout: number;
  /** True where it was cancelled before its command was sent. */
  dropped: boolean;
  /** Its command is on its way: from now on a signal closes the connection. */
  sent(): void;
  resolve(content: Buffer): void;
  reject(error: unknown): void;
}

/** Messages of one command: few enough that the next command is on its way before the answers to this one are through. */
const MOST = 16;

/** Gathers the calls of one session. */
export class Retrieval {
  readonly #session: ImapSession;
  #asked: Asked[] = [];

  constructor(session: ImapSession) {
    this.#session = session;
  }

  /** The message, when the command that asked for it is over. Throws ReplyError where there is none, or it is refused. */
  ask(uid: number, call: Pick<Call, "timeout" | "cancel">): Promise<Buffer> {
    if (this.#asked.length === 0) queueMicrotask(() => this.#send());
    return new Promise((resolve, reject) => {
      const sent = () => void delete call.cancel;
      const asked: Asked = { uid, timeout: call.timeout, dropped: false, sent, resolve, reject };
      call.cancel = async (cause) => {
        asked.dropped = true;
        reject(cancelledUnsent(cause));
        return true;
      };
      this.#asked.push(asked);
    });
  }

  #send(): void {
    const asked = this.#asked;
    this.#asked = [];
    for (const group of groups(asked)) void this.#fetch(group);
  }

  /** Settles every call of a group. */
  async #fetch(group: readonly Asked[]): Promise<void> {
    const found = new Map<number, Buffer>();
    let tagged: Response | undefined;
    try {
      tagged = await this.#execute(group, found);
    } catch (error) {
      for (const each of group) each.reject(error);
      return;
    }
    if (tagged === undefined) return;
    for (const each of group) {
      const content = found.get(each.uid);
      if (content !== undefined) each.resolve(content);
      else if (tagged.status === "OK") each.reject(noMessage(each.uid));
      else if (group.length === 1) each.reject(this.#session.refused(tagged, commandFor(group)));
      // Another message may be why all were refused.
      else void this.#fetch([each]);
    }
  }

  /** Undefined where nobody waits any more when it is time to ask. */
  #execute(group: readonly Asked[], found: Map<number, Buffer>): Promise<Response | undefined> {
    const session = this.#session;
    const wanted = new Wanted(setOf(group), true, SECTION);
    const take = (response: Response) => {
      if (response.name !== "FETCH") return false;
      const row = session.parsed(response);
      if (!wanted.answeredBy(row, session.mailbox?.exists)) return false;
      const content = row.body.get("");
      if (content !== undefined && row.uid !== undefined) found.set(row.uid, content);
      return true;
    };
    return session.wanting(wanted, async () => {
      const left = group.filter(({ dropped }) => !dropped);
      for (const each of left) each.sent();
      if (left.length === 0) return undefined;
      return session.line.execute(commandFor(left), { timeout: left[0]!.timeout, take });
    });
  }
}

function setOf(group: readonly Asked[]): string {
  return formatSet(group.map(({ uid }) => uid));
}

function commandFor(group: readonly Asked[]): string {
  return `UID FETCH ${setOf(group)} (BODY.PEEK[])`;
}

/** Calls that can share a command: none for the same message, and all as patient as each other. */
function groups(asked: readonly Asked[]): Asked[][] {
  const all: Asked[][] = [];
  let uids = new Set<number>();
  for (const each of asked) {
    const last = all.at(-1);
    const fits = last !== undefined && last.length < MOST && last[0]!.timeout === each.timeout && !uids.has(each.uid);
    if (fits) last.push(each);
    else {
      all.push([each]);
      uids = new Set();
    }
    uids.add(each.uid);
  }
  return all;
}
