/** The folders of a recursive listing: a queue on disk, so that a tree of any size is walked in flat memory. */
import { fromColumn, toColumn } from "./schema.js";
import type { SqlDatabase, SqlRow, SqlStatement } from "./sqlite.js";

/** A folder to be listed. */
export interface QueuedFolder {
  readonly id: number;
  /** Relative to the place; "" is the place's own folder. */
  readonly path: string;
  /** One of those the job was given: 0; in one of them: 1 and so on. */
  readonly depth: number;
  /** What the server calls it, whatever its path; undefined where it does not tell. */
  readonly unique: string | undefined;
}

/** A folder as the listing of the one above it gives it. */
export type FoundFolder = Pick<QueuedFolder, "path" | "unique">;

const TABLE = `
  CREATE TABLE IF NOT EXISTS folders(id INTEGER PRIMARY KEY, path NOT NULL UNIQUE, depth INTEGER NOT NULL, mark TEXT)
`;
const COLUMNS = "id, path, depth, mark";
/** Rows read at a time. */
const PAGE = 500;

/**
 * Breadth first: a folder's number is higher than that of the one above it. What was listed stays until the next pass
 * begins, so that empty folders can be removed from the deepest on.
 */
export class FolderQueue {
  readonly #db: SqlDatabase;
  readonly #sql: { add: SqlStatement; next: SqlStatement; at: SqlStatement; mark: SqlStatement };
  #cursor = 0;

  constructor(db: SqlDatabase) {
    this.#db = db;
    db.exec(TABLE);
    this.#sql = {
      add: db.prepare("INSERT OR IGNORE INTO folders(path, depth, mark) VALUES(?, ?, ?)"),
      next: db.prepare(`SELECT ${COLUMNS} FROM folders WHERE id > ? ORDER BY id LIMIT 1`),
      at: db.prepare(`SELECT ${COLUMNS} FROM folders WHERE path = ?`),
      mark: db.prepare("UPDATE folders SET mark = ? WHERE id = ? AND mark IS NULL"),
    };
  }

  /** Forgets all, and begins with these. */
  begin(paths: readonly string[]): void {
    this.#cursor = 0;
    this.#db.transaction(() => {
      this.#db.exec("DELETE FROM folders");
      for (const path of paths) this.#sql.add.run(toColumn(path), 0, null);
    });
  }

  /** The first folder that was not listed; the same one until {@link done}. Undefined where all were. */
  next(): QueuedFolder | undefined {
    const row = this.#sql.next.get(this.#cursor);
    return row && toFolder(row);
  }

  /** Folders found in one that is being listed; those that are known are left as they are. */
  add(folders: readonly FoundFolder[], depth: number): void {
    if (folders.length === 0) return;
    this.#db.transaction(() => {
      for (const { path, unique } of folders) this.#sql.add.run(toColumn(path), depth, unique ?? null);
    });
  }

  /** What the server calls a folder was told in its own listing. */
  mark({ id }: QueuedFolder, unique: string): void {
    this.#sql.mark.run(unique, id);
  }

  /** The folder was listed to its end. */
  done(folder: QueuedFolder): void {
    this.#cursor = folder.id;
  }

  /** The folder above that is the same one: the way down to `path` goes round in a circle. */
  sameAbove({ path, unique }: FoundFolder): QueuedFolder | undefined {
    if (unique === undefined) return undefined;
    for (let above = path; above !== ""; ) {
      above = above.slice(0, Math.max(above.lastIndexOf("/"), 0));
      const row = this.#sql.at.get(toColumn(above));
      if (row?.mark === unique) return toFolder(row);
    }
    return undefined;
  }

  /** The folders found, less those the job was given, from the deepest on; in groups. */
  *upwards(): IterableIterator<string[]> {
    const page = this.#db.prepare(
      `SELECT id, path FROM folders WHERE id < ? AND depth > 0 ORDER BY id DESC LIMIT ${PAGE}`,
    );
    for (let before = Number.MAX_SAFE_INTEGER; ; ) {
      const rows = page.all(before);
      if (rows.length === 0) return;
      before = rows.at(-1)!.id as number;
      yield rows.map(({ path }) => fromColumn(path!));
    }
  }
}

function toFolder(row: SqlRow): QueuedFolder {
  const { id, path, depth, mark } = row;
  return {
    id: id as number,
    path: fromColumn(path!),
    depth: depth as number,
    unique: (mark as string | null) ?? undefined,
  };
}
