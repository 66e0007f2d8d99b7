/** The smallest face over SQLite: `node:sqlite` where Node has it (from 22.13), else the `libsql` package. */
import { createRequire } from "node:module";
import { UsageError } from "../../client/errors.js";

/** What a column may hold. Bytes come back as a Uint8Array. */
export type SqlValue = null | number | bigint | string | Uint8Array;
export type SqlRow = Record<string, SqlValue>;

/** The two engines; the files are the same. */
export type SqlEngine = "node:sqlite" | "libsql";

/** A prepared statement; parameters are the `?` in order. */
export interface SqlStatement {
  /** @returns How many rows it changed. */
  run(...parameters: SqlValue[]): number;
  /** The first row. */
  get<Row extends object = SqlRow>(...parameters: SqlValue[]): Row | undefined;
  all<Row extends object = SqlRow>(...parameters: SqlValue[]): Row[];
  /** Row by row; nothing else may use the statement meanwhile. */
  iterate<Row extends object = SqlRow>(...parameters: SqlValue[]): IterableIterator<Row>;
}

/** An open database. Every call is synchronous. */
export interface SqlDatabase {
  readonly engine: SqlEngine;
  readonly isOpen: boolean;
  exec(sql: string): void;
  prepare(sql: string): SqlStatement;
  /** BEGIN IMMEDIATE, `body`, COMMIT; ROLLBACK and the same error where `body` throws. */
  transaction<T>(body: () => T): T;
  /** Safe twice. */
  close(): void;
}

/** What both engines have in common, as they are called here. */
interface NativeStatement {
  run(...parameters: unknown[]): { changes: number | bigint };
  get(...parameters: unknown[]): unknown;
  all(...parameters: unknown[]): unknown[];
  iterate(...parameters: unknown[]): IterableIterator<unknown>;
}
interface NativeDatabase {
  exec(sql: string): void;
  prepare(sql: string): NativeStatement;
  close(): void;
}
type NativeConstructor = new (path: string) => NativeDatabase;

/** SQLite's primary result codes that callers tell apart. */
export const SQLITE_BUSY = 5;
export const SQLITE_CONSTRAINT = 19;
export const SQLITE_NOTADB = 26;

/** The primary result code of an engine's error; undefined where it is none. */
export function sqliteCode(error: unknown): number | undefined {
  const { errcode, rawCode } = error as { errcode?: unknown; rawCode?: unknown };
  const code = errcode ?? rawCode;
  return typeof code === "number" ? code & 0xff : undefined;
}

/**
 * Opens a database file, which is made where it does not exist.
 *
 * @param path A file, or `:memory:`.
 * @param engine Default: `node:sqlite` where it is there, else `libsql`.
 */
export function openDatabase(path: string, engine?: SqlEngine): SqlDatabase {
  const builtin = engine === "libsql" ? undefined : loadBuiltin();
  if (engine === "node:sqlite" && builtin === undefined) {
    throw new UsageError(`node:sqlite needs Node 22.13 or newer, this is ${process.version}`);
  }
  return builtin
    ? new Database("node:sqlite", new builtin(path), fromBuiltin)
    : new Database("libsql", new (loadLibsql())(path), fromLibsql);
}

class Database implements SqlDatabase {
  #open = true;
  constructor(
    readonly engine: SqlEngine,
    readonly native: NativeDatabase,
    readonly adapt: (statement: NativeStatement) => SqlStatement,
  ) {}

  get isOpen(): boolean {
    return this.#open;
  }

  exec(sql: string): void {
    this.#check();
    this.native.exec(sql);
  }

  prepare(sql: string): SqlStatement {
    this.#check();
    const statement = this.adapt(this.native.prepare(sql));
    // A statement of libsql outlives its database: it must not write to a file that was given back.
    const checked = <F extends (...parameters: never[]) => unknown>(call: F) =>
      ((...parameters) => {
        this.#check();
        return call(...parameters);
      }) as F;
    return {
      run: checked(statement.run),
      get: checked(statement.get),
      all: checked(statement.all),
      iterate: checked(statement.iterate),
    } as SqlStatement;
  }

  transaction<T>(body: () => T): T {
    this.exec("BEGIN IMMEDIATE");
    try {
      const result = body();
      this.native.exec("COMMIT");
      return result;
    } catch (error) {
      this.#rollback();
      throw error;
    }
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.native.close();
  }

  /** A failed COMMIT or a full disk may have rolled back already: the first error is the one that counts. */
  #rollback(): void {
    try {
      this.native.exec("ROLLBACK");
    } catch {}
  }

  #check(): void {
    if (!this.#open) throw new UsageError("the database is closed");
  }
}

function fromBuiltin(native: NativeStatement): SqlStatement {
  return {
    run: (...parameters) => Number(native.run(...parameters).changes),
    get: <Row>(...parameters: SqlValue[]) => native.get(...parameters) as Row | undefined,
    all: <Row>(...parameters: SqlValue[]) => native.all(...parameters) as Row[],
    iterate: <Row>(...parameters: SqlValue[]) => native.iterate(...parameters) as IterableIterator<Row>,
  };
}

/** libsql: parameters as one array, because a single null or Buffer would be taken for named ones. */
function fromLibsql(native: NativeStatement): SqlStatement {
  return {
    run: (...parameters) => Number(native.run(parameters).changes),
    get: <Row>(...parameters: SqlValue[]) => plainRow(native.get(parameters)) as Row | undefined,
    all: <Row>(...parameters: SqlValue[]) => native.all(parameters).map(plainRow) as Row[],
    *iterate<Row>(...parameters: SqlValue[]) {
      for (const row of native.iterate(parameters)) yield plainRow(row) as Row;
    },
  };
}

function plainRow(row: unknown): unknown {
  if (row === undefined) return undefined;
  const columns = row as Record<string, unknown>;
  // The time the statement took, which get() adds to the row.
  if (columns._metadata !== undefined) delete columns._metadata;
  for (const name in columns) {
    const value = columns[name];
    // Bytes: a Buffer from get(), an ArrayBuffer from all().
    if (value instanceof ArrayBuffer) columns[name] = new Uint8Array(value);
    else if (Buffer.isBuffer(value)) columns[name] = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  }
  return columns;
}

function loadBuiltin(): NativeConstructor | undefined {
  const { emitWarning } = process;
  // Node 22 announces its SQLite as experimental on stderr, once. The few calls used here are the same since.
  process.emitWarning = ((warning: string | Error, ...rest: never[]) => {
    if (!/SQLite/.test(String(warning))) emitWarning.call(process, warning, ...rest);
  }) as typeof process.emitWarning;
  try {
    const module = process.getBuiltinModule("node:sqlite") as { DatabaseSync: NativeConstructor } | undefined;
    return module?.DatabaseSync;
  } finally {
    process.emitWarning = emitWarning;
  }
}

function loadLibsql(): NativeConstructor {
  return createRequire(import.meta.url)("libsql") as NativeConstructor;
}
