/** The configuration of a worker: named places, each with its URL and its credentials, in JSON or JavaScript. */
import { readFile, stat } from "node:fs/promises";
import { dirname, extname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { env, firstOf, netrc, UsageError } from "../../index.js";
import type { MoveSide } from "../../jobs/index.js";
import { isServer } from "../address.js";

/** Places by their names. */
export type Places = Record<string, MoveSide>;

type Values = Readonly<Record<string, unknown>>;

/** What a place in JSON may hold, and of what type. */
const FIELDS: Readonly<Record<string, "string" | "boolean">> = {
  url: "string",
  user: "string",
  password: "string",
  passwordFile: "string",
  account: "string",
  caFile: "string",
  certFile: "string",
  keyFile: "string",
  insecure: "boolean",
  active: "boolean",
  proxy: "string",
};

/** Others may read the file. */
const READABLE = 0o077;

/**
 * Reads `{ "places": { "source": { "url": …, "user": …, "passwordFile": … }, … } }`; the default export of a `.mjs` is the
 * same, with places as `move()` takes them. Files named in it are relative to it.
 *
 * @throws UsageError for what cannot be read or understood, and for a file with passwords that others may read.
 */
export async function readPlaces(file: string): Promise<Places> {
  const given = extname(file) === ".mjs" ? await importFile(file) : await readJson(file);
  const places = object(object(given, file).places, `"places" in ${file}`);
  const names = Object.keys(places);
  if (names.length === 0) throw new UsageError(`${file} names no places`);
  if (extname(file) === ".mjs") return places as Places;
  const made: Places = {};
  for (const name of names)
    made[name] = await placeOf(object(places[name], `the place ${name} in ${file}`), name, file);
  return made;
}

async function importFile(file: string): Promise<unknown> {
  try {
    return ((await import(pathToFileURL(resolve(file)).href)) as { default?: unknown }).default;
  } catch (cause) {
    throw new UsageError(`${file} could not be loaded: ${(cause as Error).message}`, { cause });
  }
}

async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, "utf8")) as unknown;
  } catch (cause) {
    // The message of JSON.parse quotes what it could not read, which may be a password.
    const why = cause instanceof SyntaxError ? "it is no JSON" : (cause as Error).message;
    throw new UsageError(`${file} could not be read: ${why}`);
  }
}

async function placeOf(given: Values, name: string, file: string): Promise<MoveSide> {
  for (const [field, value] of Object.entries(given)) {
    const type = Object.hasOwn(FIELDS, field) ? FIELDS[field] : undefined;
    if (type === undefined)
      throw new UsageError(`the place ${name} in ${file} has "${field}"`, {
        advice: `it may have ${Object.keys(FIELDS).join(", ")}`,
      });
    if (typeof value !== type) throw new UsageError(`"${field}" of the place ${name} in ${file} is no ${type}`);
  }
  const text = (field: string) => given[field] as string | undefined;
  const url = text("url");
  if (url === undefined) throw new UsageError(`the place ${name} in ${file} has no "url"`);
  if (!/^ftps?:/i.test(url)) return isServer(url) || /^file:/i.test(url) ? url : resolve(dirname(file), url);
  if (text("password") !== undefined || /^[^/]*\/\/[^/@]*:[^/@]*@/.test(url)) await refuseReadable(file);
  return { url, ...(await credentialsOf(given, name, file)), ...(await accessOf(given, file)) };
}

/** The password itself, a file that holds it, or, without either, the environment (`SOURCE_PASSWORD`) and netrc. */
async function credentialsOf(given: Values, name: string, file: string) {
  const { user, password, passwordFile, account } = given as Record<string, string | undefined>;
  if (password !== undefined && passwordFile !== undefined)
    throw new UsageError(`the place ${name} in ${file} has "password" and "passwordFile"`);
  const kept = passwordFile === undefined ? password : await passwordIn(passwordFile, file);
  if (kept !== undefined) return { credentials: { user, password: kept, account } };
  const sources = firstOf(env(name.toUpperCase().replace(/\W/g, "_")), netrc());
  return {
    credentials: async (target: Parameters<typeof sources>[0]) => {
      const found = await sources({ ...target, user: user ?? target.user });
      return found ?? (user === undefined ? undefined : { user, account });
    },
  };
}

async function passwordIn(passwordFile: string, file: string): Promise<string> {
  const path = resolve(dirname(file), passwordFile);
  const text = await named(path);
  await refuseReadable(path);
  return text.toString("utf8").replace(/\r?\n$/, "");
}

async function accessOf(given: Values, file: string) {
  const { caFile, certFile, keyFile, insecure, active, proxy } = given as Record<string, string | boolean | undefined>;
  const read = async (path: unknown) => (typeof path === "string" ? named(resolve(dirname(file), path)) : undefined);
  const [ca, cert, key] = await Promise.all([read(caFile), read(certFile), read(keyFile)]);
  const tls = {
    ...(ca && { ca }),
    ...(cert && { cert }),
    ...(key && { key }),
    ...(insecure && { rejectUnauthorized: false }),
  };
  return {
    tls,
    mode: active ? ("active" as const) : ("passive" as const),
    ...(typeof proxy === "string" && { proxy }),
  };
}

async function named(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new UsageError(`${path} could not be read: ${(cause as Error).message}`, { cause });
  }
}

/** As ssh and netrc do: a password that everybody can read is none. */
async function refuseReadable(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const { mode } = await stat(path);
  if ((mode & READABLE) === 0) return;
  throw new UsageError(`${path} holds a password, and others may read it`, {
    advice: `chmod 600 ${path}`,
  });
}

function object(value: unknown, what: string): Values {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Values;
  throw new UsageError(`${what} is no object`, { advice: 'write {"places": {"source": {"url": "ftps://…"}, …}}' });
}
