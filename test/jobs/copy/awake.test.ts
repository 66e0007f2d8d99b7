/** The side of a copy that waits for the other one says something now and then: servers hang up who is silent. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Transcript } from "../../../src/client/transcript.js";
import { copyMail } from "../../../src/jobs/copy/copy.js";
import { copyBed } from "./copy-bed.js";

beforeEach(() => void vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] }));
afterEach(() => void vi.useRealTimers());

test.each([
  ["a message comes slowly: the target", "from", "UID FETCH 1:3 (BODY.PEEK[])", "to"],
  ["a message goes slowly: the source", "to", "APPEND", "from"],
] as const)("while %s is spoken to, and the busy one is left alone", async (_, busy, command, idle) => {
  await using bed = await copyBed(3);
  bed[busy].faults.hang = command;
  const abort = new AbortController();
  const transcript = new Transcript();
  const url = bed.options()[idle] as string;
  const copy = copyMail(bed.options({ signal: abort.signal, [idle]: { url, transcript } }));
  copy.catch(() => {});
  const noops = (side: "from" | "to") => bed[side].commands.filter((line) => line.endsWith("NOOP")).length;
  await vi.waitFor(() => expect(bed[busy].commands.join("\n")).toContain(command));
  const before = { from: noops("from"), to: noops("to") };
  for (let i = 1; i <= 3; i++) {
    vi.advanceTimersByTime(120_000);
    await vi.waitFor(() => expect(noops(idle)).toBe(before[idle] + i));
    // Not spoken to again before it has answered.
    await vi.waitFor(() => expect(transcript.lines.at(-1)?.text).toMatch(/OK NOOP/));
  }
  expect(noops(busy)).toBe(before[busy]);
  abort.abort();
  await expect(copy).rejects.toThrow(/cancelled/);
});
