/** What a server is asked by `probe`, and what it answered. Nothing is judged here. */
import {
  type Clients,
  clientFor,
  FtpClient,
  type FtpOptions,
  ImapClient,
  LoginError,
  type OpenOptions,
  type PolywireError,
  parseUrl,
  type Security,
  TlsError,
  UsageError,
} from "../../index.js";
import { address } from "../address.js";
import { type Context, clientOptions } from "../context.js";
import { PROTOCOL } from "./features.js";
import { type Inside, look, NOTHING } from "./look.js";
import { guessSoftware, type Software } from "./software.js";
import { type TlsFacts, tlsFacts } from "./tls-facts.js";

/** Everything found out. */
export interface Facts extends Inside {
  readonly protocol: keyof Clients;
  readonly server: string;
  readonly asked: Security;
  /** How it could be reached: `plain` also where the server refused TLS. */
  readonly security: Security;
  /** Milliseconds until the greeting. */
  readonly milliseconds: number;
  readonly greeting: string;
  readonly software: Software | undefined;
  readonly system: string | undefined;
  readonly tls: TlsFacts | undefined;
  /** Why a safe connection was not possible. */
  readonly unsafe?: PolywireError | undefined;
  readonly features: Readonly<Record<string, string>>;
  /** True where files can be given their time, in one of the ways FTP servers have. */
  readonly setsTime: boolean;
  /** Who is logged in. */
  readonly user: string | undefined;
  readonly loginRefused: PolywireError | undefined;
}

/**
 * Asks the server. Where it cannot be reached safely, it is asked once more without safety, and then not logged in to.
 *
 * @throws what the connection failed with, where it cannot be reached at all.
 */
export async function gather(context: Context, given: string): Promise<Facts> {
  const url = address(given, context.globals);
  const { host, port, security } = parseUrl(url);
  const protocol = spoken(url);
  const options = clientOptions(context, url);
  const started = performance.now();
  const { client, unsafe } = await reach(url, protocol, options, context.signal);
  const milliseconds = Math.round(performance.now() - started);
  try {
    const logins = announced(client, loginWords(protocol));
    const login = unsafe ? NOBODY : await logIn(client, url, options.credentials, context.signal);
    const server = `${host}:${port}`;
    const answers = await ask(client, url, login, logins, context);
    return { protocol, server, asked: security, unsafe, milliseconds, ...answers };
  } finally {
    await client.quit();
  }
}

const PROTOCOLS: readonly string[] = ["ftp", "imap", "nntp", "pop3", "smtp"] satisfies (keyof Clients)[];

function spoken(url: string): keyof Clients {
  const { protocol } = parseUrl(url);
  if (PROTOCOLS.includes(protocol)) return protocol as keyof Clients;
  throw new UsageError(`${protocol} is not spoken by this version`, { advice: `it probes ${PROTOCOLS.join(", ")}` });
}

type Client = Clients[keyof Clients];
type Options = OpenOptions<FtpOptions>;

/** Connects: safely, or else without safety. */
async function reach(
  url: string,
  protocol: keyof Clients,
  options: Options,
  signal: AbortSignal,
): Promise<{ client: Client; unsafe?: TlsError }> {
  const client: Client = await clientFor(url, options, protocol);
  try {
    await client.connect({ signal });
    return { client };
  } catch (error) {
    if (!(error instanceof TlsError)) throw error;
    const isRefused = parseUrl(url).security === "starttls" && REFUSED.test(error.message);
    const plain = `${url}${url.includes("?") ? "&" : "?"}security=plain`;
    const weak: Client = await clientFor(isRefused ? plain : url, isRefused ? options : weaker(options), protocol);
    await weak.connect({ signal }).catch(() => Promise.reject(error));
    return { client: weak, unsafe: error };
  }
}

/** What a server without TLS answers. */
const REFUSED = /refused (AUTH TLS|STARTTLS|STLS)/;

/** With any certificate, and old versions. */
function weaker(options: Options): Options {
  const tls = { rejectUnauthorized: false, ciphers: "DEFAULT@SECLEVEL=0", minVersion: "TLSv1" } as const;
  return { ...options, tls: { ...options.tls, ...tls } };
}

type Login = Pick<Facts, "user" | "loginRefused">;

/** What can be known on this connection. */
async function ask(client: Client, url: string, login: Login, logins: Features, { signal }: Context) {
  const { security: asked, path } = parseUrl(url);
  const said = { greeting: client.greeting.text, system: await systemOf(client, signal) };
  const inside = login.user === undefined ? NOTHING : await look(client, path, { signal });
  const features = { ...logins, ...announced(client) };
  const words = Object.entries(features).flat().join(" ");
  const software = guessSoftware(client.protocol, said.greeting, said.system, words);
  const tls = client.tls && tlsFacts(client.tls);
  const setsTime = client instanceof FtpClient && client.modifiedCommand("name", new Date()) !== undefined;
  const security: Security = tls ? asked : "plain";
  return { security, ...said, software, tls, features, setsTime, ...login, ...inside };
}

type Features = Readonly<Record<string, string>>;

/** What the server announces now: all of it, or these words. */
function announced({ capabilities }: Client, words: readonly string[] = [...capabilities.keys()]): Features {
  const known = words.filter((word) => capabilities.has(word));
  return Object.fromEntries(known.map((word) => [word, (capabilities.get(word) ?? []).join(" ")]));
}

/** What is announced as long as nobody is logged in, and by some servers only then. */
function loginWords(protocol: keyof Clients): string[] {
  const { sasl, upgrade } = PROTOCOL[protocol];
  return [sasl, upgrade].filter((word) => word !== undefined);
}

/** What the server says of itself when it is asked: SYST of FTP, ID of IMAP behind the login. */
async function systemOf(client: Client, signal: AbortSignal): Promise<string | undefined> {
  if (client instanceof FtpClient) {
    const { ok, text } = await client.request("SYST", { expect: "any", signal });
    return ok ? text : undefined;
  }
  if (!(client instanceof ImapClient && client.state === "ready" && client.has("ID"))) return undefined;
  const { name, version } = await client.id(undefined, { signal });
  return [name, version].filter(Boolean).join(" ") || undefined;
}

const NOBODY: Login = { user: undefined, loginRefused: undefined };

/** Logs in where there are credentials for it. */
async function logIn(
  client: Client,
  url: string,
  source: FtpOptions["credentials"],
  signal: AbortSignal,
): Promise<Login> {
  const { protocol, host, port, credentials } = parseUrl(url);
  const target = { protocol, host, port, user: credentials?.user };
  const found = typeof source === "function" ? await source(target) : credentials;
  const proof = found?.password ?? (protocol === "ftp" ? undefined : found?.token);
  const known = proof !== undefined || (protocol === "ftp" && /^(anonymous|ftp)$/i.test(found?.user ?? ""));
  if (found?.user === undefined || !known) return NOBODY;
  try {
    await client.login(found, { signal });
    return { user: found.user, loginRefused: undefined };
  } catch (error) {
    if (error instanceof LoginError) return { user: undefined, loginRefused: error };
    throw error;
  }
}
