/** What a headers job takes, and every default in one place. */
import { UsageError } from "../../client/errors.js";
import { checkNames } from "../../client/known-names.js";
import { wholeNumber } from "../../client/options.js";
import { parseUrl, redactUrl } from "../../client/url.js";
import { NntpClient } from "../../nntp/client.js";
import type { NntpOptions } from "../../nntp/options.js";
import { clientFor, type OpenOptions } from "../../open.js";
import type { SqlEngine } from "../journal/sqlite.js";
import type { AnySink } from "./group-work.js";
import type { HeadersProgress } from "./progress.js";
import type { Wanted } from "./ranges.js";
import type { OutputOptions, SinkPosition } from "./sink.js";
import { type ArticleTarget, type HeaderTarget, kindOf, openArticleSink, openHeaderSink } from "./sinks/open.js";

/** A news server: its URL, a URL with options, or the options of a client. */
export type NewsServer = string | URL | ({ readonly url: string | URL } & OpenOptions<NntpOptions>) | NntpOptions;

/** What every headers job takes. */
export interface FetchOptions {
  server: NewsServer;
  /**
   * Newsgroups: names, or wildmats with `*`, `?`, `[` or `!` (`comp.lang.*,!comp.lang.c`), which are looked up when the job
   * starts. Default: the group in the path of the server's URL.
   */
  groups?: string | readonly string[] | undefined;
  /** Articles from one number to another; without an end, all from there on. */
  range?: readonly [low: number, high?: number] | undefined;
  /** The newest so many numbers of each group (of which some may have no article). */
  newest?: number | undefined;
  /** Articles that came since this moment; the dates in the articles decide, a day before is looked at as well. */
  since?: Date | undefined;
  /** Connections at most; a server that takes fewer gets fewer. Default: 4. */
  connections?: number | undefined;
  /** `ascending` (default), or `newest-first`: of the ranges, not of the rows within one. */
  order?: "ascending" | "newest-first" | undefined;
  /** Rows come out group by group, in the order of their numbers. What comes early is held back. Default: false. */
  ordered?: boolean | undefined;
  /** Numbers of the first range; later ones are larger or smaller, by what the answers are like. Default: 20,000. */
  rangeSize?: number | undefined;
  /**
   * How rows are known again where a server has renumbered a group: by the message-ids read back from the output
   * (default; a function and an mbox cannot be read back: their rows come again), or by message-ids that the journal
   * keeps for every row (`message-id`: some 20 bytes each).
   */
  dedupe?: "output" | "message-id" | undefined;
  /**
   * The file in which the job remembers what it has fetched, so that it can be killed at any moment and started again,
   * and later fetches only what is new. Default: in memory.
   */
  journal?: string | undefined;
  /** What a new job does with an output that holds something: `fail` (default), `append` to it, or `replace` it. */
  existing?: OutputOptions["existing"] | undefined;
  /**
   * Wait for the disk at each commit, once a second, so that a power failure loses nothing. Default: true where a
   * `journal` is kept; without one, no later job could go on from what the disk has.
   */
  fsync?: boolean | undefined;
  /** Ends the job in order: what was fetched is written and remembered. */
  signal?: AbortSignal | undefined;
  /** Called once a second, and at the end. */
  onProgress?: ((progress: HeadersProgress) => void) | undefined;
  /** What keeps the journal and .sqlite files. Default: `node:sqlite` where it is there, else `libsql`. */
  engine?: SqlEngine | undefined;
}

/** What `fetchHeaders` takes. */
export interface FetchHeadersOptions extends FetchOptions {
  /**
   * A file by its extension (.ndjson, .jsonl, .csv, each with .gz as well; .sqlite, .db), a function called with each
   * batch (the next one waits for its promise), or a sink.
   */
  to: HeaderTarget;
}

/** What `fetchArticles` takes. */
export interface FetchArticlesOptions extends FetchOptions {
  /** A file (.mbox, .mbox.gz: mboxrd), a function called with each batch, or a sink. */
  to: ArticleTarget;
}

const NAMES: Readonly<Record<keyof FetchHeadersOptions | keyof FetchArticlesOptions, true>> = {
  server: true,
  groups: true,
  range: true,
  newest: true,
  since: true,
  connections: true,
  order: true,
  ordered: true,
  rangeSize: true,
  dedupe: true,
  journal: true,
  existing: true,
  fsync: true,
  signal: true,
  onProgress: true,
  engine: true,
  to: true,
};

/** A job's options with every default filled in. */
export interface ResolvedFetch {
  readonly what: "headers" | "articles";
  readonly connect: () => Promise<NntpClient>;
  readonly groups: readonly string[];
  readonly wanted: Wanted;
  readonly since: Date | undefined;
  readonly connections: number;
  readonly order: "ascending" | "newest-first";
  readonly ordered: boolean;
  readonly rangeSize: number;
  readonly dedupe: "output" | "message-id";
  readonly journal: string | undefined;
  readonly engine: SqlEngine | undefined;
  readonly openSink: (position: SinkPosition | undefined) => Promise<AnySink>;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: ((progress: HeadersProgress) => void) | undefined;
  /** What makes the job what it is: a journal of another one is refused. No secrets. */
  readonly settings: Record<string, string>;
}

/** Fills in the defaults and refuses what cannot work, before anything is dialled. Throws UsageError. */
export function resolveFetch(
  what: ResolvedFetch["what"],
  options: FetchHeadersOptions | FetchArticlesOptions,
): ResolvedFetch {
  checkNames(options, Object.keys(NAMES));
  const { to, order = "ascending", ordered = false, dedupe = "output", journal, engine, existing } = options;
  const server = serverOf(options.server);
  if (ordered && order !== "ascending") throw new UsageError("ordered rows are ascending: leave out one of the two");
  if (typeof to === "string" && kindOf(to).holds !== what) {
    throw new UsageError(`${to} is a file for ${kindOf(to).holds}, not for ${what}`);
  }
  const output = { existing, fsync: options.fsync ?? journal !== undefined, engine };
  return {
    what,
    connect: server.connect,
    groups: groupsOf(options.groups ?? server.group),
    wanted: wantedOf(options),
    since: options.since,
    connections: wholeNumber("connections", options.connections ?? 4, 1, 1000),
    order,
    ordered,
    // Articles are larger than rows by far.
    rangeSize: wholeNumber("rangeSize", options.rangeSize ?? (what === "headers" ? 20_000 : 20), 1, 1_000_000),
    dedupe,
    journal,
    engine,
    openSink: (position) =>
      what === "headers"
        ? (openHeaderSink(to as HeaderTarget, { ...output, position }) as Promise<AnySink>)
        : (openArticleSink(to as ArticleTarget, { ...output, position }) as Promise<AnySink>),
    signal: options.signal,
    onProgress: options.onProgress,
    settings: { server: server.shown, what, to: typeof to === "string" ? to : "the caller's own" },
  };
}

function serverOf(server: NewsServer): Pick<ResolvedFetch, "connect"> & { shown: string; group: string | undefined } {
  if (typeof server === "object" && "host" in server && !(server instanceof URL)) {
    const { host, port } = server;
    const client = new NntpClient(server as NntpOptions);
    return { connect: async () => client.clone(), shown: `nntp://${host}${port ? `:${port}` : ""}`, group: undefined };
  }
  const { url, ...options } = typeof server === "object" && !(server instanceof URL) ? server : { url: server };
  const { protocol, path } = parseUrl(url);
  if (protocol !== "nntp") throw new UsageError(`${redactUrl(url)} is not the URL of a news server: nntp or nntps`);
  const group = path.split("/")[0] || undefined;
  // The same server, whatever group the URL names.
  const shown = redactUrl(url).replace(/^([a-z]+:\/\/[^/?#]*).*$/i, "$1");
  return { connect: () => clientFor(url, options, "nntp"), shown, group };
}

function groupsOf(groups: string | readonly string[] | undefined): readonly string[] {
  const names = [...new Set([groups ?? []].flat())];
  if (names.length === 0) throw new UsageError("no newsgroup was named", { advice: "give groups, or a URL with one" });
  for (const name of names) {
    if (name === "" || /[\s\0]/.test(name)) throw new UsageError(`${JSON.stringify(name)} is not a newsgroup`);
  }
  return names;
}

function wantedOf({ range, newest, since }: FetchOptions): Wanted {
  if ([range, newest, since].filter((each) => each !== undefined).length > 1) {
    throw new UsageError("range, newest and since exclude one another");
  }
  if (newest !== undefined) return { newest: wholeNumber("newest", newest, 1) };
  if (range === undefined) return "everything";
  const [low, high] = range;
  wholeNumber("the first number of the range", low, 0);
  if (high !== undefined) wholeNumber("the last number of the range", high, low);
  return { range: [low, high] };
}

/** True for a wildmat rather than a name. */
export function isWildmat(name: string): boolean {
  return /[*?[!,]/.test(name);
}
