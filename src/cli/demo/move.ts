/** The demo's first half: 2,000 files move between two FTP servers in memory, and are compared afterwards. */
import { join } from "node:path";
import type { MoveResult } from "../../jobs/index.js";
import { FtpServer } from "../../testing/index.js";
import type { Context } from "../context.js";
import { count, duration, size } from "../format.js";
import { moveFigures } from "../move/figures.js";
import { print } from "../output.js";
import { progressView } from "../progress.js";
import { fill, JOB, verify } from "./sensors.js";

/** Moves, compares and tells. `wrong`: what is not as it should be, a sentence each. */
export async function moveFiles(context: Context, folder: string): Promise<{ result: MoveResult; wrong: string[] }> {
  await using from = await FtpServer.start();
  await using to = await FtpServer.start();
  const bytes = fill(from);
  if (!context.json) await print(intro(from, to, bytes));
  const result = await moveAll(context, from, to, join(folder, "demo.journal"));
  const wrong = verify(from, to);
  if (!context.json && wrong.length === 0) await print(success(result, to));
  return { result, wrong };
}

async function moveAll(context: Context, from: FtpServer, to: FtpServer, journal: string): Promise<MoveResult> {
  const { move } = await import("../../jobs/index.js");
  const { transcript, signal } = context;
  const view = progressView(context.json ? "none" : process.stdout.isTTY ? "auto" : "lines", moveFigures);
  try {
    return await move({
      from: { url: from.urlOf(JOB.source), transcript },
      to: { url: to.urlOf(JOB.target), transcript },
      match: JOB.match,
      route: JOB.route,
      journal,
      signal,
      onProgress: (progress) => view.show(progress),
    });
  } finally {
    view.stop();
  }
}

function intro(from: FtpServer, to: FtpServer, bytes: number): string {
  return [
    `Files: two FTP servers run in this process, on ports ${from.port} and ${to.port} of this machine.`,
    `The first one holds ${count(JOB.files)} files (${size(bytes)}) named ${JOB.match}`,
    `They move to the second one, into folders by date: ${JOB.route}`,
  ].join("\n");
}

function success(result: MoveResult, to: FtpServer): string {
  const seconds = result.milliseconds / 1000;
  const years = to.tree.list(JOB.target);
  const months = years.reduce((sum, year) => sum + to.tree.count(`${JOB.target}/${year}`), 0);
  const rate = `${count(result.moved / seconds)} files/s, ${size(result.bytes / seconds)}/s`;
  return [
    "",
    `✓ ${count(result.moved)} files moved in ${duration(seconds)} (${rate})`,
    `✓ all are there, byte for byte and with their times, in ${months} folders such as ${JOB.target}/${years[0]}/07`,
    "✓ the source is empty; each file was removed only when its copy was safe",
    "",
  ].join("\n");
}
