/** The face over SQLite is the same on both engines. */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { UsageError } from "../../../src/client/errors.js";
import { openDatabase, SQLITE_CONSTRAINT, SQLITE_NOTADB, sqliteCode } from "../../../src/jobs/journal/sqlite.js";
import { ENGINES, journalPath } from "./engines.js";

const codeOf = (body: () => unknown): number | undefined => {
  try {
    body();
  } catch (error) {
    return sqliteCode(error);
  }
  return undefined;
};

describe.each(ENGINES)("%s", (engine) => {
  const open = () => {
    const db = openDatabase(journalPath(), engine);
    db.exec("CREATE TABLE t(id INTEGER PRIMARY KEY, v UNIQUE, n INTEGER)");
    return db;
  };

  it("stores and gives back every kind of value, and nothing besides", () => {
    const db = open();
    expect(db.engine).toBe(engine);
    const insert = db.prepare("INSERT INTO t(v, n) VALUES(?, ?)");
    expect(insert.run("a\u{1f480}", 1_700_000_000_000)).toBe(1);
    insert.run(Buffer.from([0xff, 0]), null);
    insert.run(null, 2 ** 53 - 1);
    const rows = db.prepare("SELECT * FROM t ORDER BY id").all();
    expect(rows.map((row) => ({ ...row }))).toEqual([
      { id: 1, v: "a\u{1f480}", n: 1_700_000_000_000 },
      { id: 2, v: new Uint8Array([0xff, 0]), n: null },
      { id: 3, v: null, n: 2 ** 53 - 1 },
    ]);
    const one = db.prepare("SELECT * FROM t WHERE v = ?");
    expect({ ...one.get(Buffer.from([0xff, 0])) }).toEqual(rows[1]);
    expect(one.get("none")).toBeUndefined();
    expect(db.prepare("SELECT ? AS v").get(null)).toMatchObject({ v: null });
    expect([...db.prepare("SELECT id FROM t ORDER BY id").iterate()].map((row) => row.id)).toEqual([1, 2, 3]);
    db.close();
  });

  it("takes back a transaction that throws, with the error that was thrown", () => {
    const db = open();
    const insert = db.prepare("INSERT INTO t(v) VALUES(?)");
    const error = new Error("stop");
    const failing = () =>
      db.transaction(() => {
        insert.run("a");
        throw error;
      });
    expect(failing).toThrow(error);
    expect(db.transaction(() => insert.run("b"))).toBe(1);
    expect(
      db
        .prepare("SELECT v FROM t ORDER BY id")
        .all()
        .map((row) => row.v),
    ).toEqual(["b"]);
    expect(codeOf(() => insert.run("b"))).toBe(SQLITE_CONSTRAINT);
    db.close();
  });

  it("does nothing once it is closed", () => {
    const db = open();
    const statement = db.prepare("INSERT INTO t(v) VALUES(1)");
    db.close();
    db.close();
    expect(db.isOpen).toBe(false);
    for (const call of [() => statement.run(), () => db.exec("SELECT 1"), () => db.prepare("SELECT 1")]) {
      expect(call).toThrow(UsageError);
    }
  });

  it("tells what is no database", () => {
    const path = journalPath();
    writeFileSync(path, "a text of more than a hundred bytes, ".repeat(20));
    expect(codeOf(() => openDatabase(path, engine).prepare("PRAGMA user_version").get())).toBe(SQLITE_NOTADB);
  });
});

it("takes the engine of Node where it is there, without a word on stderr", () => {
  const file = new URL("../../../src/jobs/journal/sqlite.ts", import.meta.url).href;
  const script = `import(${JSON.stringify(file)}).then(({ openDatabase }) => {
    console.log(openDatabase(":memory:").engine);
    process.emitWarning("another");
  })`;
  const output = execFileSync(process.execPath, ["--import", "tsx", "-e", `${script}; `], {
    encoding: "utf8",
    stdio: "pipe",
  });
  expect(output.trim()).toBe(ENGINES.at(-1));
  const both = execFileSync("/bin/sh", ["-c", '"$0" --import tsx -e "$1" 2>&1', process.execPath, script], {
    encoding: "utf8",
  });
  expect(both).not.toContain("SQLite");
  expect(both).toContain("Warning: another");
});

it("says what is missing where node:sqlite is asked for in vain", () => {
  if (ENGINES.includes("node:sqlite")) return;
  expect(() => openDatabase(":memory:", "node:sqlite")).toThrow("node:sqlite needs Node 22.13 or newer");
});
