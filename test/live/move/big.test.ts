/** A file of 1 GB moves between two real servers in flat memory, and arrives byte for byte. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream, existsSync, mkdirSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { describeLive } from "../available.js";
import { start } from "../servers/ftp.js";
import { url } from "./url.js";

const GB = 1024 ** 3;
const CHILD = fileURLToPath(new URL("./child.ts", import.meta.url));

async function digestOf(path: string): Promise<string> {
  const hash = createHash("sha1");
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) hash.update(chunk);
  return hash.digest("hex");
}

describeLive(["vsftpd", "pureftpd"], "a big file", () => {
  test("1 GB streams through with back-pressure: memory stays flat", { timeout: 180_000 }, async () => {
    const [from, to] = await Promise.all([start("vsftpd"), start("pureftpd")]);
    try {
      mkdirSync(join(from.home, "out"));
      const path = join(from.home, "out", "big.bin");
      writeFileSync(path, Buffer.alloc(1024 * 1024, "polywire "));
      truncateSync(path, GB);
      writeFileSync(path, "the end", { flag: "a" });
      from.handOver();
      const digest = await digestOf(path);
      const options = { from: url(from, "out"), to: url(to, "in"), match: "*.bin" };
      const child = spawnSync(process.execPath, ["--import", "tsx", CHILD, JSON.stringify(options)], {
        encoding: "utf8",
      });
      expect(child.stderr).toBe("");
      const { result, maxRss } = JSON.parse(child.stdout) as { result: { moved: number }; maxRss: number };
      expect(result.moved).toBe(1);
      expect(maxRss).toBeLessThan(300 * 1024 * 1024);
      expect(await digestOf(join(to.home, "in", "big.bin"))).toBe(digest);
      expect(existsSync(path)).toBe(false);
    } finally {
      await Promise.all([from.stop(), to.stop()]);
    }
  });
});
