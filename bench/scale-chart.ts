/**
 * Draws docs/scale.svg: days for so many files over the number of lanes, by the formula of docs/scale.md.
 *
 *     npx tsx bench/scale-chart.ts
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";

/** Seconds of a round trip to either server, and round trips of a small file. */
const ROUND_TRIP = 0.03;
const TRIPS = 3;
/** Of what the formula says, what was measured with 32 lanes (313 of 356 files/s). */
const SHARE = 0.88;
/** Files/s of one coordinator: its CPU for a file, measured. */
const COORDINATOR = 16_000;

const FILES = [
  { files: 6e6, label: "6 million", color: "#1b7837" },
  { files: 1e8, label: "100 million", color: "#2166ac" },
  { files: 1e9, label: "1 billion", color: "#b2182b" },
];
const LANES: readonly number[] = Array.from({ length: 41 }, (_, i) => 10 ** (i / 10));
const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [760, 420, 70, 110, 40, 50];
/** Days at the ends of the axis, as powers of ten. */
const [LOW, HIGH] = [-2.5, 3.5];

const x = (lanes: number) => LEFT + (Math.log10(lanes) / 4) * (WIDTH - LEFT - RIGHT);
const y = (days: number) => TOP + ((HIGH - Math.log10(days)) / (HIGH - LOW)) * (HEIGHT - TOP - BOTTOM);
const daysOf = (files: number, lanes: number) =>
  files / Math.min(COORDINATOR, (SHARE * lanes) / (TRIPS * ROUND_TRIP)) / 86_400;
const text = (at: readonly [number, number], content: string, more = "") =>
  `<text x="${at[0].toFixed(1)}" y="${at[1].toFixed(1)}" ${more}>${content}</text>`;
const line = (points: readonly (readonly [number, number])[], more: string) =>
  `<polyline points="${points.map((point) => point.map((value) => value.toFixed(1)).join(",")).join(" ")}" ${more}/>`;

const MARKS = [
  [1 / 144, "10 min"],
  [1 / 24, "1 h"],
  [1, "1 day"],
  [7, "1 week"],
  [30, "30 days"],
  [365, "1 year"],
] as const;

const grid = [
  ...MARKS.flatMap(([days, label]) => [
    line([[LEFT, y(days)] as const, [WIDTH - RIGHT, y(days)] as const], 'stroke="#ddd"'),
    text([LEFT - 8, y(days) + 4], label, 'text-anchor="end"'),
  ]),
  ...[1, 10, 100, 1_000, 10_000].flatMap((lanes) => [
    line([[x(lanes), TOP] as const, [x(lanes), HEIGHT - BOTTOM] as const], 'stroke="#ddd"'),
    text([x(lanes), HEIGHT - BOTTOM + 18], lanes.toLocaleString("en"), 'text-anchor="middle"'),
  ]),
];
const curves = FILES.flatMap(({ files, label, color }) => [
  line(
    LANES.map((lanes) => [x(lanes), y(daysOf(files, lanes))] as const),
    `fill="none" stroke="${color}" stroke-width="2"`,
  ),
  text([WIDTH - RIGHT + 8, y(daysOf(files, 10_000)) + 4], label, `fill="${color}"`),
]);

const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">
<title>Time to move small files, 30 ms from both servers (computed)</title>
<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>
${text([LEFT, 22], `Time to move small files, ${ROUND_TRIP * 1000} ms from both servers (computed)`, 'font-size="14"')}
${[...grid, ...curves].join("\n")}
${text([x(100), HEIGHT - 10], "lanes, over all workers", 'text-anchor="middle"')}
</svg>
`;
writeFileSync(join(import.meta.dirname, "..", "docs", "scale.svg"), svg);
