/** The options every subcommand takes, and the readers of their values. */
import { type Command, InvalidArgumentError } from "commander";

/** The global options as commander gives them. */
export interface Globals {
  json?: boolean;
  debug?: boolean;
  transcript?: string;
  plain?: boolean;
  ca?: string;
  cert?: string;
  key?: string;
  insecure?: boolean;
  /** Seconds. */
  timeout?: number;
  proxy?: string;
  active?: boolean;
  user?: string;
  /** True without a FILE; false for --no-netrc. */
  netrc?: string | boolean;
  passwordStdin?: boolean;
}

/** Adds the global options to the program: they may stand before or behind the subcommand. */
export function addGlobals(program: Command): void {
  program
    .option("--json", "results, and errors too, as JSON on stdout")
    .option("--user <name>", "user name, for URLs that have none")
    .option("--password-stdin", "read the password from stdin (of two servers: a line each)")
    .option("--netrc [file]", "netrc file to look passwords up in (default: ~/.netrc); write --netrc=FILE")
    .option("--no-netrc", "look no password up in a netrc file")
    .option("--plain", "no encryption: everything, the password too, travels in the clear")
    .option("--ca <file>", "trust these CA certificates (PEM) instead of the usual ones")
    .option("--cert <file>", "client certificate (PEM)")
    .option("--key <file>", "key of the client certificate (PEM)")
    .option("--insecure", "accept any certificate: anyone in between can read and change everything")
    .option("--timeout <seconds>", "give up after this long without a sign of life (default: 30, data 60)", seconds)
    .option("--proxy <url>", "socks5://, socks4:// or http:// proxy")
    .option("--active", "the server opens the data connections (PORT, EPRT)")
    .option("--transcript <file>", "save every line of the dialogue, without secrets")
    .option("--debug", "show where an error came from: its causes, and the lines of code");
}

/** A number of seconds, more than 0. */
export function seconds(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !(value > 0) || value > 86_400) {
    throw new InvalidArgumentError("it is a number of seconds, at most 86400.");
  }
  return value;
}

/** A whole number from 1. */
export function whole(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError("it is a whole number from 1.");
  return Number(text);
}

const FACTORS: Readonly<Record<string, number>> = { "": 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3 };

/** A number of lanes, or `auto`. */
export function laneCount(text: string): number | "auto" {
  return text === "auto" ? "auto" : whole(text);
}

/** A part of the last files: `90%`, or `90%/200` of 200. */
export function breakerOf(text: string): { share: number; files?: number } {
  const [, percent, files] = /^(\d{1,3})%(?:\/([1-9]\d{1,5}))?$/.exec(text.trim()) ?? [];
  const share = Number(percent) / 100;
  if (!(share > 0 && share <= 1))
    throw new InvalidArgumentError("it is a part of the last files, such as 90% or 90%/200.");
  return { share, ...(files !== undefined && { files: Number(files) }) };
}

/** How often in a second: a number, such as 2 or 0.5. */
export function rate(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && value > 0) return value;
  throw new InvalidArgumentError("it is a number, such as 2 or 0.5.");
}

/** Bytes: `500K`, `10M`, `1.5G`; K is 1024, as in curl and wget. */
export function byteCount(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([KMG]?)(?:i?B)?(?:\/s)?$/i.exec(text.trim());
  const value = match ? Math.floor(Number(match[1]) * (FACTORS[(match[2] ?? "").toUpperCase()] as number)) : 0;
  if (value < 1) throw new InvalidArgumentError("it is a number of bytes, such as 500K, 10M or 1.5G.");
  return value;
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A time, in milliseconds: `500ms`, `30s`, `5m`, `1h`, `2d`; a number alone means seconds. */
export function milliseconds(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?$/i.exec(text.trim());
  const value = match ? Number(match[1]) * (UNITS[(match[2] ?? "s").toLowerCase()] as number) : Number.NaN;
  if (Number.isFinite(value)) return Math.round(value);
  throw new InvalidArgumentError("it is a time, such as 500ms, 30s, 5m or 1h.");
}

/** One of some words. */
export function oneOf<T extends string>(...words: T[]) {
  return (text: string): T => {
    if ((words as string[]).includes(text)) return text as T;
    throw new InvalidArgumentError(`it is one of ${words.join(", ")}.`);
  };
}
