/** Threads: Jamie Zawinski's algorithm (jwz.org/doc/threading.html) over header records, by References and subjects. Pure. */
import { Links } from "./links.js";
import { compareRecords, type HeaderRecord, recordTime } from "./records.js";
import { type BaseSubjectOptions, baseSubject } from "./subject.js";

/** An article and its answers. */
export interface Thread {
  /** Undefined where the article is not there: it expired, or the thread is held together by its subject. */
  readonly record: HeaderRecord | undefined;
  /** Of the article, else of its first answer. */
  readonly subject: string;
  /** Answers, the oldest first; those without a date last, by number. */
  readonly children: readonly Thread[];
  /** Articles that are there, this one included. */
  readonly count: number;
  /** When the newest of them was posted; undefined where none has a date. */
  readonly latest: Date | undefined;
}

/** How to thread. */
export interface ThreadOptions extends BaseSubjectOptions {
  /**
   * Whether threads with the same subject, but for `Re:` and its like, are joined: articles whose References were lost
   * find their thread again, and strangers with the same subject meet. Default: true.
   */
  subjects?: boolean | undefined;
}

const NO_CHILDREN: readonly ThreadNode[] = [];

class ThreadNode implements Thread {
  children: readonly ThreadNode[] = NO_CHILDREN;
  count: number;
  /** Milliseconds, NaN where unknown: of the article, else of its first answer. What threads are sorted by. */
  time: number;
  #latest: number;

  constructor(readonly record: HeaderRecord | undefined) {
    this.count = record === undefined ? 0 : 1;
    this.time = this.#latest = record === undefined ? Number.NaN : recordTime(record);
  }

  get subject(): string {
    return this.lead.subject;
  }

  get latest(): Date | undefined {
    return Number.isNaN(this.#latest) ? undefined : new Date(this.#latest);
  }

  /** The article, else its first answer: a thread without its article has at least one. */
  get lead(): HeaderRecord {
    return this.record ?? this.children[0]!.record!;
  }

  adopt(children: readonly ThreadNode[]): void {
    this.children = [...this.children, ...children].sort(oldestFirst);
    for (const child of children) {
      this.count += child.count;
      if (!(this.#latest >= child.#latest) && !Number.isNaN(child.#latest)) this.#latest = child.#latest;
    }
    if (this.record === undefined) this.time = this.children[0]!.time;
  }
}

function oldestFirst(a: ThreadNode, b: ThreadNode): number {
  const undated = Number(Number.isNaN(a.time)) - Number(Number.isNaN(b.time));
  return undated || a.time - b.time || compareRecords(a.lead, b.lead);
}

/**
 * Sorts articles into threads: by References, then, where nothing else is known, by subject. Every record is in exactly
 * one place. Broken References do no harm: loops, ids of the article itself, ids that are there twice. The order of the
 * records does not matter where their message-ids are different.
 *
 * @param records Rows of `NntpClient.over` or of `readRecords`, all in memory.
 * @returns The threads, the oldest first; those without a date last, by number.
 *
 * @example
 * for (const { subject, count } of threads(await nntp.over([1000]).toArray())) console.log(`${subject} (${count})`);
 */
export function threads(records: Iterable<HeaderRecord>, options: ThreadOptions = {}): Thread[] {
  const roots = grow(new Links(records)).sort(oldestFirst);
  return options.subjects === false ? roots : joinSubjects(roots, options).sort(oldestFirst);
}

/**
 * Links → trees, without the articles that are not there (JWZ's step 4): their answers move up to the next article
 * above; only where several have none above, an empty thread holds them together.
 */
function grow(links: Links): ThreadNode[] {
  const roots: ThreadNode[] = [];
  const answers = new Array<ThreadNode[] | undefined>(links.size);
  for (const node of links.bottomUp()) {
    const children = answers[node];
    answers[node] = undefined;
    const parent = links.parent(node);
    const record = links.record(node);
    const isHeld = record === undefined && (parent !== -1 || children === undefined || children.length === 1);
    const moving = isHeld ? (children ?? []) : [treeOf(record, children)];
    if (parent === -1) roots.push(...moving);
    else if (moving.length > 0) answers[parent] = merged(answers[parent], moving);
  }
  return roots;
}

function treeOf(record: HeaderRecord | undefined, children: readonly ThreadNode[] | undefined): ThreadNode {
  const node = new ThreadNode(record);
  if (children !== undefined) node.adopt(children);
  return node;
}

/** The smaller list is added to the larger one: many answers to a long chain of missing articles are not moved at every step. */
function merged(a: ThreadNode[] | undefined, b: ThreadNode[]): ThreadNode[] {
  if (a === undefined) return b;
  const [large, small] = a.length >= b.length ? [a, b] : [b, a];
  for (const node of small) large.push(node);
  return large;
}

/** A thread before it is joined with others of its subject. */
interface Candidate {
  readonly node: ThreadNode;
  /** The subject to compare; empty where there is nothing to compare. */
  readonly key: string;
  readonly rank: number;
}

/** Whom the others join: a thread without an article first, an answer last. */
const RANK = { empty: 0, first: 1, reply: 2 };

/** JWZ's step 5. Takes and gives threads that have nothing above them. */
function joinSubjects(roots: readonly ThreadNode[], options: BaseSubjectOptions): ThreadNode[] {
  const candidates = roots.map((node) => candidate(node, options));
  const hosts = new Map<string, Candidate>();
  for (const each of candidates) {
    if (each.key !== "" && each.rank < (hosts.get(each.key)?.rank ?? 3)) hosts.set(each.key, each);
  }
  const left = new Set(roots);
  // An inner thread has its entry before the one it joins, so that counts are added up from below.
  const joining = new Map<ThreadNode, ThreadNode[]>();
  for (const each of candidates) {
    const host = hosts.get(each.key);
    if (host === undefined || host === each) continue;
    left.delete(each.node);
    if (host.rank < each.rank || host.rank === RANK.empty) {
      // Two empty threads become one.
      const moving = each.rank === RANK.empty ? each.node.children : [each.node];
      joining.set(host.node, merged(joining.get(host.node), [...moving]));
    } else {
      // Two firsts or two answers: neither is known to answer the other.
      const node = new ThreadNode(undefined);
      joining.set(node, [host.node, each.node]);
      hosts.set(each.key, { node, key: each.key, rank: RANK.empty });
      left.delete(host.node);
      left.add(node);
    }
  }
  for (const [node, children] of joining) node.adopt(children);
  return [...left];
}

function candidate(node: ThreadNode, options: BaseSubjectOptions): Candidate {
  const { base, isReply } = baseSubject(node.subject, options);
  const rank = node.record === undefined ? RANK.empty : isReply ? RANK.reply : RANK.first;
  return { node, key: base.toLowerCase(), rank };
}
