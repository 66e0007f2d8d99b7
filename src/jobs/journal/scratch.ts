/** Databases beside a journal, without a name and gone with the process: large ones are dropped at once, not row by row. */
import type { SqlDatabase } from "./sqlite.js";

/** Makes an empty one, in place of that of the same name. Not within a transaction. */
export function attachScratch(db: SqlDatabase, name: string, tables: string): void {
  dropScratch(db, name);
  db.exec(`
    ATTACH '' AS ${name};
    PRAGMA ${name}.journal_mode=MEMORY; PRAGMA ${name}.synchronous=OFF; PRAGMA ${name}.cache_size=-8192;
    ${tables}
  `);
}

/** Drops it, where it is there. Not within a transaction. */
export function dropScratch(db: SqlDatabase, name: string): void {
  if (!db.isOpen) return;
  const attached = db.prepare("PRAGMA database_list").all();
  if (attached.some((each) => each.name === name)) db.exec(`DETACH ${name}`);
}
