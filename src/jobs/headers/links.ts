/** Who answers whom: message-ids and References → parents, without loops. The tables of JWZ's steps 1 and 2. Pure. */
import { compareRecords, type HeaderRecord } from "./records.js";

const NONE = -1;

/**
 * A forest over all message-ids that were seen, as records or in References. Nodes are numbers and links are kept in
 * typed arrays: five million records cost some hundred megabytes, and no chain is too long.
 */
export class Links {
  readonly #ids = new Map<string, number>();
  readonly #records: (HeaderRecord | undefined)[] = [];
  #parents = new Int32Array(1024).fill(NONE);
  /** A node above in the same tree, for short ways to the root (a union-find): the node itself where it is the root. */
  #above = new Int32Array(1024);

  /** Ids are linked in the order of the records' numbers, so that the order of the input does not matter. */
  constructor(records: Iterable<HeaderRecord>) {
    const sorted = [...records].sort(compareRecords);
    const nodes = Int32Array.from(sorted, (record) => this.#place(record));
    // What a message says of itself comes before what others' References make of it.
    for (const [i, { references }] of sorted.entries()) this.#linkToLast(references, nodes[i]!);
    for (const { references } of sorted) this.#linkChain(references);
  }

  get size(): number {
    return this.#records.length;
  }

  /** Undefined where the message is only known from References. */
  record(node: number): HeaderRecord | undefined {
    return this.#records[node];
  }

  /** -1 for a root. */
  parent(node: number): number {
    return this.#parents[node]!;
  }

  /** Every node, each behind all of its children. */
  bottomUp(): Int32Array {
    const waiting = new Int32Array(this.size);
    for (let node = 0; node < this.size; node++) {
      if (this.#parents[node] !== NONE) waiting[this.#parents[node]!]!++;
    }
    const order = new Int32Array(this.size);
    let end = 0;
    for (let node = 0; node < this.size; node++) if (waiting[node] === 0) order[end++] = node;
    for (let at = 0; at < end; at++) {
      const parent = this.#parents[order[at]!]!;
      if (parent !== NONE && --waiting[parent]! === 0) order[end++] = parent;
    }
    return order;
  }

  /** A record whose id is empty or taken gets a node that no reference leads to. */
  #place(record: HeaderRecord): number {
    const { messageId } = record;
    const known = this.#ids.get(messageId);
    const free = known === undefined || this.#records[known] !== undefined;
    const node = free ? this.#add() : known;
    if (messageId !== "" && known === undefined) this.#ids.set(messageId, node);
    this.#records[node] = record;
    return node;
  }

  #node(id: string): number {
    let node = this.#ids.get(id);
    if (node === undefined) {
      node = this.#add();
      this.#ids.set(id, node);
    }
    return node;
  }

  #add(): number {
    const node = this.#records.push(undefined) - 1;
    if (node === this.#parents.length) this.#grow();
    this.#above[node] = node;
    return node;
  }

  #grow(): void {
    const [parents, above] = [this.#parents, this.#above];
    this.#parents = new Int32Array(parents.length * 2).fill(NONE);
    this.#parents.set(parents);
    this.#above = new Int32Array(above.length * 2);
    this.#above.set(above);
  }

  /** The last of a message's References is its parent; one that would make a loop, as its own id, is passed over. */
  #linkToLast(references: readonly string[], node: number): void {
    for (let i = references.length - 1; i >= 0; i--) {
      if (references[i] !== "" && this.#link(this.#node(references[i]!), node)) return;
    }
  }

  /** Each of the References answers the one before it, unless it is known to answer another one. */
  #linkChain(references: readonly string[]): void {
    let parent = NONE;
    for (const id of references) {
      if (id === "") continue;
      const node = this.#node(id);
      if (parent !== NONE && this.#parents[node] === NONE) this.#link(parent, node);
      parent = node;
    }
  }

  /** Only roots get parents, so a loop would be a child that is the root above its parent. */
  #link(parent: number, child: number): boolean {
    const root = this.#root(parent);
    if (root === child) return false;
    this.#parents[child] = parent;
    this.#above[child] = root;
    return true;
  }

  #root(node: number): number {
    const above = this.#above;
    let at = node;
    while (above[at] !== at) at = above[at] = above[above[at]!]!;
    return at;
  }
}
