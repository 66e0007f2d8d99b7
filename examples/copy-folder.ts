/** Upload a folder, download it again: atomic, verified, times kept, no name leads out of the folder. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { open } from "polywire";
import { FtpServer } from "polywire/testing";

await using server = await FtpServer.start();
const here = await mkdtemp(join(tmpdir(), "copy-folder-"));
await mkdir(join(here, "site", "images"), { recursive: true });
await writeFile(join(here, "site", "index.html"), "<h1>hello</h1>\n");
await writeFile(join(here, "site", "images", "dot.svg"), "<svg/>\n");

await using ftp = await open(server.urlOf("/"));
const up = await ftp.upload(join(here, "site"), "www", { onFile: ({ path }) => console.log("up", path) });
const down = await ftp.download("www", join(here, "copy"), { filter: (entry) => !entry.name.endsWith(".tmp") });
console.log(`${up.files} files up, ${down.files} files down, ${down.failed.length} failed`);

const same = (await readFile(join(here, "copy", "index.html"), "utf8")) === "<h1>hello</h1>\n";
await ftp.removeTree("www");
console.log("the same:", same, "· removed:", !(await ftp.exists("www")));
await rm(here, { recursive: true });
if (!same) throw new Error("the copy differs");
