/** The files of the in-memory FTP server. Paths are absolute; names are bytes, written as latin1 strings. */
import { DirectoryNode, FileNode, type ListedEntry, rowOf, type TreeNode } from "./nodes.js";

/** What {@link FtpTree.generate} may be told besides names and sizes. */
export interface GenerateOptions {
  /** The bytes of file `index`; their number must be its size. Default: the name and a line feed, over and over. */
  contentOf?: ((index: number) => Uint8Array | string) | undefined;
  /** When file `index` was modified. Default: when `generate` was called. */
  modifiedOf?: ((index: number) => Date) | undefined;
}

/** What the tree knows of one path. */
export interface TreeStat {
  type: "file" | "directory";
  /** Bytes. */
  size: number;
  modified: Date;
  /** Unix permission bits. */
  mode: number;
}

/**
 * A file name as the bytes an UTF-8 client sends for it, which is how the tree keeps names.
 *
 * @example `server.tree.write("/" + utf8Name("größe.txt"), "x")`
 */
export function utf8Name(name: string): string {
  return Buffer.from(name, "utf8").toString("latin1");
}

/** Files in memory. A test may read and change them at any time, also during a transfer. */
export class FtpTree {
  readonly #root = new DirectoryNode(Date.now());
  #bytes = 0;

  /** Bytes in all files, generated directories left out. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Writes a file, and the directories above it. A text is written as UTF-8. */
  write(path: string, data: string | Uint8Array, options: { modified?: Date | undefined } = {}): void {
    const bytes = typeof data === "string" ? Buffer.from(data, "utf8") : asBuffer(data);
    const { directory, name } = this.#place(path, true);
    this.put(directory, name, new FileNode(bytes, options.modified?.getTime() ?? Date.now()));
  }

  /** The bytes of a file. Throws when there is none. */
  read(path: string): Buffer {
    const node = this.node(path);
    if (node?.kind !== "file") throw new Error(`FtpTree: no file ${path}`);
    return node.data;
  }

  /** The names in a directory, sorted. Throws when there is none. */
  list(path = "/"): string[] {
    return Array.from(this.directory(path).entries(), (entry) => entry.name).sort();
  }

  /** How many entries a directory has; makes none of them. Throws when there is none. */
  count(path = "/"): number {
    return this.directory(path).count;
  }

  exists(path: string): boolean {
    return this.node(path) !== undefined;
  }

  /** What is at this path, or undefined. */
  stat(path: string): TreeStat | undefined {
    const node = this.node(path);
    if (!node) return undefined;
    const row = rowOf("", node);
    return { type: node.kind, size: row.size, modified: new Date(row.modified), mode: row.mode };
  }

  /** Removes a file, or a directory with all that is in it. Nothing happens when there is none. */
  remove(path: string): void {
    const { directory, name } = this.#place(path, false);
    if (!directory) return;
    this.#bytes -= bytesIn(directory.ownNode(name));
    directory.delete(name);
    directory.modified = Date.now();
  }

  /** Makes a directory, and those above it. */
  mkdir(path: string): void {
    this.#walk(segmentsOf(path), true);
  }

  /** Writes `count` files: file `i` at the path `nameOf(i)`. */
  fill(count: number, nameOf: (index: number) => string, contentOf: (index: number) => string | Uint8Array): void {
    for (let index = 0; index < count; index++) this.write(nameOf(index), contentOf(index));
  }

  /**
   * Makes a directory of `count` files that are computed when they are asked for, so that millions take no memory
   * (8 to 16 bytes each once a file is asked for by name). They can be read, deleted, renamed and written over.
   *
   * @param nameOf the name of file `index`, without its directory; all different
   * @param sizeOf bytes of file `index`. Default: 0
   */
  generate(
    path: string,
    count: number,
    nameOf: (index: number) => string,
    sizeOf: (index: number) => number = () => 0,
    options: GenerateOptions = {},
  ): void {
    const now = Date.now();
    const { contentOf, modifiedOf } = options;
    this.#walk(segmentsOf(path), true).generate({
      count,
      nameOf,
      sizeOf,
      contentOf: (index) => asBuffer(contentOf?.(index) ?? Buffer.alloc(sizeOf(index), `${nameOf(index)}\n`, "latin1")),
      modifiedOf: (index) => modifiedOf?.(index).getTime() ?? now,
    });
  }

  /** The rows of a directory, made on the way. Throws when there is none. @internal */
  entries(path: string): Iterable<ListedEntry> {
    return this.directory(path).entries();
  }

  /** @internal */
  directory(path: string): DirectoryNode {
    const node = this.node(path);
    if (node?.kind !== "directory") throw new Error(`FtpTree: no directory ${path}`);
    return node;
  }

  /** @internal */
  node(path: string): TreeNode | undefined {
    let node: TreeNode | undefined = this.#root;
    for (const segment of segmentsOf(path)) node = node?.kind === "directory" ? node.get(segment) : undefined;
    return node;
  }

  /** The directory of a path and the name in it; undefined when that directory is missing. @internal */
  parent(path: string): { directory: DirectoryNode; name: string } | undefined {
    const { directory, name } = this.#place(path, false);
    return directory && name !== "" ? { directory, name } : undefined;
  }

  /** Puts a node in a directory and counts its bytes. @internal */
  put(directory: DirectoryNode, name: string, node: TreeNode): void {
    this.#bytes += bytesIn(node) - bytesIn(directory.ownNode(name));
    directory.set(name, node);
    directory.modified = Date.now();
  }

  /** The node at this path, kept from now on if it was computed: what to ask for before changing it. @internal */
  own(path: string): TreeNode | undefined {
    const place = this.parent(path);
    const node = place?.directory.get(place.name);
    if (place && node && !place.directory.ownNode(place.name)) this.put(place.directory, place.name, node);
    return node ?? this.node(path);
  }

  /** @internal */
  append(file: FileNode, chunk: Buffer): void {
    file.append(chunk);
    this.#bytes += chunk.length;
  }

  /** @internal */
  replace(file: FileNode, data: Buffer): void {
    this.#bytes += data.length - file.size;
    file.replace(data);
  }

  /** @internal */
  truncate(file: FileNode, size: number): void {
    this.#bytes -= file.size - size;
    file.truncate(size);
  }

  #place(path: string, make: true): { directory: DirectoryNode; name: string };
  #place(path: string, make: boolean): { directory: DirectoryNode | undefined; name: string };
  #place(path: string, make: boolean): { directory: DirectoryNode | undefined; name: string } {
    const segments = segmentsOf(path);
    const name = segments.pop() ?? "";
    if (make) return { directory: this.#walk(segments, true), name };
    const node = this.node(`/${segments.join("/")}`);
    return { directory: node?.kind === "directory" ? node : undefined, name };
  }

  #walk(segments: string[], make: boolean): DirectoryNode {
    let directory = this.#root;
    for (const segment of segments) {
      let next = directory.get(segment);
      if (!next && make) directory.set(segment, (next = new DirectoryNode(Date.now())));
      if (next?.kind !== "directory") throw new Error(`FtpTree: ${segment} is not a directory`);
      directory = next;
    }
    return directory;
  }
}

/** `/a/./b/../c` → `["a", "c"]`. */
export function segmentsOf(path: string): string[] {
  if (/[^\0-\xff]/.test(path)) throw new Error(`FtpTree: names are bytes, use utf8Name() for ${JSON.stringify(path)}`);
  const segments: string[] = [];
  for (const segment of path.split("/")) {
    if (segment === "..") segments.pop();
    else if (segment !== "" && segment !== ".") segments.push(segment);
  }
  return segments;
}

function bytesIn(node: TreeNode | undefined): number {
  if (!node) return 0;
  if (node.kind === "file") return node.size;
  let sum = 0;
  for (const child of node.ownNodes()) sum += bytesIn(child);
  return sum;
}

function asBuffer(data: Uint8Array | string): Buffer {
  if (typeof data === "string") return Buffer.from(data, "utf8");
  return Buffer.isBuffer(data) ? data : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}
