/** Whole messages for calls that overlap: those of one moment share a command, which costs a server more than a message. */
import type { Call } from "../client/session.js";
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
  ask(uid: number, { timeout }: Pick<Call, "timeout">): Promise<Buffer> {
    if (this.#asked.length === 0) queueMicrotask(() => this.#send());
    return new Promise((resolve, reject) => this.#asked.push({ uid, timeout, resolve, reject }));
  }

  #send(): void {
    const asked = this.#asked;
    this.#asked = [];
    for (const group of groups(asked)) void this.#fetch(group);
  }

  /** Settles every call of a group. */
  async #fetch(group: readonly Asked[]): Promise<void> {
    const set = formatSet(group.map(({ uid }) => uid));
    const command = `UID FETCH ${set} (BODY.PEEK[])`;
    const found = new Map<number, Buffer>();
    let tagged: Response;
    try {
      tagged = await this.#execute(set, command, group[0]!.timeout, found);
    } catch (error) {
      for (const each of group) each.reject(error);
      return;
    }
    for (const each of group) {
      const content = found.get(each.uid);
      if (content !== undefined) each.resolve(content);
      else if (tagged.status === "OK") each.reject(noMessage(each.uid));
      else if (group.length === 1) each.reject(this.#session.refused(tagged, command));
      // Another message may be why all were refused.
      else void this.#fetch([each]);
    }
  }

  #execute(set: string, command: string, timeout: number, found: Map<number, Buffer>): Promise<Response> {
    const session = this.#session;
    const wanted = new Wanted(set, true, false);
    const take = (response: Response) => {
      if (response.name !== "FETCH") return false;
      const row = session.parsed(response);
      if (!wanted.answeredBy(row, session.mailbox?.exists)) return false;
      const content = row.body.get("");
      if (content !== undefined && row.uid !== undefined) found.set(row.uid, content);
      return true;
    };
    return session.wanting(wanted, () => session.line.execute(command, { timeout, take }));
  }
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
