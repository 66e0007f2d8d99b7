/** Messages that the in-memory SMTP server has taken, and how much of them is kept. */
import { createHash, type Hash } from "node:crypto";

/** A recipient that was accepted. */
export interface SmtpRecipient {
  address: string;
  /** NOTIFY, ORCPT: by names in upper case. */
  params: Record<string, string | true>;
}

/** A message that the server has taken. */
export interface SmtpMessage {
  /** "" for the empty path. */
  from: string;
  /** The addresses that were accepted, in order. */
  to: string[];
  /** The same, with their parameters. */
  recipients: SmtpRecipient[];
  /** SIZE, BODY, RET …: by names in upper case; true where there is no value. */
  params: Record<string, string | true>;
  /** With dots undoubled; empty when content is not kept. */
  content: Buffer;
  /** Octets of the content. */
  size: number;
  /** SHA-256 of the content in hexadecimal, with `keep: "hash"`; else undefined. */
  hash: string | undefined;
  /** How it came. */
  by: "DATA" | "BDAT";
  /** Whether it came over TLS. */
  secure: boolean;
  /** Who had logged in. */
  user: string | undefined;
  /** What EHLO, HELO or LHLO said. */
  hello: string;
  /** Which connection it came over, the first is 1. */
  connection: number;
}

/** How much of a message is kept: its content, a hash of it, or nothing but numbers. */
export type Keep = "content" | "hash" | "count";

/** Takes content in pieces. */
export class Keeper {
  readonly #keep: Keep;
  readonly #pieces: Buffer[] = [];
  readonly #hash: Hash | undefined;

  constructor(keep: Keep) {
    this.#keep = keep;
    this.#hash = keep === "hash" ? createHash("sha256") : undefined;
  }

  /** The piece may be changed once the content has ended. */
  add(piece: Buffer): void {
    if (this.#keep === "content") this.#pieces.push(piece);
    else this.#hash?.update(piece);
  }

  /** Drops what is there. */
  drop(): void {
    this.#pieces.length = 0;
  }

  end(): { content: Buffer; hash: string | undefined } {
    return { content: Buffer.concat(this.#pieces), hash: this.#hash?.digest("hex") };
  }
}
