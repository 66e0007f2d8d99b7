/** Articles from the server to where they are wanted: the screen, files, or their attachments to files. */
import { type Article, type NntpClient, PolywireError } from "../../index.js";
import { decodeBytes, parseMessage, yencParts } from "../../message/index.js";
import { withClient } from "../connect.js";
import type { Context } from "../context.js";
import { EXIT } from "../exit-codes.js";
import { size } from "../format.js";
import { note, print, printJson, writeBytes } from "../output.js";
import { report } from "../report.js";
import { ahead } from "./ahead.js";
import { destinationOf, fillNew, makeFolder, safeName, saveNew } from "./save.js";
import { articleJson, articleText, type ReadArticle, type Shown } from "./show.js";
import { type FoundFile, YencFiles } from "./yenc-files.js";

/** The options of `polywire article`. */
export interface ReadOptions {
  raw?: true;
  head?: true;
  body?: true;
  to?: string;
  attachments?: string;
}

/** The articles of a command line. */
export interface Wanted {
  /** Numbers and message-ids. */
  readonly ids: readonly string[];
  /** To be selected before numbers mean anything. */
  readonly group: string | undefined;
}

/** What is done with each article, in their order. */
interface Reader<R> {
  ask(id: string): Promise<R>;
  tell(value: R, id: string): Promise<void>;
  /** Behind the last one. @returns the exit code, where something is missing. */
  end?(): Promise<number>;
}

/** Reads the articles. One that is not there is told, and the others are read. @returns the exit code. */
export function readArticles(context: Context, options: ReadOptions, url: string, wanted: Wanted): Promise<number> {
  return withClient(context, url, "nntp", async (nntp) => {
    if (wanted.group !== undefined) await nntp.group(wanted.group, { signal: context.signal });
    if (options.to !== undefined)
      return each(context, wanted, await keeper(context, options, nntp, wanted, options.to));
    if (options.raw) return each(context, wanted, rawReader(context, options, nntp));
    if (options.attachments !== undefined) {
      return each(context, wanted, saver(context, nntp, await makeFolder(options.attachments)));
    }
    return each(context, wanted, screen(context, options, nntp));
  });
}

async function each<R>(context: Context, { ids }: Wanted, reader: Reader<R>): Promise<number> {
  const how = { json: context.json, debug: context.globals.debug ?? false };
  let code: number = EXIT.done;
  for await (const outcome of ahead(ids, (id) => reader.ask(id))) {
    try {
      if ("error" in outcome) throw outcome.error;
      await reader.tell(outcome.value, outcome.item);
    } catch (error) {
      if (!concernsOne(error)) throw error;
      const failed = await report(error, how, undefined, { article: outcome.item });
      code ||= failed;
    }
  }
  const missing = (await reader.end?.()) ?? EXIT.done;
  return code || missing;
}

/** True where the next article may still go well: the server refused this one, or its file is there already. */
function concernsOne(error: unknown): boolean {
  if (error instanceof PolywireError) return error.clientUsable && error.name !== "UsageError";
  return (error as NodeJS.ErrnoException).code === "EEXIST";
}

/** The method for what is wanted of an article. */
function verbOf({ head, body }: ReadOptions): "article" | "head" | "body" {
  if (head === body) return "article";
  return head ? "head" : "body";
}

async function keeper(context: Context, options: ReadOptions, nntp: NntpClient, { ids }: Wanted, to: string) {
  const { signal } = context;
  const pathOf = await destinationOf(to, ids.length);
  const verb = verbOf(options);
  const reader: Reader<{ number: number; messageId: string; bytes: number }> = {
    ask: (id) => fillNew(pathOf(id), (file) => nntp[verb](id, { to: file, signal })),
    tell: async ({ number, messageId, bytes }, id) => {
      const path = pathOf(id);
      if (context.json) await printJson({ number, messageId, bytes, path });
      else await print(`${path}: ${size(bytes)}`);
    },
  };
  return reader;
}

function rawReader({ signal }: Context, options: ReadOptions, nntp: NntpClient): Reader<Article> {
  const verb = verbOf(options);
  return {
    ask: (id) => nntp[verb](id, { signal }),
    tell: ({ content }) => writeBytes(content, decodeBytes),
  };
}

/** Shows articles, or prints them as JSON. */
function screen(context: Context, { head, body }: ReadOptions, nntp: NntpClient): Reader<Article> {
  const { signal } = context;
  const shown: Shown = { head: head ? "all" : body ? "none" : "short", body: body === true || !head };
  let first = true;
  return {
    // The body alone would not say how it is encoded.
    ask: (id) => (shown.body ? nntp.article(id, { signal }) : nntp.head(id, { signal })),
    tell: async (article) => {
      const read = await readArticle(article);
      if (context.json) return printJson(articleJson(read, shown));
      const line = first ? "" : `\n${"─".repeat(72)}\n\n`;
      first = false;
      return print(line + articleText(read, shown));
    },
  };
}

/** Saves attachments. */
function saver(context: Context, nntp: NntpClient, folder: string): Reader<Article> {
  const { signal, json } = context;
  const files = new YencFiles();
  let count = 0;
  const tell = async (article: object, saved: readonly string[]) => {
    count += saved.length;
    if (json) await printJson({ ...article, saved });
    else if (saved.length > 0) await print(saved.join("\n"));
  };
  return {
    ask: (id) => nntp.article(id, { signal }),
    tell: async (article) => {
      const { number, messageId } = article;
      await tell({ number, messageId }, await saveFiles(folder, await readArticle(article), files));
    },
    end: async () => {
      const rest = files.rest();
      const saved: string[] = [];
      for (const file of rest) saved.push(await saveFound(folder, file));
      if (saved.length > 0) await tell({}, saved);
      if (count === 0) note("polywire: there is nothing attached");
      return rest.length > 0 ? EXIT.refused : EXIT.done;
    },
  };
}

async function readArticle({ number, content }: Article): Promise<ReadArticle> {
  const message = await parseMessage(content, { htmlToText: true });
  return { number, message, yenc: [...yencParts(content.subarray(message.headers.bodyStart))] };
}

/** Saves the attachments of an article, and the files that its parts make whole. @returns their paths. */
async function saveFiles(folder: string, { message, yenc }: ReadArticle, files: YencFiles): Promise<string[]> {
  const saved: string[] = [];
  for (const [i, { filename, content }] of message.attachments.entries()) {
    saved.push(await saveNew(folder, safeName(filename, `attachment-${i + 1}.bin`), content));
  }
  for (const part of yenc) {
    const file = files.add(part);
    if (file) saved.push(await saveFound(folder, file));
  }
  return saved;
}

async function saveFound(folder: string, { name, suffix, data, problems }: FoundFile): Promise<string> {
  const path = await saveNew(folder, `${safeName(name, "yenc.bin")}${suffix}`, data);
  for (const problem of problems) note(`polywire: ${path}: ${problem}`);
  return path;
}
