/** A connection of the IMAP server: what happens elsewhere can be told while the client is silent, and answers can break off. */
import { ByteChannel } from "../byte-channel.js";
import { type Answer, mingled } from "./mingled.js";

export class ImapChannel extends ByteChannel {
  /** Told what has changed, while the client is waited for. Must not wait for the client. */
  whileSilent: (() => Promise<void>) | undefined;
  /** How many bytes may still be put before everything is swallowed; undefined: any number. */
  left: number | undefined;
  #changed = false;
  #stir: (() => void) | undefined;

  /** Answers that do not leave before `mingle()`. */
  #answers: Answer[] | undefined;

  /** Another answer begins, which is held. */
  keep(): void {
    this.#answers = [...(this.#answers ?? []), [[]]];
  }

  /** A response is whole. */
  next(): void {
    this.#answers?.at(-1)?.push([]);
  }

  /** Puts the answers that were held, as if they had been given together. */
  mingle(): void {
    const answers = this.#answers ?? [];
    this.#answers = undefined;
    for (const piece of mingled(answers)) this.put(piece);
  }

  /** What was put does not come any more. */
  get broken(): boolean {
    return this.left === 0;
  }

  /** Something has changed. */
  stir(): void {
    this.#changed = true;
    this.#stir?.();
  }

  override put(what: string | Buffer): void {
    const part = typeof what === "string" ? what.slice(0, this.left) : what.subarray(0, this.left);
    if (this.left !== undefined) this.left -= part.length;
    if (part.length === 0) return;
    const answer = this.#answers?.at(-1);
    if (answer) answer.at(-1)?.push(part);
    else super.put(part);
  }

  override async more(): Promise<boolean> {
    const came = super.more();
    for (;;) {
      const tell = this.whileSilent;
      if (this.#changed && tell) {
        this.#changed = false;
        await tell();
        // More may have changed while that left.
        continue;
      }
      const stirred = new Promise<"stirred">((resolve) => {
        this.#stir = () => resolve("stirred");
      });
      const first = await Promise.race([came, stirred]);
      this.#stir = undefined;
      if (first !== "stirred") return first;
      if (!this.whileSilent) return came; // it is told with the next answer
    }
  }

  /** So many bytes; undefined when the client has gone. `keep`: or else they are thrown away. */
  async bytes(count: number, keep: boolean): Promise<Buffer | undefined> {
    const pieces: Buffer[] = [];
    for (let left = count; left > 0; ) {
      const piece = this.waiting.subarray(0, left);
      if (piece.length === 0) {
        if (!(await this.more())) return undefined;
        continue;
      }
      if (keep) pieces.push(Buffer.from(piece));
      this.skip(piece.length);
      left -= piece.length;
    }
    return pieces.length === 1 ? pieces[0] : Buffer.concat(pieces);
  }
}
