/**
 * One large file from a server that gives each connection so much and no more: in one stream, and in parts at once.
 *
 *     node --import tsx bench/segments.ts [MB] [MB/s]
 *
 * The source is vsftpd with `local_max_rate`; the targets are a local folder and a vsftpd that lets several write one file.
 */
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { move } from "../src/jobs/index.js";
import { start } from "../test/live/servers/ftp.js";

const MB = 1_000_000;
const [size = 300, rate = 20] = process.argv.slice(2).map(Number);
const [from, to] = await Promise.all([
  start("vsftpd", { rate: rate * MB, quiet: true }),
  start("vsftpd", { sharedUploads: true, quiet: true }),
]);
const scratch = mkdtempSync(join(tmpdir(), "polywire-segments-"));
const url = ({ user, password, host, port }: typeof from, path: string) =>
  `ftp://${user}:${encodeURIComponent(password)}@${host}:${port}/${path}?security=plain`;

try {
  mkdirSync(join(from.home, "out"));
  for (const target of ["folder", "server"] as const)
    for (const segments of [1, 4, 8]) {
      const path = join(from.home, "out", "large.bin");
      writeFileSync(path, "");
      truncateSync(path, size * MB);
      from.handOver();
      const side = target === "folder" ? join(scratch, String(segments)) : url(to, `in${segments}`);
      const options = { from: url(from, "out"), to: side, segmentAbove: 100 * MB, segments, lanes: 8 };
      const { moved, milliseconds, warnings } = await move(options);
      if (moved !== 1 || warnings.length > 0) throw new Error(`not moved: ${warnings.join()}`);
      const rss = Math.round(process.memoryUsage().rss / MB);
      const seconds = milliseconds / 1000;
      console.log(
        `${target}, ${segments} at once: ${seconds.toFixed(1)} s, ${(size / seconds).toFixed(0)} MB/s, ${rss} MB of memory`,
      );
    }
} finally {
  await Promise.all([from.stop(), to.stop()]);
  rmSync(scratch, { recursive: true });
}
