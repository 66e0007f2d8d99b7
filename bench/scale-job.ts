/**
 * The process that scale.ts measures and kills: a copy whose listing is real and whose transfers are SIMULATED. Every file
 * is listed over FTP, planned, routed, claimed, decided, delivered and settled by the code of move(); only the connections
 * of the lanes are played here: looks, transfers and renames succeed at once, and nothing is written anywhere.
 *
 *     node --import tsx scale-job.ts URL JOURNAL
 *
 * It says how far it is, a line each, with the milliseconds since its start: `list 0 900` when a listing begins,
 * `first 32 41000` when the first files are about to be published, `moving 250000 50000` once a second (files settled), and at
 * the end `done 6000000 90000`.
 */
import { setImmediate as breath } from "node:timers/promises";
import type { Place } from "../src/jobs/move/places/place.js";
import { MTIME, PATTERN } from "./scale-names.js";
import { tellUsed } from "./scale-process.js";

const [url, journal] = process.argv.slice(2) as [string, string];
const dist = (path: string) => import(`../dist/jobs/move/${path}`);
const { resolveMove } = (await dist("options.js")) as typeof import("../src/jobs/move/options.js");
const { runMove } = (await dist("move.js")) as typeof import("../src/jobs/move/move.js");
const { parseTempName } = (await dist("names/temp-name.js")) as typeof import("../src/jobs/move/names/temp-name.js");

const say = (what: string, files: number) => console.log(`${what} ${files} ${performance.now().toFixed(0)}`);
let isFirst = true;
/** What the listing says of every file. */
const found = { size: 0, mtime: MTIME };

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
    abilities: {},
    usable: true,
    open: (signal) => (isSource ? inner.open(signal) : later(undefined)),
    list(folder, call) {
      say("list", 0);
      return inner.list(folder, call);
    },
    stat: (names) => later(names.map((name) => (isThere(name) ? found : undefined))),
    async *read() {},
    fetch: () => later(Buffer.alloc(0)),
    store: () => later(0),
    async write(_, source) {
      for await (const _ of source);
      return 0;
    },
    writeFrom: () => later(0),
    append: () => later(0),
    reserve: () => later(undefined),
    publish(arrivals) {
      if (isFirst) say("first", arrivals.length);
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
  match: PATTERN,
  route: "{date:yyyy}/{date:MM}/{name}",
  source: "keep",
  lanes: 8,
  journal,
  onProgress: ({ phase, settled }) => say(phase, settled),
});
const result = await runMove({
  ...resolved,
  from: (create) => simulated(resolved.from(create), true),
  to: (create) => simulated(resolved.to(create), false),
});
if (result.failures.length > 0) throw new Error(`it says ${JSON.stringify(result)}`);
tellUsed();
