/** Text in columns of a terminal: how wide it is, and made to fit. Pure. */

/** Control characters, line ends, what turns the direction of writing, halves of characters: nothing to show. */
const HIDDEN = /[\p{Cc}\p{Zl}\p{Zp}\p{Surrogate}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]+/gu;
/** Characters that stand over the one before them. */
const ZERO = /[\p{Mn}\p{Me}\u200b-\u200d]/u;
/** East Asian characters (UAX #11: W and F, by their blocks) and pictures. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f680}-\u{1f6ff}\u{1f900}-\u{1faff}\u{20000}-\u{3fffd}]/u;
const ASCII = /^[\x20-\x7e]*$/;

/** The columns that a text takes. */
export function columns(text: string): number {
  if (ASCII.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += widthOf(character);
  return width;
}

/** The text in at most `width` columns, cut with "…"; filled with blanks where `fill` is set. Control characters become blanks. */
export function fitText(text: string, width: number, fill = false): string {
  const shown = text.replace(HIDDEN, " ");
  const needed = columns(shown);
  if (needed <= width) return fill ? shown + " ".repeat(width - needed) : shown;
  let cut = "";
  let taken = 0;
  for (const character of shown) {
    taken += widthOf(character);
    if (taken > width - 1) break;
    cut += character;
  }
  const end = `${cut}…`;
  return fill ? end + " ".repeat(width - columns(end)) : end;
}

function widthOf(character: string): number {
  if (ZERO.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}
