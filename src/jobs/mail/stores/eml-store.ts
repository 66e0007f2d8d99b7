/** Mail into a folder, a file for each message, as it came. The names are made of the uids: what is there is known again. */
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { SinkError } from "../../../client/errors.js";
import { uniqueName } from "../../../message/maildir-name.js";
import { FolderSync, failed, makeFolder, place, removeStale, writeAside } from "../../../message/whole-file.js";
import type { Flushed, IncomingMail, MailStore } from "./store.js";
import { Stored } from "./stored.js";

/** Characters of a uid that are shown; RFC 1939 allows 70. */
const LONGEST = 80;
const NAME = /-([0-9a-f]{20})\.eml$/;
/** What a job that died has left; or one that is at work, on another mailbox, has in hand. */
const LEFT = /^\.[^/]*-[0-9a-f]{20}\.[^/]*\.part$/;

/**
 * The name of a message's file: its uid, without what a file system or a shell would misread, and its key, as uids may
 * differ in what file systems take for the same. Pure.
 */
export function emlName(uid: string, key: string): string {
  const plain = uid.replace(/[^\w.@+=-]/g, (c) => `%${c.charCodeAt(0).toString(16).padStart(2, "0")}`);
  // A leading dot hides a file, a leading dash makes it an option; a uid may be empty.
  return `${plain.slice(0, LONGEST).replace(/^(?:[.-]|$)/, "_")}-${key}.eml`;
}

export class EmlStore implements MailStore {
  readonly streams = true;
  readonly #folder: string;
  readonly #fsync: boolean;
  readonly #sync: FolderSync;
  readonly #keys: Set<string>;
  readonly #stored = new Stored();

  private constructor(folder: string, keys: Set<string>, fsync: boolean) {
    this.#folder = folder;
    this.#fsync = fsync;
    this.#sync = new FolderSync(folder);
    this.#keys = keys;
  }

  /** Opens the folder, which is made where it is missing, and reads what it holds. */
  static async open(path: string, options: { fsync?: boolean | undefined }): Promise<EmlStore> {
    await makeFolder(path, { fsync: options.fsync ?? true, mode: 0o700 });
    const names = await readdir(path).catch((cause) => failed(path, "read", cause));
    await removeStale(names.filter((name) => LEFT.test(name)).map((name) => join(path, name)));
    const keys = names.map((name) => NAME.exec(name)?.[1]).filter((key) => key !== undefined);
    const store = new EmlStore(path, new Set(keys), options.fsync ?? true);
    // A job that died may have left messages whose names are not on the disk yet.
    if (store.#fsync) await store.#sync.sync();
    return store;
  }

  has(key: string): boolean {
    return this.#keys.has(key);
  }

  async put(mail: IncomingMail): Promise<void> {
    const { uid, key, content, date } = mail;
    const name = emlName(uid, key);
    const aside = join(this.#folder, `.${name.replace(/eml$/, uniqueName("tmp"))}.part`);
    // Mail is for its owner's eyes.
    await writeAside(aside, content, { fsync: this.#fsync, mode: 0o600, mtime: date });
    if (!(await place(aside, join(this.#folder, name)))) {
      await rm(aside, { force: true });
      throw new SinkError(`${join(this.#folder, name)} is there already`);
    }
    this.#keys.add(key);
    this.#stored.add(mail);
  }

  async flush(): Promise<Flushed> {
    const ids = this.#stored.take();
    if (this.#fsync && ids.length > 0) await this.#sync.sync();
    return { ids };
  }

  async close(): Promise<void> {}
}
