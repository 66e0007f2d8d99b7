/** Files of a lane that overlap: what waits for what, what is still begun, and whose a refusal is. */
import { expect, test, vi } from "vitest";
import type { FtpServer } from "../../../src/testing/index.js";
import { filesBelow, nameOf, oneLane } from "./bed.js";

// The same rules, but no long waits.
vi.mock(import("../../../src/jobs/move/lanes/retry.js"), async (original) => ({
  ...(await original()),
  delay: () => 5,
}));

const count = ({ commands }: FtpServer, begin: string) => commands.filter((line) => line.startsWith(begin)).length;
const VSFTPD = "(vsFTPd 3.0.3)";
const LARGE = "0123456789".repeat(10_000);

test("large files get their names as they go, not when the last one has arrived", async () => {
  let most = 0;
  const unnamed = () => filesBelow(to, "/in").filter((name) => name.endsWith(".part")).length;
  const { from, to, put, run } = await oneLane(0, { to: { onCommand: () => (most = Math.max(most, unnamed())) } });
  for (let i = 0; i < 100; i++) put(nameOf(i), LARGE);
  expect(await run()).toMatchObject({ moved: 100, failed: 0 });
  expect(most).toBeLessThanOrEqual(16);
  expect(filesBelow(from, "/out")).toEqual([]);
});

test("small files do not wait for the end of a very large one", async () => {
  let seen: string[] | undefined;
  const heard = (line: string) => {
    if (line.startsWith("STOR large")) seen ??= filesBelow(to, "/in");
  };
  const { to, put, run } = await oneLane(0, { to: { onCommand: heard } });
  for (let i = 0; i < 3; i++) put(nameOf(i), "small");
  put("large", "0123456789abcdef".repeat(2 * 1024 * 1024));
  expect(await run()).toMatchObject({ moved: 4, failed: 0 });
  expect(seen).toEqual([0, 1, 2].map(nameOf));
});

test("a full disk ends the looks at further files", async () => {
  const { from, to, put, run } = await oneLane();
  for (let i = 0; i < 1000; i++) put(nameOf(i), "small");
  to.faults.diskFullAfter = 3;
  await expect(run({ maxPause: 0 })).rejects.toMatchObject({ code: "552" });
  expect(count(from, "MDTM")).toBeLessThan(100);
  expect(filesBelow(from, "/out")).toHaveLength(1000);
});

test("a large file that waits for its turn is not begun once the job is to end", async () => {
  const abort = new AbortController();
  const heard = (line: string) => {
    if (line.startsWith(`STOR ${nameOf(3)}`)) abort.abort();
  };
  const { from, to, put, run } = await oneLane(0, { to: { onCommand: heard } });
  for (let i = 0; i < 4; i++) put(nameOf(i), "small");
  put("large", LARGE);
  await expect(run({ signal: abort.signal })).rejects.toMatchObject({ name: "AbortedError" });
  expect(count(from, "RETR large")).toBe(0);
  const left = filesBelow(from, "/out");
  expect(left).toContain("large");
  // Every file is on one side, and whole.
  expect([...left, ...filesBelow(to, "/in")].sort()).toEqual([0, 1, 2, 3].map(nameOf).concat("large"));
});

test("a large file that its destination takes slowly is not read into memory for the looks at others", async () => {
  const { from, put, run } = await oneLane();
  const large = LARGE.repeat(30);
  for (let i = 0; i < 20; i++) put(nameOf(i), i >= 11 && i < 14 ? large : "small");
  const side = { url: from.urlOf("/out"), limits: { readAhead: 1_200_000 } };
  const result = await run({ from: side, maxBytesPerSecond: 6_000_000 });
  expect(result).toMatchObject({ moved: 20, failed: 0 });
});

test.each([
  ["from", "RETR", "451 read error"],
  ["from", "RETR", "550 no such file"],
  ["to", "STOR", "451 write error"],
  ["to", "STOR", "553 no"],
] as const)(
  "a refusal behind the bytes is that of its own file, where the next one was begun: %s %s %s",
  async (side, verb, reply) => {
    const only = (line: string) => {
      const { faults } = side === "from" ? from : to;
      const isIt = line.startsWith(`${verb} ${nameOf(7)}`);
      if (line.startsWith(verb)) faults.end226Code = isIt && times++ === 0 ? reply.slice(0, 3) : undefined;
    };
    let times = 0;
    const hears = { greeting: VSFTPD, onCommand: only };
    const { from, to, put, run } = await oneLane(0, { from: hears, to: hears });
    for (let i = 0; i < 40; i++) put(nameOf(i), `content of ${i}`);
    expect(await run()).toMatchObject({ moved: 40, failed: 0 });
    const server = side === "from" ? from : to;
    for (let i = 0; i < 40; i++) {
      expect(count(server, `${verb} ${nameOf(i)}`), nameOf(i)).toBe(i === 7 ? 2 : 1);
      expect(to.tree.read(`/in/${nameOf(i)}`).toString()).toBe(`content of ${i}`);
    }
  },
);
