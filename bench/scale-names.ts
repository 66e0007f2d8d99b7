/** The names of the founding example: every one different, 41 octets. */
export const nameOf = (i: number): string =>
  `sensor_${String(i % 10_000).padStart(5, "0")}_20260118_${String(i).padStart(9, "0")}.dat`;
