/** The newsgroups of the in-memory NNTP server, and the articles by their message-ids. */
import { type Article, type ArticleInput, encodeArticle, type Stored, withXref } from "./article.js";
import type { Faults } from "./faults.js";
import { type GroupInput, NntpGroup } from "./group.js";

/** What the groups must know of their server. */
export interface GroupsContext {
  readonly host: string;
  /** Headers in the overview behind its seven fields. */
  readonly extra: readonly string[];
  readonly faults: Faults;
  now(): Date;
}

/** Newsgroups in memory. A test may read and change them at any time, also during an OVER. */
export class NntpGroups implements Iterable<NntpGroup> {
  readonly #context: GroupsContext;
  readonly #groups = new Map<string, NntpGroup>();
  readonly #articles = new Map<string, Stored>();
  #made = 0;

  /** @internal */
  constructor(context: GroupsContext) {
    this.#context = context;
  }

  /** Makes a group, with its articles. */
  add(name: string, input: GroupInput = {}, created = this.#context.now()): NntpGroup {
    if (!/^[!-)+\x2d-9;->@-Z^-~\x80-\xff]+$/.test(name)) throw new Error(`NntpGroups: not a group's name: ${name}`);
    if (this.#groups.has(name)) throw new Error(`NntpGroups: there is a group ${name}`);
    const { host, extra, faults } = this.#context;
    const group = new NntpGroup(
      name,
      input,
      {
        host,
        extra,
        faults,
        post: (article, groups) => this.post(article, groups),
        forget: (stored) => this.#articles.delete(stored.article.messageId),
      },
      created,
    );
    this.#groups.set(name, group);
    for (const article of input.articles ?? []) this.post(article, [name]);
    return group;
  }

  /** A group. Throws when there is none. */
  get(name: string): NntpGroup {
    const group = this.#groups.get(name);
    if (!group) throw new Error(`NntpGroups: no group ${name}`);
    return group;
  }

  has(name: string): boolean {
    return this.#groups.has(name);
  }

  /** Removes a group with its articles. Nothing happens when there is none. */
  delete(name: string): void {
    const group = this.#groups.get(name);
    for (const [, stored] of this.#articles) {
      const number = stored.places.get(name);
      if (number !== undefined) group?.cancel(number);
    }
    this.#groups.delete(name);
  }

  /** The groups, by name. */
  [Symbol.iterator](): Iterator<NntpGroup> {
    return [...this.#groups.values()].sort((a, b) => (a.name < b.name ? -1 : 1))[Symbol.iterator]();
  }

  /**
   * Adds an article to groups, as if it came from another server.
   *
   * @param groups default: those of its Newsgroups header that are here
   * @returns its message-id
   */
  post(input: ArticleInput, groups?: readonly string[]): string {
    const named = groups ?? (typeof input === "object" && "newsgroups" in input ? [input.newsgroups ?? []].flat() : []);
    const article = encodeArticle(input, named.join(","), this.newId(), this.#context.now());
    return this.store(article, groups ?? newsgroupsOf(article));
  }

  /** A message-id that no article has. @internal */
  newId(): string {
    return `<${++this.#made}@${this.#context.host}>`;
  }

  /** Keeps an article in those of the groups that are here. @internal */
  store(article: Article, groups: readonly string[]): string {
    const { messageId } = article;
    if (!/^<[!-=?-~]+>$/.test(messageId)) throw new Error(`NntpGroups: not a message-id: ${messageId}`);
    if (this.find(messageId)) throw new Error(`NntpGroups: there is an article ${messageId}`);
    const stored: Stored = {
      article: article.without("Xref"),
      arrived: this.#context.now().getTime(),
      places: new Map(),
    };
    for (const name of new Set(groups)) this.#groups.get(name)?.put(stored);
    if (stored.places.size === 0) throw new Error(`NntpGroups: none of its groups is here: ${groups.join(",")}`);
    this.#articles.set(messageId, stored);
    return messageId;
  }

  /** The article with this message-id, wherever it is. */
  find(messageId: string): Article | undefined {
    const stored = this.#articles.get(messageId);
    if (stored) {
      const visible = [...stored.places].some(([name, number]) => this.get(name).has(number));
      return visible ? withXref(stored, this.#context.host) : undefined;
    }
    for (const group of this.#groups.values()) {
      const number = group.numberOf(messageId);
      if (number !== undefined) return group.article(number);
    }
    return undefined;
  }

  /** Takes an article away from all its groups. Nothing happens when there is none. */
  cancel(messageId: string): void {
    const stored = this.#articles.get(messageId);
    for (const [name, number] of [...(stored?.places ?? [])]) this.get(name).cancel(number);
    for (const group of this.#groups.values()) {
      const number = group.numberOf(messageId);
      if (number !== undefined) group.cancel(number);
    }
  }
}

/** The groups that an article's Newsgroups header names. */
export function newsgroupsOf(article: Article): string[] {
  return (article.header("newsgroups") ?? "")
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
}
