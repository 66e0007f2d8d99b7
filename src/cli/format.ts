/** Numbers, sizes and times as people read them; names as a terminal may show them. Pure. */
import { displayName } from "../index.js";

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/** `1234567` → `1,234,567`. */
export function count(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

/** `count`, and the noun in its number: `1 file`, `2,000 files`. */
export function counted(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? "" : "s"}`;
}

/** `1536` → `1.5 KiB`. */
export function size(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1023.5 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 || value >= 99.95 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}

/** Seconds → `4.1 s`, `2 min 05 s`, `3 h 07 min`, `2 d 4 h`. */
export function duration(seconds: number): string {
  if (seconds < 59.95) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  const s = Math.round(seconds);
  const two = (value: number) => String(value).padStart(2, "0");
  if (s < 3600) return `${Math.floor(s / 60)} min ${two(s % 60)} s`;
  if (s < 86_400) return `${Math.floor(s / 3600)} h ${two(Math.floor((s % 3600) / 60))} min`;
  return `${Math.floor(s / 86_400)} d ${Math.floor((s % 86_400) / 3600)} h`;
}

/** `2026-08-01 12:34` in UTC. */
export function time(date: Date): string {
  return date.toISOString().slice(0, 16).replace("T", " ");
}

/** A CSV row (RFC 4180) with its line end. Control characters are shown as `\x07`: exact names are for JSON. */
export function csvRow(values: readonly (string | number | undefined)[]): string {
  const cells = values.map((value) => displayName(String(value ?? "")));
  return `${cells.map((cell) => (/[",]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(",")}\n`;
}

/** Text of several lines without control characters: a server may have chosen the words. */
export function printable(text: string): string {
  return text.split(/\r?\n/).map(displayName).join("\n");
}
