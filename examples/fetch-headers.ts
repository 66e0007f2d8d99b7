/** The headers job: a newsgroup's headers go to a file, twice; the second run fetches what is new. Then they are threads. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fetchHeaders, formatThreads, type HeaderRecord, readRecords, threads } from "polywire/jobs";
import { NntpServer } from "polywire/testing";

const begins = new Date("2026-02-03T09:00:00Z");
await using server = await NntpServer.start({ groups: { "misc.test": { generate: 20_000, begins } } });
const folder = await mkdtemp(join(tmpdir(), "fetch-headers-"));
const file = join(folder, "headers.ndjson.gz");

function fetchNew() {
  return fetchHeaders({
    server: server.urlOf(),
    groups: "misc.*",
    to: file,
    journal: join(folder, "headers.journal"),
    onProgress: ({ answered, wanted, rows }) => console.log(`${answered} of ${wanted} numbers, ${rows} headers`),
  });
}

const first = await fetchNew();
const answer = { subject: "Re: Problem with release notes #8", references: ["<8.1@misc.test.example>"] };
server.groups.get("misc.test").add({ ...answer, date: new Date("2026-02-04T08:00:00Z") });
const second = await fetchNew();
console.log(`${first.rows} headers, then ${second.rows} more`);

const records: HeaderRecord[] = [];
for await (const batch of readRecords(file)) records.push(...batch);
const found = threads(records).filter(({ count }) => count > 3);
console.log(`${found.length} threads of more than 3 articles, the first ones:`);
for (const line of formatThreads(found.slice(0, 3))) console.log(line);

await rm(folder, { recursive: true });
if (records.length !== 20_001) throw new Error("the file does not have each header once");
