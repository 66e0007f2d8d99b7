/** One connection of a headers job: it opens groups, and keeps two ranges of one group in flight. */
import { ReplyError } from "../../client/errors.js";
import type { NntpClient } from "../../nntp/client.js";
import type { Overview } from "../../nntp/overview.js";
import { type Anchor, checkNumbering, type GroupCursor } from "./cursor.js";
import type { AnyRow, GroupWork } from "./group-work.js";
import type { Interval } from "./interval-set.js";
import type { GroupMarks, Range } from "./ranges.js";
import { SinceSearch } from "./since.js";
import type { ArticleRow } from "./sink.js";

/** Ranges in flight on one connection: the next answer is under way while one is read. */
export const DEPTH = 2;

/** A connection that is logged in. */
export class Lane {
  /** The group that is selected. */
  group: string | undefined;
  /** Ranges in flight. */
  flying = 0;
  readonly client: NntpClient;

  constructor(client: NntpClient) {
    this.client = client;
  }

  /** Selects a group. Only while nothing is in flight: what follows is about the group selected last. */
  async select(name: string, signal: AbortSignal): Promise<GroupMarks> {
    this.group = undefined;
    const marks = await this.client.group(name, { signal });
    this.group = name;
    return marks;
  }

  /** Whether the numbers of the selected group mean what the cursor knows of them. */
  async numbering(cursor: GroupCursor, marks: GroupMarks, signal: AbortSignal): Promise<"same" | "renumbered"> {
    const found: (string | undefined)[] = [];
    // As it is now: other connections may move it on meanwhile.
    const { anchors, done, high } = cursor;
    for (;;) {
      const verdict = checkNumbering({ anchors, done, high }, marks, found);
      if (typeof verdict === "string") return verdict;
      found.push(await this.#idOf(verdict.ask, signal));
    }
  }

  async #idOf({ number }: Anchor, signal: AbortSignal): Promise<string | undefined> {
    return (await orNone(this.client.stat(number, { signal })))?.messageId;
  }

  /** The first number of the selected group that came since a moment. */
  async since(marks: GroupMarks, since: Date, signal: AbortSignal): Promise<number> {
    const search = new SinceSearch(marks, since);
    for (let look = search.next; look; look = search.next) search.answer(await this.#dates(look, signal));
    return search.from;
  }

  #dates({ low, high }: Interval, signal: AbortSignal): Promise<Overview[]> {
    return this.client.over([low, high], { signal }).toArray();
  }

  /** Fetches the rows of a range of the selected group. Rejects where the answer broke off; the range is given back then. */
  async headers(work: GroupWork, range: Range, signal: AbortSignal): Promise<void> {
    const intake = work.begin(range);
    try {
      await this.client.over([range.low, range.high], { signal }).each((rows) => intake.take(rows));
    } catch (error) {
      intake.broke();
      throw error;
    }
    intake.end();
  }

  /** Fetches the articles of a range of the selected group, each as it comes, in order. */
  async articles(work: GroupWork, range: Range, signal: AbortSignal): Promise<void> {
    const intake = work.begin(range);
    let bytes = 0;
    try {
      const rows = await this.client.over([range.low, range.high], { signal }).toArray();
      const numbers = rows.flatMap(({ number }) => (number > 0 ? [number] : []));
      const articles = numbers.map((number) => orNone<ArticleRow>(this.client.article(number, { signal })));
      // One that fails rejects below; the others must not end the process.
      for (const article of articles) article.catch(() => {});
      for (const promise of articles) {
        const article = await promise;
        if (article === undefined) continue;
        bytes += article.content.length;
        await intake.take([article as AnyRow]);
      }
    } catch (error) {
      intake.broke();
      throw error;
    }
    intake.end(bytes);
  }
}

/** How servers say that there is no such article. */
const NO_ARTICLE = new Set(["420", "423", "430"]);

/** What was asked of one article; undefined where it was cancelled or expired meanwhile. */
async function orNone<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof ReplyError && NO_ARTICLE.has(error.code)) return undefined;
    throw error;
  }
}
