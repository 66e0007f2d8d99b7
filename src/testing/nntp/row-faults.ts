/** Overview rows that are wrong on purpose: spoilt, doubled, out of the range, cut in the middle. */
import type { CutFault, Faults, RowFaults } from "./faults.js";
import type { NntpGroup } from "./group.js";
import type { NumberRange } from "./range.js";

/** The rows of a range as the faults make them, in pieces of whole lines; a cut leaves its last row unfinished. */
export function* spoiledRows(
  group: NntpGroup,
  range: NumberRange,
  faults: Faults,
  cut: CutFault | undefined,
): Iterable<string> {
  const outside = faults.rowsOutside ?? 0;
  const { from, to } = { from: range.from - outside, to: range.to + outside };
  let count = 0;
  for (const number of group.numbers(from, to)) {
    count += 1;
    const lines = spoilt(group.row(number) ?? "", count, faults.rows ?? {}).map((line) => `${line}\r\n`);
    if (cut && count >= cut.row) {
      yield (lines[0] ?? "").slice(0, cut.bytes ?? 10);
      return;
    }
    yield* lines;
  }
}

const BAD_NUMBERS = ["12x", "", "-7", "99999999999999999999"];

/** The lines that stand for the n-th row. */
function spoilt(row: string, n: number, rows: RowFaults): string[] {
  const hits = (every: number | undefined) => Boolean(every) && n % (every as number) === 0;
  const fields = row.split("\t");
  const subject = fields[1] ?? "";
  if (hits(rows.rubbish)) fields[1] = `\x80\xff\xfe ${subject} =?x-none?Q?=FF=?= \xc3\x28`;
  if (hits(rows.nul)) fields[1] = `\0${subject}`;
  if (hits(rows.bareCr)) fields[1] = `\r${subject}`;
  if (hits(rows.bareLf)) fields[1] = `bare\n${subject}`;
  if (hits(rows.badNumber))
    fields[0] = BAD_NUMBERS[(n / (rows.badNumber as number) - 1) % BAD_NUMBERS.length] as string;
  if (hits(rows.badCounts)) fields.splice(6, 2, "many", "-");
  if (hits(rows.fewFields)) fields.length = 3;
  if (hits(rows.manyFields)) fields.push("one", "two", "three");
  if (hits(rows.shortTail)) fields.length = 6;
  const line = hits(rows.shortTail) ? fields.join("\t").replace(/\t+$/, "") : fields.join("\t");
  return hits(rows.duplicate) ? [line, line] : [line];
}
