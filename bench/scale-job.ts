/**
 * The process that scale.ts measures and kills: a copy whose listing is real and whose transfers are simulated. Every file
 * is listed over FTP, planned, routed, claimed, decided, delivered and settled by the code of move(); only the connections
 * of the lanes are played here: looks, transfers and renames succeed at once, and nothing is written anywhere.
 *
 *     node --import tsx scale-job.ts URL JOURNAL list|go-on
 *
 * It says how far it is, a line each, with the milliseconds since its start: `first 1 800` when the first files are about to
 * be published, `listing 0 1000`, `moving 250000 9000` once a second, and at the end `done 6000000 90000`.
 */
import { setImmediate as breath } from "node:timers/promises";
import type { Place } from "../src/jobs/move/places/place.js";

const [url, journal, how] = process.argv.slice(2) as [string, string, "list" | "go-on"];
const { resolveMove } = (await import(
  "../dist/jobs/move/options.js" as string
)) as typeof import("../src/jobs/move/options.js");
const { runMove } = (await import("../dist/jobs/move/move.js" as string)) as typeof import("../src/jobs/move/move.js");
const { parseTempName } = (await import(
  "../dist/jobs/move/names/temp-name.js" as string
)) as typeof import("../src/jobs/move/names/temp-name.js");

const say = (text: string) => console.log(`${text} ${performance.now().toFixed(0)}`);
let isFirst = true;
/** What the listing says of every file. */
const found = { size: 0, mtime: Date.parse("2026-01-18T12:00:00Z") };

/** A place whose files are all there, or none, and where everything succeeds one turn of the loop later. */
function simulated(inner: Place, isSource: boolean): Place {
  const isThere = (name: string) => isSource || parseTempName(name) !== undefined;
  const later = async <T>(value: T): Promise<T> => {
    await breath();
    return value;
  };
  return {
    shown: inner.shown,
    digests: [],
    usable: true,
    open: (signal) => (isSource ? inner.open(signal) : later(undefined)),
    list: (folder, call) => inner.list(folder, call),
    stat: (names) => later(names.map((name) => (isThere(name) ? found : undefined))),
    async *read() {},
    fetch: () => later(Buffer.alloc(0)),
    store: () => later(0),
    async write(_, source) {
      for await (const _ of source);
      return 0;
    },
    publish(arrivals) {
      if (isFirst) say(`first ${arrivals.length}`);
      isFirst = false;
      return later(arrivals.map(() => ({ timed: true })));
    },
    touch: (files) => later(files.map(() => undefined)),
    digest: (files) => later(files.map(() => "")),
    remove: (names) => later(names.map(() => undefined)),
    makeFolder: () => later(undefined),
    removeFolders: (folders) => later(folders.map(() => false)),
    close: () => inner.close(),
  };
}

const resolved = resolveMove({
  from: url,
  // Never opened.
  to: url.replace("/out", "/copy"),
  match: "sensor_{id:5d}_{date:yyyyMMdd}_{seq:9d}.dat",
  source: "keep",
  lanes: 8,
  journal,
  list: how === "list",
  onProgress: ({ phase, settled }) => say(`${phase} ${settled}`),
});
const result = await runMove({
  ...resolved,
  from: (create) => simulated(resolved.from(create), true),
  to: (create) => simulated(resolved.to(create), false),
});
say(`done ${result.moved}`);
