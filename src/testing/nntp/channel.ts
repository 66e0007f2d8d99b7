/** A connection of the NNTP server: articles come in, dotted; the pieces of long replies go out. */
import { ByteChannel } from "../byte-channel.js";

export class Channel extends ByteChannel {
  /** A dotted article, with its dots undoubled (RFC 3977 3.1.1); undefined when the client has gone before its end. */
  async article(): Promise<string | undefined> {
    for (let from = 0; ; ) {
      const { waiting } = this;
      const isEmpty = waiting.toString("latin1", 0, 3) === ".\r\n";
      const end = isEmpty ? -2 : waiting.indexOf("\r\n.\r\n", from);
      if (isEmpty || end !== -1) {
        const text = waiting.toString("latin1", 0, end + 2);
        this.skip(end + 5);
        return (text.startsWith(".") ? text.slice(1) : text).replaceAll("\n.", "\n");
      }
      from = Math.max(0, waiting.length - 4); // an end that is cut here
      if (!(await this.more())) return undefined;
    }
  }

  /** Sends what was put and a piece of a long reply; resolves when the piece's buffer may be used again. */
  async write(piece: Buffer | string): Promise<void> {
    this.put(piece);
    await this.drain();
  }
}
