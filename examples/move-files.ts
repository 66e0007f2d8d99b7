/** The bulk move: files named by a pattern go from one server to another, into folders by date. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { move } from "polywire/jobs";
import { FtpServer } from "polywire/testing";

await using from = await FtpServer.start();
await using to = await FtpServer.start();
from.tree.fill(
  500,
  (i) => `/out/sensor_${String(i % 7).padStart(5, "0")}_2026${String((i % 12) + 1).padStart(2, "0")}01_${i}.dat`,
  (i) => `reading ${i}\n`,
);

const folder = await mkdtemp(join(tmpdir(), "move-files-"));
const result = await move({
  from: from.urlOf("/out"),
  to: to.urlOf("/in"),
  match: "sensor_{id:5d}_{date:yyyyMMdd}_{seq:d}.dat",
  route: "{date:yyyy}/{date:MM}/{name}",
  journal: join(folder, "move.journal"),
  onProgress: (p) => console.log(`${p.phase}: ${p.settled} of ${p.files}, ${Math.round(p.filesPerSecond)} files/s`),
});
console.log(`${result.moved} moved, ${result.failed} failed; March holds ${to.tree.count("/in/2026/03")} files`);
await rm(folder, { recursive: true });
if (result.moved !== 500 || from.tree.count("/out") !== 0) throw new Error("the move is not complete");
