/** What the tree is made of: files that grow by chunks, directories, and directories whose entries are computed. */

let nodes = 0;

/** A file: its bytes, or how to make them. */
export class FileNode {
  readonly kind = "file";
  /** The same for the same file, whatever its name. */
  readonly unique: string;
  /** Milliseconds since 1970. */
  modified: number;
  /** Unix permission bits. */
  mode = 0o644;
  #chunks: Buffer[];
  #size: number;
  #make: (() => Buffer) | undefined;

  constructor(data: Buffer | { size: number; make: () => Buffer }, modified: number, unique = newUnique()) {
    this.modified = modified;
    this.unique = unique;
    this.#chunks = Buffer.isBuffer(data) ? [data] : [];
    this.#size = Buffer.isBuffer(data) ? data.length : data.size;
    this.#make = Buffer.isBuffer(data) ? undefined : data.make;
  }

  /** Bytes. */
  get size(): number {
    return this.#size;
  }

  /** All the bytes, in one piece. */
  get data(): Buffer {
    if (this.#make) return this.#make();
    if (this.#chunks.length !== 1) this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0] as Buffer;
  }

  append(chunk: Buffer): void {
    this.#own();
    this.#chunks.push(chunk);
    this.#size += chunk.length;
  }

  /** Drops what lies behind `size`. */
  truncate(size: number): void {
    this.#chunks = size === 0 ? [] : [this.data.subarray(0, size)];
    this.#make = undefined;
    this.#size = size;
  }

  replace(data: Buffer): void {
    this.#make = undefined;
    this.#chunks = [data];
    this.#size = data.length;
  }

  #own(): void {
    if (this.#make) this.replace(this.#make());
  }
}

/** How a generated directory makes its entries; see {@link FtpTree.generate}. */
export interface GeneratedEntries {
  count: number;
  nameOf: (index: number) => string;
  sizeOf: (index: number) => number;
  contentOf: (index: number) => Buffer;
  modifiedOf: (index: number) => number;
}

/** One row of a listing. */
export interface ListedEntry {
  name: string;
  directory: boolean;
  size: number;
  modified: number;
  mode: number;
  unique: string;
}

/** A directory: entries that were put there, over entries that are computed. */
export class DirectoryNode {
  readonly kind = "directory";
  /** The same for the same directory, whatever its name. */
  readonly unique = newUnique();
  /** Milliseconds since 1970. */
  modified: number;
  /** Unix permission bits. */
  mode = 0o755;
  readonly #own = new Map<string, TreeNode>();
  readonly #gone = new Set<number>();
  #generated: GeneratedEntries | undefined;
  #index: NameIndex | undefined;

  constructor(modified: number) {
    this.modified = modified;
  }

  get count(): number {
    return this.#own.size + (this.#generated?.count ?? 0) - this.#gone.size;
  }

  generate(entries: GeneratedEntries): void {
    this.#generated = entries;
    this.#gone.clear();
    this.#index = undefined;
  }

  get(name: string): TreeNode | undefined {
    const own = this.#own.get(name);
    if (own || !this.#generated) return own;
    const index = this.#find(name);
    return index === undefined ? undefined : computedFile(this.#generated, index, this.#uniqueOf(index));
  }

  /** A node that was put here; not one that is computed. */
  ownNode(name: string): TreeNode | undefined {
    return this.#own.get(name);
  }

  ownNodes(): Iterable<TreeNode> {
    return this.#own.values();
  }

  /** Puts a node here, over whatever had the name. */
  set(name: string, node: TreeNode): void {
    if (this.#generated && !this.#own.has(name)) {
      const index = this.#find(name);
      if (index !== undefined) this.#gone.add(index);
    }
    this.#own.set(name, node);
  }

  delete(name: string): void {
    if (this.#own.delete(name) || !this.#generated) return;
    const index = this.#find(name);
    if (index !== undefined) this.#gone.add(index);
  }

  /** The rows, one at a time, made on the way. */
  *entries(): Generator<ListedEntry> {
    for (const [name, node] of this.#own) yield rowOf(name, node);
    const generated = this.#generated;
    if (!generated) return;
    for (let index = 0; index < generated.count; index++) {
      if (this.#gone.has(index)) continue;
      const { nameOf, sizeOf, modifiedOf } = generated;
      const [name, size, modified, unique] = [nameOf(index), sizeOf(index), modifiedOf(index), this.#uniqueOf(index)];
      yield { name, directory: false, size, modified, mode: 0o644, unique };
    }
  }

  #uniqueOf(index: number): string {
    return `${this.unique}g${index}`;
  }

  #find(name: string): number | undefined {
    const generated = this.#generated as GeneratedEntries;
    this.#index ??= new NameIndex(generated.count, generated.nameOf);
    const index = this.#index.find(name);
    return index === undefined || this.#gone.has(index) ? undefined : index;
  }
}

export type TreeNode = FileNode | DirectoryNode;

export function rowOf(name: string, node: TreeNode): ListedEntry {
  const directory = node.kind === "directory";
  const { modified, mode, unique } = node;
  return { name, directory, size: directory ? 4096 : node.size, modified, mode, unique };
}

function newUnique(): string {
  return `${++nodes}`;
}

function computedFile(generated: GeneratedEntries, index: number, unique: string): FileNode {
  const { sizeOf, contentOf, modifiedOf } = generated;
  return new FileNode({ size: sizeOf(index), make: () => contentOf(index) }, modifiedOf(index), unique);
}

/** Names to numbers without keeping a name: a hash table of numbers (8 to 16 bytes a name), made at the first look-up. */
class NameIndex {
  readonly #slots: Uint32Array;
  readonly #mask: number;
  readonly #nameOf: (index: number) => string;

  constructor(count: number, nameOf: (index: number) => string) {
    const size = 2 ** Math.ceil(Math.log2(Math.max(count * 2, 2)));
    this.#slots = new Uint32Array(size); // 0 = free, else number + 1
    this.#mask = size - 1;
    this.#nameOf = nameOf;
    for (let index = 0; index < count; index++) {
      let slot = hashOf(nameOf(index)) & this.#mask;
      while (this.#slots[slot]) slot = (slot + 1) & this.#mask;
      this.#slots[slot] = index + 1;
    }
  }

  find(name: string): number | undefined {
    let slot = hashOf(name) & this.#mask;
    for (let taken = this.#slots[slot]; taken; taken = this.#slots[slot]) {
      if (this.#nameOf(taken - 1) === name) return taken - 1;
      slot = (slot + 1) & this.#mask;
    }
    return undefined;
  }
}

/** FNV-1a, with the bits mixed once more: names that differ in one digit must not lie side by side. */
function hashOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < name.length; at++) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}
