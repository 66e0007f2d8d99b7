/** The files of scale.ts. */

/** The names of the founding example: every one different, 35 octets. */
export const nameOf = (i: number): string =>
  `sensor_${String(i % 10_000).padStart(5, "0")}_20260118_${String(i).padStart(9, "0")}.dat`;

/** What they match. */
export const PATTERN = "sensor_{id:5d}_{date:yyyyMMdd}_{seq:9d}.dat";

/** Milliseconds since 1970: the time of all of them. */
export const MTIME = Date.parse("2026-01-18T12:00:00Z");
