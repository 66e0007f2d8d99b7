/** Scripts of a dialogue: lines of text in, steps to play out. Pure; what it cannot read it refuses, with the line number. */

/** One step of a dialogue, with the line of the script it stands on. */
export type ScriptStep = { line: number; source: string } & (
  | { kind: "send"; bytes: Buffer; listen: boolean }
  | { kind: "expect"; text: string; redacted: boolean }
  | { kind: "expect-match"; pattern: RegExp }
  | { kind: "expect-bytes"; bytes: Buffer }
  | { kind: "tls" }
  | { kind: "close" }
  | { kind: "reset" }
  | { kind: "wait"; milliseconds: number }
  | { kind: "data-send"; bytes: Buffer }
  | { kind: "data-receive"; wanted: Buffer | RegExp | undefined }
  | { kind: "data-tls" }
  | { kind: "data-close" }
);

/** What a step is, without where it stands. */
type Meaning = ScriptStep extends infer Step
  ? Step extends ScriptStep
    ? Omit<Step, "line" | "source">
    : never
  : never;

/** A mistake in a script: where and what. */
export class ScriptError extends Error {
  override readonly name = "ScriptError";
  /** The line of the script, from 1. */
  readonly line: number;

  constructor(line: number, message: string) {
    super(`script line ${line}: ${message}`);
    this.line = line;
  }
}

/** The places in an `S:` line where the address of a new data listener goes. */
export const PLACEHOLDER = /\{(port|epsv|pasv)\}/;

/**
 * Reads a script: the steps of each connection, in order. Blanks before a line and empty lines do not count.
 * The grammar is told at {@link ScriptedServer}.
 *
 * @throws {@link ScriptError} at the first line it does not know
 */
export function parseScript(script: string): ScriptStep[][] {
  const connections: ScriptStep[][] = [[]];
  let listening = false;
  for (const [index, raw] of script.split(/\r?\n/).entries()) {
    const source = raw.trimStart();
    const line = index + 1;
    if (source === "" || source.startsWith("#")) continue;
    if (/^---( |$)/.test(source)) {
      // A script may begin with a separator: nothing comes before it.
      if (connections.length > 1 || connections[0]?.length !== 0) connections.push([]);
      listening = false;
      continue;
    }
    const meaning = meaningOf(source, line);
    if (meaning.kind === "send" && meaning.listen) listening = true;
    if (meaning.kind.startsWith("data-") && !listening) {
      throw new ScriptError(line, `${show(source)} needs an S: line with {port}, {epsv} or {pasv} before it`);
    }
    connections.at(-1)?.push({ ...meaning, line, source });
  }
  const empty = connections.findIndex((steps) => steps.length === 0);
  if (empty !== -1) throw new ScriptError(script.split("\n").length, `connection ${empty + 1} has no steps`);
  return connections;
}

/** The forms a line can have; the first that fits is taken. */
const FORMS: ReadonlyArray<[RegExp, (found: string, line: number) => Meaning]> = [
  [
    /^S:(?: (.*))?$/s,
    (text, line) => ({ kind: "send", bytes: bytesOf(`${text}\r\n`, line), listen: PLACEHOLDER.test(text) }),
  ],
  [/^S~ (.*)$/s, (text, line) => ({ kind: "send", bytes: base64(text, line), listen: false })],
  [/^C: \/(.+)\/$/s, (text, line) => ({ kind: "expect-match", pattern: patternOf(text, line) })],
  [/^C:(?: (.*))?$/s, (text, line) => expected(text, line)],
  [/^C~ (.*)$/s, (text, line) => ({ kind: "expect-bytes", bytes: base64(text, line) })],
  [/^TLS\s*$/, () => ({ kind: "tls" })],
  [/^CLOSE\s*$/, () => ({ kind: "close" })],
  [/^RESET\s*$/, () => ({ kind: "reset" })],
  [/^WAIT (\d+)\s*$/, (text) => ({ kind: "wait", milliseconds: Number(text) })],
  [/^D:(?: (.*))?$/s, (text, line) => ({ kind: "data-send", bytes: bytesOf(`${text}\r\n`, line) })],
  [/^D~ (.*)$/s, (text, line) => ({ kind: "data-send", bytes: base64(text, line) })],
  [/^D< any\s*$/, () => ({ kind: "data-receive", wanted: undefined })],
  [/^D< \/(.+)\/$/s, (text, line) => ({ kind: "data-receive", wanted: patternOf(text, line) })],
  [/^D<~ (.*)$/s, (text, line) => ({ kind: "data-receive", wanted: base64(text, line) })],
  [/^D< (.*)$/s, (text, line) => ({ kind: "data-receive", wanted: bytesOf(`${text}\r\n`, line) })],
  [/^D TLS\s*$/, () => ({ kind: "data-tls" })],
  [/^D CLOSE\s*$/, () => ({ kind: "data-close" })],
];

function meaningOf(source: string, line: number): Meaning {
  for (const [form, make] of FORMS) {
    const found = form.exec(source);
    if (found) return make(found[1] ?? "", line);
  }
  const hint = /^[SCD][:~<]\S/.test(source) ? "put one blank after the first two characters" : KNOWN;
  throw new ScriptError(line, `cannot read ${show(source)}: ${hint}`);
}

const KNOWN =
  'known are "S: text", "S~ base64", "C: text", "C: /regexp/", "C~ base64", "D: text", "D~ base64", "D< any", "D TLS", "D CLOSE", ' +
  '"TLS", "CLOSE", "RESET", "WAIT ms", "# comment" and "---"';

/** A last word `***` stands for a secret that a transcript left out: anything, also several words. */
function expected(text: string, line: number): Meaning {
  bytesOf(text, line);
  const redacted = /(^| )\*\*\*$/.test(text);
  return { kind: "expect", text: redacted ? text.slice(0, -3) : text, redacted };
}

function patternOf(text: string, line: number): RegExp {
  try {
    return new RegExp(text);
  } catch (error) {
    throw new ScriptError(line, error instanceof Error ? error.message : String(error));
  }
}

/** Characters are bytes: `ü` is the byte 0xFC. */
function bytesOf(text: string, line: number): Buffer {
  const beyond = /[^\0-\xff]/.exec(text);
  if (beyond) throw new ScriptError(line, `${show(beyond[0])} is no byte: write its bytes in base64 (S~, C~, D~)`);
  return Buffer.from(text, "latin1");
}

function base64(text: string, line: number): Buffer {
  const bare = text.trim();
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(bare)) throw new ScriptError(line, `${show(bare)} is not base64`);
  return Buffer.from(bare, "base64");
}

function show(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
