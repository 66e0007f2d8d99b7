/** The known word that somebody probably meant. Pure. */

/** The nearest of some words, or of their beginnings, where one is near: two letters off, or a third of its length. */
export function nearest(word: string, words: readonly string[]): string | undefined {
  const given = word.toLowerCase();
  // A beginning of three letters is that of many words.
  const begins = (known: string) =>
    given.length > 3 ? 1 + distance(given, known.slice(0, given.length)) : Number.POSITIVE_INFINITY;
  const away = (known: string) => Math.min(distance(given, known), begins(known));
  const rows = words.map((each) => ({ each, away: away(each.toLowerCase()) }));
  const [best] = rows.sort((a, b) => a.away - b.away);
  return best !== undefined && best.away <= Math.max(best.each.length > 3 ? 2 : 1, best.each.length / 3)
    ? best.each
    : undefined;
}

/** Letters to be put in, left out, changed, or exchanged with the next one. */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (const [k, other] of [...b].entries()) {
      const swapped = i > 0 && k > 0 && letter === b[k - 1] && a[i - 1] === other ? before[k - 1]! + 1 : next[k]! + 1;
      next.push(Math.min(swapped, next[k]! + 1, row[k + 1]! + 1, row[k]! + (letter === other ? 0 : 1)));
    }
    [before, row] = [row, next];
  }
  return row[b.length]!;
}
