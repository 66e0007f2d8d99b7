/** mailparser, loaded when it is first needed. The one file that touches what its types do not have; a test holds it. */
import { Transform } from "node:stream";
import type { MailParserOptions, MailParser as MailParserType } from "mailparser";
import { decodeBytes } from "./charset.js";

/** What we give to mailparser, its splitter's options among them. */
export interface Settings extends MailParserOptions {
  /** Bytes of one header block. */
  readonly maxHeadSize: number;
  /** Parts of one message. */
  readonly maxChildNodes: number;
}

/** What mailparser makes of a part; charset is what the sender declared. */
interface PartNode {
  charset?: string;
}

/** What is not in the types: where a part is noted, and what decodes its charset. */
interface Inside {
  createNode(node: unknown): PartNode;
  decoder: { decodeStream(charset: string): Transform };
}

/** Keeps mailparser from reading UTF-8 and ASCII by itself: they are what is declared wrongly most often. */
const DECLARED = "declared:";

/**
 * A MailParser whose text parts are decoded by {@link decodeBytes}: news articles hold 8-bit text without a charset, or
 * with the wrong one, of which mailparser would make U+FFFD.
 */
export async function createMailParser(settings: Settings): Promise<MailParserType> {
  const { MailParser } = await import("mailparser");
  const parser = new MailParser(settings);
  // It may report more than one error: the first ends the reading, the next would end the process.
  parser.on("error", () => {});
  const inside = parser as unknown as Inside;
  const { createNode } = inside;
  inside.createNode = (node) => {
    const part = createNode.call(parser, node);
    part.charset = DECLARED + (part.charset ?? "unknown");
    return part;
  };
  inside.decoder = { decodeStream: (charset) => new TextStream(charset.slice(DECLARED.length)) };
  return parser;
}

/** The bytes of a text part → UTF-8. They are decoded together, since all of them tell what they are. */
class TextStream extends Transform {
  readonly #charset: string;
  readonly #chunks: Buffer[] = [];

  constructor(charset: string) {
    super();
    this.#charset = charset;
  }

  override _transform(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#chunks.push(chunk);
    done();
  }

  override _flush(done: () => void): void {
    this.push(Buffer.from(decodeBytes(Buffer.concat(this.#chunks), this.#charset)));
    done();
  }
}
