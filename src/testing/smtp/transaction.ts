/** One message on its way: sender, recipients, content as it comes by DATA or in chunks. */
import { setTimeout as sleep } from "node:timers/promises";
import { type Blemish, ContentReader } from "./content.js";
import { cutNow } from "./faults.js";
import { Keeper, type SmtpMessage, type SmtpRecipient } from "./message.js";
import type { Session } from "./session.js";

export class Transaction {
  readonly from: string;
  readonly params: SmtpMessage["params"];
  readonly recipients: SmtpRecipient[] = [];
  /** A chunk was refused: what has come cannot become a message any more. */
  broken = false;
  readonly #session: Session;
  #by: SmtpMessage["by"] = "DATA";
  #reader: ContentReader | undefined;
  #keeper: Keeper | undefined;
  /** Bytes of content until the connection is cut. */
  #cut = Number.POSITIVE_INFINITY;

  constructor(session: Session, from: string, params: SmtpMessage["params"]) {
    this.#session = session;
    this.from = from;
    this.params = params;
  }

  /** The content has begun. */
  get begun(): boolean {
    return this.#reader !== undefined;
  }

  /** Octets of content so far. */
  get size(): number {
    return this.#reader?.size ?? 0;
  }

  /** Begins the content; nothing happens when it has begun. */
  begin(by: SmtpMessage["by"]): void {
    if (this.#reader) return;
    const { options, faults } = this.#session.shared;
    const keeper = new Keeper(options.keep);
    const { size: most } = options.features;
    const reader: ContentReader = new ContentReader(by === "DATA", (piece) => {
      if (most && reader.size > most) keeper.drop();
      else keeper.add(piece);
    });
    this.#by = by;
    this.#keeper = keeper;
    this.#reader = reader;
    this.#cut = cutNow(faults) ?? Number.POSITIVE_INFINITY;
  }

  /** Takes `most` bytes, waiting for them, or up to the end of DATA. `gone`: the client has gone, or a fault wants it gone. */
  async read(most: number): Promise<"end" | "all" | "gone"> {
    const { channel, shared } = this.#session;
    const reader = this.#reader as ContentReader;
    const { slowReader } = shared.faults;
    let left = most;
    while (left > 0) {
      if (channel.waiting.length === 0) {
        await channel.flush(); // replies to what came before the chunk: the client may wait for them
        if (!(await channel.more())) return "gone";
      }
      if (slowReader) await sleep(slowReader.delay, undefined, { ref: false });
      const room = Math.min(left, slowReader?.bytes ?? left, this.#cut);
      const taken = reader.feed(channel.waiting.subarray(0, room));
      channel.skip(taken);
      left -= taken;
      this.#cut -= taken;
      if (this.#cut <= 0) return "gone";
      if (reader.done) return "end";
    }
    return "all";
  }

  /** Takes bytes that are here already, all of them. Only where no fault slows or cuts the content. */
  feed(bytes: Buffer): void {
    this.#reader?.feed(bytes);
  }

  /** A fault slows or cuts this content. */
  get hindered(): boolean {
    return this.#cut !== Number.POSITIVE_INFINITY || this.#session.shared.faults.slowReader !== undefined;
  }

  /** Ends the content: the message, and what was in it that should not be. */
  end(): SmtpMessage {
    const { channel, state, number } = this.#session;
    const { size, blemishes, unended } = this.#reader as ContentReader;
    const { content, hash } = (this.#keeper as Keeper).end();
    for (const blemish of blemishes) this.#complain(blemish);
    if (unended && this.params.BODY !== "BINARYMIME") this.#session.violation("content: the last line has no CRLF");
    return {
      from: this.from,
      to: this.recipients.map(({ address }) => address),
      recipients: this.recipients,
      params: this.params,
      content,
      size,
      hash,
      by: this.#by,
      secure: channel.tls !== undefined,
      user: state.user,
      hello: state.hello ?? "",
      connection: number,
    };
  }

  /** Drops the content. */
  drop(): void {
    this.#keeper?.drop();
  }

  #complain(blemish: Blemish): void {
    const body = String(this.params.BODY ?? "7BIT").toUpperCase();
    if (body === "BINARYMIME") return;
    if (blemish === "8-bit" && (body === "8BITMIME" || this.params.SMTPUTF8)) return;
    this.#session.violation(`content: ${blemish}`);
  }
}

/** The octets behind a BDAT line (RFC 3030 2). */
export class BdatChunk {
  readonly size: number;
  readonly last: boolean;
  /** There was a transaction to take them. */
  taken = false;

  constructor(size: number, last: boolean) {
    this.size = size;
    this.last = last;
  }

  /** Reads the chunk, into the transaction where there is one; false when the client has gone. True at once where all is here. */
  read(session: Session): true | Promise<boolean> {
    const { channel, transaction } = session;
    const willing = session.shared.options.features.chunking && (transaction?.recipients.length ?? 0) > 0;
    const into = willing && !transaction?.broken ? transaction : undefined;
    this.taken = into !== undefined;
    into?.begin("BDAT");
    if (!into?.hindered && channel.waiting.length >= this.size) {
      into?.feed(channel.waiting.subarray(0, this.size));
      channel.skip(this.size);
      return true;
    }
    return into ? into.read(this.size).then((end) => end !== "gone") : this.#discard(session);
  }

  async #discard({ channel }: Session): Promise<boolean> {
    for (let left = this.size; left > 0; ) {
      if (channel.waiting.length === 0) {
        await channel.flush();
        if (!(await channel.more())) return false;
      }
      const here = Math.min(left, channel.waiting.length);
      channel.skip(here);
      left -= here;
    }
    return true;
  }
}
