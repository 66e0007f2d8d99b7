/** A journal survives SIGKILL at any moment: what was said to be claimed is claimed, or further. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { Journal } from "../../../src/jobs/journal/journal.js";
import { FILE_STATES } from "../../../src/jobs/journal/schema.js";
import { openDatabase, type SqlEngine } from "../../../src/jobs/journal/sqlite.js";
import { ENGINES, journalPath } from "./engines.js";

const CHILD = fileURLToPath(new URL("./child.ts", import.meta.url));
const KILLS = 20;

/** Lets a child work until it is killed, `delay` milliseconds after it opened the journal. @returns What it said. */
async function workAndDie(path: string, engine: SqlEngine, delay: number): Promise<string[]> {
  const child = spawn(process.execPath, ["--import", "tsx", CHILD, path, engine, "work"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  const opened = new Promise<void>((resolve) => {
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      if (said.includes("\n")) resolve();
    });
  });
  const closed = once(child, "close");
  await Promise.race([opened, closed]);
  await sleep(delay);
  child.kill("SIGKILL");
  expect(await closed).toEqual([null, "SIGKILL"]);
  // The last line may be cut.
  return said.split("\n").slice(0, -1);
}

/** Every `id:attempt` a child said it had claimed. */
const claimsIn = (lines: string[]) =>
  lines
    .filter((line) => line.startsWith("claimed "))
    .flatMap((line) =>
      line
        .slice(8)
        .split(" ")
        .map((claim) => claim.split(":").map(Number)),
    );

it.each(ENGINES)(`a process killed ${KILLS} times loses no claim (%s)`, { timeout: 180_000 }, async (engine) => {
  const path = journalPath();
  const attempts = new Map<number, number>();
  let said = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    const lines = await workAndDie(path, engine, Math.random() * 250);
    expect(lines[0]).toBe("opened");
    for (const [id, attempt] of claimsIn(lines)) {
      said++;
      // No attempt, and so no temporary name, is ever given twice.
      expect(attempt, `file ${id}`).toBeGreaterThan(attempts.get(id!) ?? 0);
      attempts.set(id!, attempt!);
    }
    using journal = Journal.open(path, { settings: { kill: true }, engine });
    const rows = new Map([...journal.files(FILE_STATES)].map((file) => [file.id, file]));
    for (const [id, attempt] of attempts) expect(rows.get(id)?.attempt, `file ${id}`).toBeGreaterThanOrEqual(attempt);
    // What was claimed last and neither settled nor given back is there to be recovered.
    for (const file of rows.values())
      expect(file.state === "PLANNED" ? file.attempt === 0 || file.notBefore !== undefined : true).toBe(true);
    for (const [state, files] of Object.entries(journal.counts())) {
      expect(
        [...rows.values()].filter((file) => file.state === state),
        state,
      ).toHaveLength(files);
    }
  }
  const db = openDatabase(path, engine);
  expect(
    db
      .prepare("PRAGMA integrity_check")
      .all()
      .map((row) => row.integrity_check),
  ).toEqual(["ok"]);
  db.close();
  expect(said).toBeGreaterThan(1000);
});
