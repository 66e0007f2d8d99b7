/** What the server can do, and what was turned on (RFC 9051 §6.1.1, RFC 5161). No I/O. */
import type { LiteralStyle } from "./command.js";
import { parseCapabilities } from "./parse-capability.js";
import type { Response } from "./response.js";

/** Word → arguments, in upper case. */
export type Capabilities = ReadonlyMap<string, readonly string[]>;

/** What IMAP4rev2 has in it, whether or not it is announced besides (RFC 9051 appendix E). */
const REV2: Capabilities = parseCapabilities(
  "ENABLE ESEARCH IDLE LIST-EXTENDED LIST-STATUS LITERAL- MOVE NAMESPACE SASL-IR SEARCHRES STATUS=SIZE UIDPLUS UNSELECT",
);

/**
 * True where the capability was announced, or is a part of IMAP4rev2, and that is spoken; with this argument if one is given.
 *
 * @param rev2 True where IMAP4rev2 was enabled. A server that knows no other is asked for nothing.
 */
export function hasCapability(
  capabilities: Capabilities,
  capability: string,
  argument?: string,
  rev2 = false,
): boolean {
  const word = capability.toUpperCase();
  const isIn = (found: readonly string[] | undefined) =>
    found !== undefined && (argument === undefined || found.includes(argument.toUpperCase()));
  const speaksRev2 = rev2 || isRev2Alone(capabilities);
  return isIn(capabilities.get(word)) || (speaksRev2 && isIn(REV2.get(word)));
}

function isRev2Alone(capabilities: Capabilities): boolean {
  return capabilities.has("IMAP4REV2") && !capabilities.has("IMAP4REV1");
}

/** What is known of a connection's server. */
export class Abilities {
  /** What was enabled, in upper case. */
  readonly enabled = new Set<string>();
  #capabilities: Capabilities = new Map();
  #announced = 0;

  get capabilities(): Capabilities {
    return this.#capabilities;
  }

  /** How often the server has announced them. */
  get announced(): number {
    return this.#announced;
  }

  has(capability: string, argument?: string): boolean {
    return hasCapability(this.#capabilities, capability, argument, this.enabled.has("IMAP4REV2"));
  }

  /** True where names of mailboxes travel as UTF-8: it was enabled, or the server knows no other way. */
  get utf8(): boolean {
    if (this.enabled.has("UTF8=ACCEPT") || this.enabled.has("IMAP4REV2")) return true;
    return isRev2Alone(this.#capabilities);
  }

  /** What literals the server takes unasked. */
  get literals(): LiteralStyle {
    if (this.has("LITERAL+")) return "LITERAL+";
    return this.has("LITERAL-") ? "LITERAL-" : "synchronizing";
  }

  /** Takes over what a response tells, where it tells of this. */
  learn(response: Response): void {
    if (response.name === "CAPABILITY") this.#announce(parseCapabilities(response.raw.slice(response.rest)));
    else if (response.status !== undefined && response.code?.capabilities) this.#announce(response.code.capabilities);
  }

  /** Nothing is known any more: what was said in the clear may be somebody else's words. */
  forget(): void {
    this.#capabilities = new Map();
    this.#announced = 0;
  }

  /** Takes over an ENABLED response: only what was asked for counts. */
  enable(response: Response): void {
    for (const [word, values] of parseCapabilities(response.raw.slice(response.rest))) {
      for (const each of values.length > 0 ? values.map((value) => `${word}=${value}`) : [word]) this.enabled.add(each);
    }
  }

  #announce(capabilities: Capabilities): void {
    this.#announced++;
    this.#capabilities = capabilities;
  }
}
