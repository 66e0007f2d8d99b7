/** `polywire demo`: a bulk move between two servers in memory, with proof; no network, a few seconds. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import type { MoveResult } from "../../jobs/index.js";
import type { FtpServer } from "../../testing/index.js";
import { act, type Context } from "../context.js";
import { fill, JOB, verify } from "../demo/sensors.js";
import { EXIT } from "../exit-codes.js";
import { count, duration, size } from "../format.js";
import { print, printJson } from "../output.js";
import { progressView } from "../progress.js";

const ON_YOUR_OWN = `
On your own servers:

  polywire move ftp://alice@old.example.org${JOB.source} ftp://bob@new.example.org${JOB.target} \\
    --match "${JOB.match}" \\
    --route "${JOB.route}"

First see what would happen: add --dry-run. Passwords: POLYWIRE_FROM_PASSWORD and POLYWIRE_TO_PASSWORD, ~/.netrc, or
a prompt. Stop it at any time with Ctrl-C: the same command goes on. See polywire move --help.`;

export function demo(program: Command): void {
  program
    .command("demo")
    .description("watch a bulk move between two servers in memory; no network needed")
    .addHelpText("after", "\nExample:\n  polywire demo")
    .action(act<[]>(run));
}

async function run(context: Context): Promise<number> {
  const { FtpServer } = await import("../../testing/index.js");
  await using from = await FtpServer.start();
  await using to = await FtpServer.start();
  const folder = await mkdtemp(join(tmpdir(), "polywire-demo-"));
  try {
    const bytes = fill(from);
    if (!context.json) await print(intro(from, to, bytes));
    const result = await moveAll(context, from, to, join(folder, "demo.journal"));
    const wrong = verify(from, to);
    if (context.json) await printJson({ ...result, verified: wrong.length === 0, wrong });
    else await print(wrong.length === 0 ? success(result, to) : failure(wrong));
    return wrong.length === 0 ? EXIT.done : EXIT.refused;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function moveAll(context: Context, from: FtpServer, to: FtpServer, journal: string): Promise<MoveResult> {
  const { move } = await import("../../jobs/index.js");
  const { transcript, signal } = context;
  const view = progressView(context.json ? "none" : process.stdout.isTTY ? "auto" : "lines");
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
    `Two FTP servers run in this process, on ports ${from.port} and ${to.port} of this machine.`,
    `The first one holds ${count(JOB.files)} files (${size(bytes)}) named ${JOB.match}`,
    `They move to the second one, into folders by date: ${JOB.route}`,
    "",
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
    ON_YOUR_OWN,
  ].join("\n");
}

function failure(wrong: readonly string[]): string {
  return ["", ...wrong.slice(0, 20).map((each) => `✗ ${each}`), `${count(wrong.length)} things are wrong.`].join("\n");
}
