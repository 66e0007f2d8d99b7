/** What the demo does by IMAP: it is told of what arrives, lists it, and finds, reads and flags one letter. */
import type { ImapClient, ImapUrl } from "../../index.js";
import type { ImapServer } from "../../testing/index.js";
import type { Context } from "../context.js";
import { count } from "../format.js";
import type { Sent } from "./mail.js";

/** What was found in the mailbox. */
export interface Reading {
  /** Envelopes that were listed, and how long that took. */
  readonly listed: number;
  readonly milliseconds: number;
  /** What is not as it should be, a sentence each. */
  readonly wrong: readonly string[];
}

/** The mailbox, by a connection that is open as long as the demo uses it. */
export class WatchedMailbox implements AsyncDisposable {
  readonly #imap: ImapClient;
  readonly #signal: AbortSignal;

  private constructor(imap: ImapClient, signal: AbortSignal) {
    this.#imap = imap;
    this.#signal = signal;
  }

  static async open(
    { transcript, signal }: Pick<Context, "transcript" | "signal">,
    server: ImapServer,
  ): Promise<WatchedMailbox> {
    const { open } = await import("../../index.js");
    const imap = await open(server.urlOf(undefined, "INBOX") as ImapUrl, { transcript, signal });
    return new WatchedMailbox(imap, signal);
  }

  /** Waits, by IDLE, until there are so many messages. */
  async until(messages: number): Promise<void> {
    for await (const event of this.#imap.idle({ signal: this.#signal })) {
      if (event.type === "exists" && event.exists >= messages) return;
    }
  }

  /** Lists all there is, and finds, reads and flags one letter. */
  async read(sent: ReadonlyMap<string, Sent>): Promise<Reading> {
    const started = performance.now();
    const subjects = new Set<string>();
    let listed = 0;
    for await (const batch of this.#imap.fetch("1:*", "ENVELOPE", { signal: this.#signal }).batches()) {
      listed += batch.length;
      for (const { envelope } of batch) subjects.add(envelope?.subject ?? "");
    }
    const milliseconds = performance.now() - started;
    const missing = [...sent.keys()].filter((subject) => !subjects.has(subject));
    const wrong = missing.map((subject) => `IMAP does not list ${subject}`);
    if (listed !== sent.size) wrong.push(`IMAP lists ${count(listed)} messages of ${count(sent.size)}`);
    return { listed, milliseconds, wrong: [...wrong, ...(await this.#readOne([...sent].at(-1)))] };
  }

  async #readOne(letter: [string, Sent] | undefined): Promise<string[]> {
    if (letter === undefined) return [];
    const [subject, { text }] = letter;
    const call = { signal: this.#signal };
    const [uid, ...others] = await this.#imap.search({ subject }, call);
    if (uid === undefined || others.length > 0) return [`IMAP does not find one letter with the subject ${subject}`];
    const message = await this.#imap.message(uid, call);
    await this.#imap.store(uid, "+FLAGS.SILENT", ["\\Flagged", "\\Seen"], call);
    const flagged = await this.#imap.search({ flagged: true, seen: true }, call);
    return [
      ...(message.text?.trimEnd() === text.trimEnd() ? [] : [`IMAP gives another text of ${subject}`]),
      ...(flagged.join() === String(uid) ? [] : [`IMAP has flagged ${flagged.join()}, not ${uid}`]),
    ];
  }

  /** What is still there, a sentence each. */
  async leftOver(): Promise<string[]> {
    await this.#imap.noop({ signal: this.#signal });
    const left = this.#imap.mailbox?.exists ?? 0;
    return left === 0 ? [] : [`${count(left)} messages are still on the server`];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#imap.quit();
  }
}
