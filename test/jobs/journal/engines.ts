/** The SQLite engines this Node can run: each journal test runs on every one. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { SqlEngine } from "../../../src/jobs/journal/sqlite.js";

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
export const ENGINES: SqlEngine[] =
  major > 22 || (major === 22 && minor >= 13) ? ["libsql", "node:sqlite"] : ["libsql"];

/** A path for a journal, in a folder that is removed after the test. */
export function journalPath(): string {
  const folder = mkdtempSync(join(tmpdir(), "polywire-journal-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, "move.journal");
}
