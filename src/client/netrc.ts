/** The netrc file, in which ftp, curl and others look for users and passwords: its grammar, and a source from it. */
import { open } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { UsageError } from "./errors.js";
import { secret } from "./secret.js";
import type { Credentials, CredentialsSource, CredentialsTarget } from "./session.js";

/** One entry of a netrc file. */
export interface NetrcEntry {
  /** The machine; undefined for `default`. */
  machine: string | undefined;
  /** A port's number or a protocol's name: `machine host port 2121`. */
  port?: string | undefined;
  login?: string | undefined;
  password?: string | undefined;
  account?: string | undefined;
}

const MOST_BYTES = 1024 * 1024;

/**
 * Credentials from a netrc file, read when they are needed. None where there is no file or no entry for the host (and
 * for the user, where the URL names one).
 *
 * @param path Default: `$NETRC`, else `~/.netrc` (`~/_netrc` on Windows).
 * @returns a source that throws UsageError for a file that others can read although it holds a password that is needed,
 *   or that cannot be understood.
 *
 * @example
 * const nntp = new NntpClient({ host: "news.example.org", credentials: netrc() });
 */
export function netrc(path?: string): CredentialsSource {
  return async (target) => {
    const file = path ?? (process.env.NETRC || join(homedir(), process.platform === "win32" ? "_netrc" : ".netrc"));
    const read = await readPrivate(file);
    if (read === undefined) return undefined;
    const entry = findEntry(parseNetrc(read.text, file), target);
    if (entry === undefined) return undefined;
    const hidden = entry.password !== undefined || entry.account !== undefined;
    if (read.open && hidden && entry.login !== "anonymous") {
      throw new UsageError(`others can read the passwords in ${file}`, { advice: `run: chmod 600 ${file}` });
    }
    return secret(asCredentials(entry, target));
  };
}

/**
 * Reads the text of a netrc file: `machine`, `default`, `login`, `password`, `account`, `port`; macros are skipped, `#`
 * begins a comment where a word like these is expected, and values may stand in double quotes.
 *
 * @throws UsageError with the line of the mistake, never with its text.
 */
export function parseNetrc(text: string, file = "netrc"): NetrcEntry[] {
  const entries: NetrcEntry[] = [];
  const words = new Words(text, file);
  for (let word = words.next(); word !== undefined; word = words.next()) {
    const entry = entries.at(-1);
    if (word.startsWith("#")) words.skipLine();
    else if (word === "macdef") words.skipMacro();
    else if (word === "machine") entries.push({ machine: words.value() });
    else if (word === "default") entries.push({ machine: undefined });
    else if (entry === undefined) words.fail("something stands before the first machine");
    else if (word === "login" || word === "user") entry.login = words.value();
    else if (word === "password" || word === "passwd") entry.password = words.value();
    else if (word === "account") entry.account = words.value();
    else if (word === "port" || word === "protocol") entry.port = words.value();
    else words.fail("a word is not known here: machine, default, login, password, account, port or macdef");
  }
  return entries;
}

/** The first entry for the server: its own before `default`. */
export function findEntry(entries: readonly NetrcEntry[], target: CredentialsTarget): NetrcEntry | undefined {
  const host = target.host.toLowerCase();
  const fits = (entry: NetrcEntry) =>
    (entry.port === undefined || entry.port === String(target.port) || entry.port === target.protocol) &&
    (target.user === undefined || entry.login === undefined || entry.login === target.user);
  return (
    entries.find((entry) => entry.machine?.toLowerCase() === host && fits(entry)) ??
    entries.find((entry) => entry.machine === undefined && fits(entry))
  );
}

function asCredentials(entry: NetrcEntry, target: CredentialsTarget): Credentials {
  return { user: entry.login ?? target.user, password: entry.password, account: entry.account };
}

/** The file's text, and whether others than its owner may read it; undefined where there is no file. */
async function readPrivate(path: string): Promise<{ text: string; open: boolean } | undefined> {
  try {
    await using file = await open(path, "r");
    const { mode, size } = await file.stat();
    if (size > MOST_BYTES) throw new UsageError(`${path} is too large to be a netrc file`);
    return { text: await file.readFile("utf8"), open: process.platform !== "win32" && (mode & 0o077) !== 0 };
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new UsageError(`${path} could not be read`, { cause });
  }
}

/** The words of a netrc file, one after the other. */
class Words {
  #at = 0;
  readonly #text: string;
  readonly #file: string;

  constructor(text: string, file: string) {
    this.#text = text.replace(/^\ufeff/, "");
    this.#file = file;
  }

  next(): string | undefined {
    const blank = /\s*/y;
    blank.lastIndex = this.#at;
    this.#at += blank.exec(this.#text)?.[0].length ?? 0;
    if (this.#at >= this.#text.length) return undefined;
    const word = /"(?:[^"\\]|\\.)*"|\S+/sy;
    word.lastIndex = this.#at;
    const found = word.exec(this.#text)?.[0] ?? "";
    this.#at += found.length;
    const quoted = found.length > 1 && found.startsWith('"') && found.endsWith('"');
    return quoted ? found.slice(1, -1).replace(/\\(.)/gs, "$1") : found;
  }

  value(): string {
    const value = this.next() ?? this.fail("a value is missing at its end");
    return /[\0\r\n]/.test(value) ? this.fail("a value holds a line break or NUL") : value;
  }

  skipLine(): void {
    const end = this.#text.indexOf("\n", this.#at);
    this.#at = end < 0 ? this.#text.length : end;
  }

  /** A macro ends at the first empty line. */
  skipMacro(): void {
    const end = /\n[ \t\r]*\n/g;
    end.lastIndex = this.#at;
    this.#at = end.exec(this.#text) ? end.lastIndex : this.#text.length;
  }

  fail(why: string): never {
    const line = this.#text.slice(0, this.#at).split("\n").length;
    throw new UsageError(`${this.#file}, line ${line}: ${why}`);
  }
}
