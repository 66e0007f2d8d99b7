/** Whether source and final file hold the same bytes: read on both sides, where size and time prove nothing. */
import { createHash } from "node:crypto";
import type { ClaimedFile } from "../../journal/journal.js";
import type { Workplace } from "./lane.js";

/** Reads both to their ends, side by side. */
export async function isEqual(lane: Workplace, file: ClaimedFile): Promise<boolean> {
  const { signal } = lane.context;
  const digests = await Promise.allSettled([
    digest(lane.from.read(file.name, signal)),
    digest(lane.to.read(file.target, signal)),
  ]);
  const [ours, theirs] = digests.map((each) => {
    if (each.status === "rejected") throw each.reason;
    return each.value;
  });
  return ours === theirs;
}

async function digest(bytes: AsyncIterable<Buffer>): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of bytes) hash.update(chunk);
  return hash.digest("hex");
}
