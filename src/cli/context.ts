/** What a subcommand is given: the global options, a signal that Ctrl-C fires, a transcript; and how one is run. */
import { readFileSync, writeFileSync } from "node:fs";
import type { Command } from "commander";
import { AbortedError, type FtpOptions, type OpenOptions, type TlsOptions, Transcript, UsageError } from "../index.js";
import { credentialsFor, type Prefixes } from "./credentials.js";
import { EXIT } from "./exit-codes.js";
import type { Globals } from "./globals.js";
import { note } from "./output.js";
import { StdinPasswords } from "./prompt.js";
import { report } from "./report.js";

/** What all subcommands share. */
export interface Context {
  readonly globals: Globals;
  readonly json: boolean;
  /** Fires at the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
  readonly transcript: Transcript | undefined;
  readonly stdinPasswords: StdinPasswords;
}

/** A subcommand's work. A number it gives is the exit code. */
export type Body<Args extends unknown[], Options> = (
  context: Context,
  options: Options,
  ...args: Args
) => Promise<unknown>;

/** The action of a subcommand: prepares its context, tells its errors, saves the transcript. */
export function act<Args extends unknown[], Options = object>(body: Body<Args, Options>) {
  return async (...given: unknown[]): Promise<void> => {
    const command = given.at(-1) as Command;
    const globals: Globals = command.optsWithGlobals();
    const how = { json: globals.json ?? false, debug: globals.debug ?? false };
    const { signal, release } = interruptible();
    const transcript = globals.transcript === undefined ? undefined : new Transcript();
    const context = { globals, json: how.json, signal, transcript, stdinPasswords: new StdinPasswords() };
    try {
      warn(globals);
      const done = await body(context, command.opts() as Options, ...(given.slice(0, -2) as Args));
      process.exitCode = typeof done === "number" ? done : EXIT.done;
    } catch (error) {
      const reason: unknown = signal.aborted ? signal.reason : error;
      process.exitCode = await report(reason, how, signal.aborted ? EXIT.stopped : undefined);
    } finally {
      release();
      if (transcript) saveTranscript(globals.transcript as string, transcript);
    }
  };
}

/** The first signal ends the work in order, the second one at once. */
function interruptible(): { signal: AbortSignal; release: () => void } {
  const controller = new AbortController();
  const onSignal = (name: string) => {
    if (controller.signal.aborted) process.exit(EXIT.stopped);
    controller.abort(new AbortedError(`stopped by ${name}`));
    note(`polywire: ${name}: ending in order; once more ends at once`);
  };
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  const release = () => void process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
  return { signal: controller.signal, release };
}

/** The library's options for a server, from the global ones. */
export function clientOptions(context: Context, url: string, prefixes?: Prefixes): OpenOptions<FtpOptions> {
  const { globals, transcript, signal } = context;
  const ms = globals.timeout === undefined ? undefined : Math.ceil(globals.timeout * 1000);
  return {
    credentials: credentialsFor(context, url, prefixes),
    tls: tlsOptions(globals),
    timeouts: ms === undefined ? undefined : { connect: ms, greeting: ms, command: ms, idle: ms },
    proxy: globals.proxy,
    mode: globals.active ? "active" : "passive",
    transcript,
    signal,
  };
}

function tlsOptions(globals: Globals): TlsOptions {
  const { ca, cert, key, insecure } = globals;
  return {
    ...(ca === undefined ? {} : { ca: optionFile("--ca", ca) }),
    ...(cert === undefined ? {} : { cert: optionFile("--cert", cert) }),
    ...(key === undefined ? {} : { key: optionFile("--key", key) }),
    ...(insecure ? { rejectUnauthorized: false } : {}),
  };
}

function optionFile(option: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new UsageError(`the file of ${option} could not be read: ${(cause as Error).message}`, { cause });
  }
}

function warn(globals: Globals): void {
  if (globals.insecure) note("polywire: warning: --insecure accepts any certificate: this connection is not safe");
  if (typeof globals.netrc === "string" && /^[a-z]+:\/\//i.test(globals.netrc)) {
    throw new UsageError("--netrc took the URL for its file", { advice: "write --netrc=FILE, or --netrc at the end" });
  }
}

function saveTranscript(path: string, transcript: Transcript): void {
  try {
    writeFileSync(path, transcript.script(), { mode: 0o600 });
  } catch (error) {
    note(`polywire: the transcript could not be saved: ${(error as Error).message}`);
    process.exitCode ||= EXIT.local;
  }
}
