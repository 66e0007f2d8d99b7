/** The command line of `polywire headers` → the library's options; what would cost an output is refused. */
import { existsSync, statSync } from "node:fs";
import { InvalidArgumentError } from "commander";
import { UsageError } from "../../index.js";
import { type FetchOptions, type HeaderBatch, kindOf } from "../../jobs/index.js";
import { address } from "../address.js";
import { type Context, clientOptions } from "../context.js";
import { writeJson } from "../output.js";
import type { ViewKind } from "../progress.js";
import { newsPlace } from "./place.js";

/** The options of `polywire headers` as commander gives them. */
export interface HeadersArguments {
  out: string;
  newest?: number;
  range?: readonly [low: number, high?: number];
  since?: Date;
  articles?: true;
  connections?: number;
  ordered?: true;
  newestFirst?: true;
  append?: true;
  replace?: true;
  /** False for --no-journal. */
  journal?: string | false;
  /** False for --no-compress. */
  compress?: "auto" | "deflate" | "gzip" | "xzver" | false;
  progress?: ViewKind;
}

/** The job, less its progress. Throws UsageError; nothing was sent then, and no file touched. */
export function headersJob(context: Context, given: HeadersArguments, url: string, groups: readonly string[]) {
  const { newest, range, since, connections, ordered, compress } = given;
  checkOutput(given, context.json);
  const target = address(url, context.globals);
  const { signal, ...options } = clientOptions(context, target);
  return {
    server: { url: target, ...options, compress: compress === "auto" ? true : compress },
    groups: wantedGroups(newsPlace(url, context.globals), groups),
    newest,
    range,
    since,
    connections,
    ordered,
    order: given.newestFirst ? "newest-first" : undefined,
    existing: existingOf(given),
    journal: journalOf(given),
    signal,
  } as const satisfies FetchOptions;
}

/** `100-200`, `100-`, `100`. */
export function articleRange(text: string): readonly [low: number, high?: number] {
  const [, low, dash, high] = /^(\d+)(?:(-)(\d*))?$/.exec(text.trim()) ?? [];
  const range = [Number(low), high === undefined || high === "" ? Number(low) : Number(high)] as const;
  if (!range.every(Number.isSafeInteger) || range[1] < range[0]) {
    throw new InvalidArgumentError("it is a range of article numbers, such as 100-200, or 100- for all from there on.");
  }
  return dash !== undefined && high === "" ? [range[0]] : range;
}

/** The group of the URL and those behind it; with a `!` among them they are one wildmat, of which the last match counts. */
function wantedGroups({ group, article }: ReturnType<typeof newsPlace>, more: readonly string[]): readonly string[] {
  if (article !== undefined) {
    throw new UsageError(`the URL names article ${article}`, { advice: "headers are of a newsgroup: see --range" });
  }
  const groups = [...(group === undefined ? [] : [group]), ...more];
  if (groups.length === 0) {
    throw new UsageError("which newsgroup?", { advice: "write nntps://host/group, or name it behind the URL" });
  }
  return groups.some((each) => each.startsWith("!")) ? [groups.join(",")] : groups;
}

function checkOutput({ out, articles, append, replace, journal }: HeadersArguments, json: boolean): void {
  if (out === "-") {
    const refused: [boolean, string][] = [
      [articles ?? false, "whole articles go to a file: name a .mbox"],
      [json, "--out - is NDJSON already: leave out --json"],
      [append ?? replace ?? false, "--append and --replace are for files"],
      [typeof journal === "string", "what went to stdout cannot be taken back: --out - has no journal"],
    ];
    const found = refused.find(([is]) => is);
    if (found) throw new UsageError(found[1]);
    return;
  }
  const { holds } = kindOf(out);
  if ((articles ?? false) === (holds === "articles")) return;
  throw new UsageError(articles ? `${out} is for headers` : `${out} is for whole articles`, {
    advice: articles ? "name a .mbox, or leave out --articles" : "say --articles, or name another file",
  });
}

/** The journal of an output stands beside it, unless it is told otherwise. */
function besideOf(out: string): string {
  return `${out}.journal`;
}

/**
 * The journal; undefined for none. An output must not be changed behind the back of its journal: the next job would cut
 * it back to where the journal left it.
 */
function journalOf({ out, journal, replace }: HeadersArguments): string | undefined {
  if (out === "-") return undefined;
  const beside = besideOf(out);
  const path = journal === false ? undefined : (journal ?? beside);
  const other = path !== beside && existsSync(beside);
  if (!other && !(replace && path !== undefined && existsSync(path))) return path;
  throw new UsageError(`${other ? beside : path} remembers what is in ${out}`, {
    advice: `leave out ${other ? "--journal and --no-journal" : "--replace"} to go on with it, or remove it to begin anew`,
  });
}

/** What is to be done with an output that is there, by a new job. */
function existingOf(given: HeadersArguments): "append" | "replace" | undefined {
  if (given.append) return "append";
  if (given.replace) return "replace";
  const { out } = given;
  const journal = journalOf(given);
  const goesOn = journal !== undefined && existsSync(journal);
  if (out !== "-" && !goesOn && (statSync(out, { throwIfNoEntry: false })?.size ?? 0) > 0) {
    throw new UsageError(`${out} is there already, and has no journal to go on with`, {
      advice: "say --append or --replace, or name another file",
    });
  }
  return undefined;
}

/** Rows as lines, in the form in which a file has them. */
export function toStdout({ group, rows }: HeaderBatch): Promise<void> {
  return writeJson(rows.map((row) => ({ group, ...row.toJSON() })));
}
