/** A moment as a person writes it on a command line. Pure but for the clock. */
import { InvalidArgumentError } from "commander";

const UNITS: Readonly<Record<string, number>> = { h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 };
const WRITTEN = /^\d{4}-\d\d-\d\d(?:[T ](\d\d:\d\d(?::\d\d)?)(Z|[+-]\d\d:?\d\d)?)?$/;

/** `2026-02-03`, `2026-02-03T10:00` (both UTC), `2026-02-03T10:00+01:00`, or so long ago: `12h`, `7d`, `2w`. */
export function moment(text: string): Date {
  const ago = /^(\d{1,6})([hdw])$/.exec(text);
  if (ago) return new Date(Date.now() - Number(ago[1]) * UNITS[ago[2]!]!);
  const written = WRITTEN.exec(text);
  const time = written ? Date.parse(`${text.replace(" ", "T")}${written[1] && !written[2] ? "Z" : ""}`) : Number.NaN;
  if (Number.isNaN(time)) throw new InvalidArgumentError("it is a date such as 2026-02-03, or 12h, 7d, 2w ago.");
  return new Date(time);
}
