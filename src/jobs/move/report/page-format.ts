/** Numbers, sizes and times as the report's page shows them. Pure. */

const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];

/** `1234567` → `1,234,567`. */
export function count(value: number): string {
  return value.toLocaleString("en-US", { maximumFractionDigits: value < 10 ? 1 : 0 });
}

/** `1500` → `1.5 kB`: in thousands, as the curves have it. */
export function bytes(value: number): string {
  let [shown, unit] = [value, 0];
  while (shown >= 999.5 && unit < UNITS.length - 1) {
    shown /= 1000;
    unit++;
  }
  return `${unit === 0 || shown >= 99.95 ? Math.round(shown) : shown.toFixed(1)} ${UNITS[unit]}`;
}

/** Seconds → `4.1 s`, `2 min 5 s`, `3 h 7 min`, `2 d 4 h`. */
export function span(seconds: number): string {
  if (seconds < 59.95) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  const s = Math.round(seconds);
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  if (s < 86_400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86_400)} d ${Math.floor((s % 86_400) / 3600)} h`;
}

/** ISO 8601 → `2026-08-01 12:34`. */
export function moment(iso: string): string {
  return iso.slice(0, 16).replace("T", " ");
}
