/** Mail into an mbox (mboxrd), which grows at its end and is cut back to what was committed where its job died. */

import type { ArticleRow, OutputOptions } from "../../headers/sink.js";
import { FileSink } from "../../headers/sinks/file-sink.js";
import { MboxFormat } from "../../headers/sinks/mbox-format.js";
import { OutputFile } from "../../headers/sinks/output-file.js";
import type { Flushed, IncomingMail, MailStore } from "./store.js";
import { Stored } from "./stored.js";

export class MboxStore implements MailStore {
  readonly streams = false;
  readonly #sink: FileSink<ArticleRow>;
  readonly #stored = new Stored();

  private constructor(sink: FileSink<ArticleRow>) {
    this.#sink = sink;
  }

  /** Opens the file, or makes it with its folders. With `.gz` it is compressed. */
  static async open(path: string, options: OutputOptions): Promise<MboxStore> {
    const gzip = /\.gz$/i.test(path);
    // Mail is for its owner's eyes.
    const file = await OutputFile.open(path, { ...options, gzip, private: true });
    return new MboxStore(new FileSink(file, new MboxFormat(), { gzip }));
  }

  /** What is in the file beyond the journal was cut off when it was opened. */
  has(): boolean {
    return false;
  }

  async put(mail: IncomingMail): Promise<void> {
    const { number, content, date } = mail;
    const row = { number, messageId: "", content: content as Buffer, ...(date && { date }) };
    const full = this.#sink.write({ group: "", rows: [row] });
    // In the same moment: a flush covers what was written before it, and must say so.
    this.#stored.add(mail);
    await full;
  }

  async flush(): Promise<Flushed> {
    const ids = this.#stored.take();
    return { ids, position: await this.#sink.flush() };
  }

  close(): Promise<void> {
    return this.#sink.close();
  }
}
