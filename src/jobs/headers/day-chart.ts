/** Counts per day as bars of text. Pure. */
import type { DayCount } from "./counts.js";

/** How the chart is drawn. */
export interface DayChartOptions {
  /** Columns of a line at most; at least 30. Default: 80. */
  width?: number | undefined;
  /** Lines at most, but for marks of gaps: where days would be more, it is weeks, months or years. Default: 40. */
  rows?: number | undefined;
}

/** Eighths of a block. */
const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
const DAY = 86_400_000;

/** What a line may stand for: how a day becomes its name, and how many of them lie between two names. */
const PERIODS: readonly { name: (day: string) => string; distance: (from: string, to: string) => number }[] = [
  { name: (day) => day, distance: daysBetween },
  { name: weekOf, distance: (from, to) => daysBetween(from, to) / 7 },
  { name: (day) => day.slice(0, "2026-02".length), distance: (from, to) => monthNumber(to) - monthNumber(from) },
  { name: (day) => day.slice(0, "2026".length), distance: (from, to) => Number(to) - Number(from) },
];

/**
 * A bar for each day, or for each week (by its Monday), month or year where days are too many. Days without articles
 * have no line of their own: a mark stands for any number of them, as dates in newsgroups may be centuries apart.
 *
 * @param days As `Counts` gives them, in order.
 *
 * @example
 * console.log(dayChart(counts.result().days).join("\n"));
 * // 2026-02-03  ████████████  12
 * // 2026-02-04  ███  3
 */
export function dayChart(days: readonly DayCount[], options: DayChartOptions = {}): string[] {
  const rows = Math.max(1, options.rows ?? 40);
  const { period, sums } = grouped(days, rows);
  const all = [...sums];
  const shown = all.slice(-rows);
  const most = Math.max(...shown.map(([, count]) => count));
  const labelWidth = Math.max(...shown.map(([name]) => name.length));
  const room = Math.max(30, options.width ?? 80) - labelWidth - String(most).length - 4;
  const lines = shown.flatMap(([name, count], i) => {
    const before = shown[i - 1]?.[0];
    const isGap = before !== undefined && period.distance(before, name) > 1;
    const line = `${name.padEnd(labelWidth)}  ${bar((count / most) * room)}  ${count}`;
    return isGap ? ["⋮", line] : [line];
  });
  return all.length > shown.length ? ["⋮", ...lines] : lines;
}

/** The shortest period with few enough lines; years where none has. */
function grouped(days: readonly DayCount[], rows: number) {
  for (const period of PERIODS) {
    const sums = new Map<string, number>();
    for (const { day, count } of days) {
      const name = period.name(day);
      sums.set(name, (sums.get(name) ?? 0) + count);
    }
    if (sums.size <= rows || period === PERIODS.at(-1)) return { period, sums };
  }
  throw new Error("no period");
}

/** A bar this many columns long; whatever is not nothing can be seen. */
function bar(length: number): string {
  const eighths = Math.max(1, Math.round(length * 8));
  return "█".repeat(eighths >> 3) + EIGHTHS[eighths & 7]!;
}

function daysBetween(from: string, to: string): number {
  return (Date.parse(to) - Date.parse(from)) / DAY;
}

/** The Monday of the week. */
function weekOf(day: string): string {
  const time = Date.parse(day);
  const sinceMonday = (new Date(time).getUTCDay() + 6) % 7;
  return new Date(time - sinceMonday * DAY).toISOString().slice(0, "2026-02-03".length);
}

function monthNumber(month: string): number {
  const [year, number] = month.split("-").map(Number);
  return year! * 12 + number!;
}
