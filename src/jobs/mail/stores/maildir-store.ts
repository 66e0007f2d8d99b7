/** Mail into a Maildir. The names of files carry what the message is known by: a delivery that was repeated finds itself. */
import { UsageError } from "../../../client/errors.js";
import { Maildir } from "../../../message/maildir.js";
import type { Flushed, IncomingMail, MailStore } from "./store.js";
import { Stored } from "./stored.js";

/** `1763718279.M123456P4711Q1Uc2f5…9a.mail.example.org` */
const KEY = /^\d+\.M\d+P\d+Q\d+U([0-9a-f]{20})\./;

/** Flags of IMAP that a Maildir has letters for. Other keywords have no place in the names of its files. */
const LETTERS: Readonly<Record<string, string>> = {
  "\\draft": "D",
  "\\flagged": "F",
  $forwarded: "P",
  "\\answered": "R",
  "\\seen": "S",
  "\\deleted": "T",
};

/** The letters of flags. Pure. */
export function maildirFlags(flags: readonly string[]): string {
  return flags.map((flag) => LETTERS[flag.toLowerCase()] ?? "").join("");
}

export class MaildirStore implements MailStore {
  readonly streams = true;
  readonly #maildir: Maildir;
  readonly #keys: Set<string>;
  readonly #stored = new Stored();

  private constructor(maildir: Maildir, keys: Set<string>) {
    this.#maildir = maildir;
    this.#keys = keys;
  }

  /** Opens the Maildir, which is made where it is missing, and reads what it holds. */
  static async open(path: string, options: { fsync?: boolean | undefined }): Promise<MaildirStore> {
    const maildir = await Maildir.open(path, options);
    await maildir.sweep();
    // A job that died may have left messages whose names are not on the disk yet.
    await maildir.sync();
    const keys = (await maildir.list()).map(({ unique }) => KEY.exec(unique)?.[1]);
    return new MaildirStore(maildir, new Set(keys.filter((key) => key !== undefined)));
  }

  has(key: string): boolean {
    return this.#keys.has(key);
  }

  async put(mail: IncomingMail): Promise<void> {
    const { key, content, flags = [], date } = mail;
    if (this.#keys.has(key)) throw new UsageError(`${this.#maildir.path} has this message already`);
    this.#keys.add(key);
    try {
      await this.#maildir.deliver(content, { tag: `U${key}`, flags: maildirFlags(flags), mtime: date });
      this.#stored.add(mail);
    } catch (error) {
      this.#keys.delete(key);
      throw error;
    }
  }

  /** What was delivered is on the disk. */
  async flush(): Promise<Flushed> {
    return { ids: this.#stored.take() };
  }

  async close(): Promise<void> {}
}
