/** What a subject is about: without `Re:` and its relatives in other languages (RFC 5256 section 2.1, and the wild). Pure. */

/** What newsreaders and mail programs put before the subject of an answer or a forwarded article. */
const PREFIXES = [
  ["re", "fw", "fwd"], // English, and RFC 5256
  ["aw", "antw", "wg"], // German, Dutch
  ["sv", "vs", "vb", "vl"], // Danish, Norwegian, Swedish, Finnish
  ["ref", "rif", "ris", "tr", "rv", "res", "enc"], // French, Italian, Spanish, Portuguese
  ["odp", "pd", "ynt", "ilt", "atb", "vá"], // Polish, Turkish, Welsh, Hungarian
  ["回复", "回覆", "答复", "转发", "轉寄"], // Chinese
].flat();

/** `Re:`, `RE :`, `Re[2]:`, `Re(2):`, `Re^2:`, `Re*2:`, `Re2:`, and with a full-width colon. */
const PREFIX = new RegExp(
  `^(?:${PREFIXES.join("|")})\\s?(?:\\[\\d{1,9}\\]|\\(\\d{1,9}\\)|[\\^*]?\\d{1,9})?\\s?[::]\\s*`,
  "i",
);
/** `Subject (fwd)`. */
const TRAILER = "(fwd)";
/** `[Fwd: subject]`. */
const WRAPPER = /^\[fwd?:\s*(.*)\]$/is;
/** `[list] subject`: not where nothing would be left. */
const LIST = /^\[[^[\]]{1,64}\]\s*(?=\S)/;

/** How to read subjects. */
export interface BaseSubjectOptions {
  /** True to leave out `[list]` at the start, too. Default: false. */
  lists?: boolean | undefined;
}

/** A subject without what programs add to it. */
export interface BaseSubject {
  /** Runs of white space are one blank; empty where nothing is left. */
  readonly base: string;
  /** True where it was marked as an answer or as forwarded. */
  readonly isReply: boolean;
}

/**
 * Strips `Re:` and the like as often as they are there.
 *
 * @example
 * baseSubject("Re: AW: Re[2]: [Fwd: hello  world]")   // { base: "hello world", isReply: true }
 */
export function baseSubject(subject: string, options: BaseSubjectOptions = {}): BaseSubject {
  let base = subject.replace(/\s+/g, " ").trim();
  let isReply = false;
  for (;;) {
    const listless = options.lists ? base.replace(LIST, "") : base;
    const next = withoutTrailer(listless.replace(PREFIX, "")).replace(WRAPPER, "$1").trim();
    if (next !== listless) isReply = true;
    if (next === base) return { base, isReply };
    base = next;
  }
}

function withoutTrailer(text: string): string {
  return text.slice(-TRAILER.length).toLowerCase() === TRAILER ? text.slice(0, -TRAILER.length) : text;
}
