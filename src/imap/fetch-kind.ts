/** What items of FETCH ask for, and what its answers tell, as bits: a row is told from an update by them. No I/O. */

/** Whatever is told. */
export const ANYTHING = 0;
export const UID = 1;
export const FLAGS = 2;
export const MODSEQ = 4;
/** A section of the message, by whatever name it was asked for: `BODY[…]`, `BINARY[…]`, `RFC822`. */
export const SECTION = 8;
const STRUCTURE = 16;
/** What is not known here. */
const OTHER = 32;

/** What servers tell unasked, too. */
export const TOLD_UNASKED = UID | FLAGS | MODSEQ;

const KINDS: ReadonlyMap<string, number> = new Map([
  ["UID", UID],
  ["FLAGS", FLAGS],
  ["MODSEQ", MODSEQ],
  ["BINARY", SECTION],
  ["RFC822", SECTION],
  ["RFC822.HEADER", SECTION],
  ["RFC822.TEXT", SECTION],
  ["BODYSTRUCTURE", STRUCTURE],
  ...["INTERNALDATE", "RFC822.SIZE", "ENVELOPE", "BINARY.SIZE", "PREVIEW", "SAVEDATE", "EMAILID", "THREADID"].map(
    (name, i): [string, number] => [name, 64 << i],
  ),
  ...["X-GM-MSGID", "X-GM-THRID", "X-GM-LABELS"].map((name, i): [string, number] => [name, (64 << 8) << i]),
]);

/** The macros (RFC 9051 §6.4.5). */
const MACROS: Readonly<Record<string, readonly string[]>> = {
  FAST: ["FLAGS", "INTERNALDATE", "RFC822.SIZE"],
  ALL: ["FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE"],
  FULL: ["FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE", "BODY"],
};

/** The kind of an item. `hasSection`: there is a bracket behind its name. */
export function kindOf(name: string, hasSection: boolean): number {
  const known = KINDS.get(name);
  if (known !== undefined) return known;
  const word = name.toUpperCase();
  return KINDS.get(word) ?? (word === "BODY" ? (hasSection ? SECTION : STRUCTURE) : OTHER);
}

/** The kinds that items ask for. */
export function kindsOf(items: readonly string[]): number {
  let kinds = 0;
  for (const item of items) {
    const [, name = "", bracket] = /^([\w.-]+?)(?:\.PEEK)?(\[|$| )/i.exec(item) ?? [];
    const macro = MACROS[item.toUpperCase()];
    kinds |= macro === undefined ? kindOf(name, bracket === "[") : kindsOf(macro);
  }
  return kinds;
}
