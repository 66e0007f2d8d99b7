/** The two sides in a job file: relative paths made whole, passwords and certificates in files of their own. */
import { readFileSync, statSync } from "node:fs";
import { resolve as resolvePath } from "node:path";
import { fileURLToPath } from "node:url";
import { UsageError } from "../../../client/errors.js";
import { nearest } from "../../../client/nearest.js";
import { SHARED_NAMES } from "../../../client/options.js";
import { secret } from "../../../client/secret.js";
import type { CredentialsSource } from "../../../client/session.js";
import { isFileUrl, isServerUrl } from "../../../client/url.js";
import { FTP_NAMES, type FtpOptions } from "../../../ftp/options.js";
import type { OpenOptions } from "../../../open.js";
import type { MoveOptions } from "../options.js";

/** Says why a job file cannot be used. */
type Fail = (why: string, advice?: string) => never;

/** What a connection takes: the host is in the URL. */
const { host: _, ...SHARED } = SHARED_NAMES;
const CONNECTION: Readonly<Record<keyof OpenOptions<FtpOptions>, true>> = {
  ...SHARED,
  ...FTP_NAMES,
  timeout: true,
  signal: true,
};

/** Names of a side that are known in job files only. */
const FILES = ["passwordFile", "passwordEnv", "caFile", "certFile", "keyFile"] as const;
const KNOWN = ["url", ...Object.keys(CONNECTION), ...FILES];

/** `from` and `to` as move() takes them. */
export function readSides(
  given: Record<string, unknown>,
  folder: string,
  fail: Fail,
): Pick<MoveOptions, "from" | "to"> {
  const side = (name: string, value: unknown): unknown => {
    if (Array.isArray(value)) return value.map((each) => side(name, each));
    if (typeof value === "string") return place(value, folder);
    if (value instanceof URL) return value;
    if (typeof value !== "object" || value === null) return fail(`has ${name}: it is a URL, a folder or an object`);
    return readSide(name, value as Record<string, unknown>, folder, fail);
  };
  return { from: side("from", given.from), to: side("to", given.to) } as Pick<MoveOptions, "from" | "to">;
}

function readSide(name: string, given: Record<string, unknown>, folder: string, fail: Fail): Record<string, unknown> {
  for (const each of Object.keys(given)) {
    if (KNOWN.includes(each)) continue;
    const meant = nearest(each, KNOWN);
    fail(`has an option ${JSON.stringify(`${name}.${each}`)} that is not known`, meant && `did you mean ${meant}?`);
  }
  const { url, passwordFile, passwordEnv, caFile, certFile, keyFile, ...rest } = given;
  if (typeof url !== "string" && !(url instanceof URL)) return fail(`has ${name}: it says no "url"`);
  const text = (key: string, value: unknown): string | undefined =>
    value === undefined || typeof value === "string" ? value : fail(`has ${name}.${key}: it is a string`);
  const file = (key: string, value: unknown) => {
    const path = text(key, value);
    return path === undefined ? undefined : resolvePath(folder, path);
  };
  const password = { file: file("passwordFile", passwordFile), variable: text("passwordEnv", passwordEnv) };
  const ways = [password.file, password.variable, rest.credentials].filter((each) => each !== undefined);
  if (ways.length > 1) fail(`has ${name}: one of passwordFile, passwordEnv and credentials is enough`);
  const pem = { ca: file("caFile", caFile), cert: file("certFile", certFile), key: file("keyFile", keyFile) };
  const read = Object.entries(pem).flatMap(([key, path]) => (path === undefined ? [] : [[key, readText(path)]]));
  return {
    ...rest,
    url: typeof url === "string" ? place(url, folder) : url,
    ...(read.length > 0 && { tls: { ...(rest.tls as object | undefined), ...Object.fromEntries(read) } }),
    ...((password.file ?? password.variable) !== undefined && { credentials: passwordFrom(password) }),
  };
}

/** A local folder is relative to the job file. */
function place(text: string, folder: string): string {
  if (isServerUrl(text)) return text;
  return isFileUrl(text) ? fileURLToPath(text) : resolvePath(folder, text);
}

/** The password is read when a connection is made, and not kept: whoever only asks for the status needs none. */
function passwordFrom({
  file,
  variable,
}: {
  file: string | undefined;
  variable: string | undefined;
}): CredentialsSource {
  return ({ user }) => {
    const password = file === undefined ? process.env[variable as string] : passwordIn(file);
    if (password === undefined) throw new UsageError(`the variable ${variable} of the environment holds no password`);
    return secret({ ...(user !== undefined && { user }), password });
  };
}

/** The first line of a file that its owner alone can read. */
function passwordIn(file: string): string {
  const text = readText(file);
  if (process.platform !== "win32" && (statSync(file).mode & 0o077) !== 0)
    throw new UsageError(`others can read the password in ${file}`, { advice: `run: chmod 600 ${file}` });
  return text.split(/\r?\n/, 1)[0] as string;
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new UsageError(`${file} could not be read: ${(cause as Error).message}`, { cause });
  }
}
