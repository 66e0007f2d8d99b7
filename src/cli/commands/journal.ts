/** `polywire journal`: what a move's journal knows, also while the move runs. */
import type { Command } from "commander";
import type { JournalFile } from "../../jobs/index.js";
import { act } from "../context.js";
import { csvRow } from "../format.js";
import { print, printJson, write } from "../output.js";

interface Options {
  failed?: boolean;
}

const EXAMPLES = `
Examples:
  polywire journal polywire-move-3f2a90c1b7.journal                       how many files are in which state
  polywire journal polywire-move-3f2a90c1b7.journal --failed > why.csv    every file that did not go through, and why`;

export function journal(program: Command): void {
  program
    .command("journal <file>")
    .description("read the journal of a move")
    .option("--failed", "every file that failed, conflicts or vanished: CSV (NDJSON with --json)")
    .addHelpText("after", EXAMPLES)
    .action(
      act<[string], Options>(async (context, options, file) => {
        const { JournalReader } = await import("../../jobs/index.js");
        using reader = JournalReader.read(file);
        if (options.failed) return await printFailed(reader.failed(), context.json);
        const { settings, owner } = reader;
        const states = reader.counts();
        if (context.json) return printJson({ settings, states, owner });
        const rows = Object.entries({ ...settings, ...states });
        return print(rows.map(([key, value]) => `${key.padEnd(13)} ${String(value)}`).join("\n"));
      }),
    );
}

async function printFailed(files: Iterable<JournalFile>, json: boolean): Promise<void> {
  if (!json) await write(csvRow(["name", "target", "state", "code", "error"]));
  for (const { name, target, state, code, error } of files) {
    if (json) await printJson({ name, target, state, code, error });
    else await write(csvRow([name, target, state, code, error]));
  }
}
