/** What a server is asked by `probe`, and what it answered. Nothing is judged here. */
import type { TLSSocket } from "node:tls";
import {
  FtpClient,
  type FtpOptions,
  LoginError,
  PolywireError,
  parseUrl,
  type Security,
  TlsError,
} from "../../index.js";
import { address } from "../address.js";
import { type Context, clientOptions } from "../context.js";
import { guessSoftware, type Software } from "./software.js";

/** The encryption of the control connection. */
export interface TlsFacts {
  readonly version: string;
  readonly cipher: string;
  readonly subject: string;
  readonly issuer: string;
  readonly names: readonly string[];
  readonly validFrom: string;
  readonly validUntil: string;
  readonly daysLeft: number;
  readonly selfSigned: boolean;
  /** Why the certificate is not trusted; undefined where it is. */
  readonly untrusted: string | undefined;
}

/** Everything found out. */
export interface Facts {
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
  /** True where files can be given their time, in one of the ways servers have. */
  readonly setsTime: boolean;
  /** Who is logged in. */
  readonly user: string | undefined;
  readonly loginRefused: PolywireError | undefined;
  readonly folder: string | undefined;
  /** What became of a listing of the URL's folder: how many entries came, at most `SAMPLE`. */
  readonly listed: number | undefined;
  readonly listingRefused: PolywireError | undefined;
}

/** Entries read of the sample listing. */
const SAMPLE = 1000;
const DAY = 86_400_000;

/**
 * Asks the server. Where it cannot be reached safely, it is asked once more without safety, and then not logged in to.
 *
 * @throws what the connection failed with, where it cannot be reached at all.
 */
export async function gather(context: Context, given: string): Promise<Facts> {
  const url = address(given, context.globals);
  const { host, port, security } = parseUrl(url);
  const options: FtpOptions = { ...clientOptions(context, url), host, port, security };
  const started = performance.now();
  const { ftp, unsafe } = await reach(options, context.signal);
  const milliseconds = Math.round(performance.now() - started);
  try {
    const login = unsafe ? NOBODY : await logIn(ftp, url, options.credentials, context.signal);
    return {
      server: `${host}:${port}`,
      asked: security,
      unsafe,
      milliseconds,
      ...(await ask(ftp, url, login, context)),
    };
  } finally {
    await ftp.quit();
  }
}

/** Connects: safely, or else without safety. */
async function reach(options: FtpOptions, signal: AbortSignal): Promise<{ ftp: FtpClient; unsafe?: TlsError }> {
  const ftp = new FtpClient(options);
  try {
    await ftp.connect({ signal });
    return { ftp };
  } catch (error) {
    if (!(error instanceof TlsError)) throw error;
    const weak = new FtpClient(weaker(options, error));
    await weak.connect({ signal }).catch(() => Promise.reject(error));
    return { ftp: weak, unsafe: error };
  }
}

/** The same server with less safety: in the clear where it has no TLS, else with any certificate and old versions. */
function weaker(options: FtpOptions, error: TlsError): FtpOptions {
  if (options.security === "starttls" && /refused AUTH TLS/.test(error.message))
    return { ...options, security: "plain" };
  const tls = {
    ...options.tls,
    rejectUnauthorized: false,
    ciphers: "DEFAULT@SECLEVEL=0",
    minVersion: "TLSv1",
  } as const;
  return { ...options, tls };
}

type Login = Pick<Facts, "user" | "loginRefused">;

/** What can be known on this connection. */
async function ask(ftp: FtpClient, url: string, login: Login, { signal }: Context) {
  const system = await ftp.request("SYST", { expect: "any", signal });
  const said = { greeting: ftp.greeting.text, system: system.ok ? system.text : undefined };
  const inside = login.user === undefined ? NOTHING : await look(ftp, parseUrl(url).path, signal);
  const features = Object.fromEntries([...ftp.capabilities].map(([word, args]) => [word, args.join(" ")]));
  const software = guessSoftware(said.greeting, said.system, Object.keys(features).join(" "));
  const tls = ftp.tls && tlsFacts(ftp.tls);
  const setsTime = ftp.modifiedCommand("name", new Date()) !== undefined;
  const security = tls ? parseUrl(url).security : ("plain" as const);
  return { security, ...said, software, tls, features, setsTime, ...login, ...inside };
}

const NOBODY: Login = { user: undefined, loginRefused: undefined };
const NOTHING: Pick<Facts, "folder" | "listed" | "listingRefused"> = {
  folder: undefined,
  listed: undefined,
  listingRefused: undefined,
};

/** Logs in where there are credentials for it. */
async function logIn(
  ftp: FtpClient,
  url: string,
  source: FtpOptions["credentials"],
  signal: AbortSignal,
): Promise<Login> {
  const { protocol, host, port, credentials } = parseUrl(url);
  const target = { protocol, host, port, user: credentials?.user };
  const found = typeof source === "function" ? await source(target) : credentials;
  const known = found?.password !== undefined || /^(anonymous|ftp)$/i.test(found?.user ?? "");
  if (found?.user === undefined || !known) return NOBODY;
  try {
    await ftp.login(found, { signal });
    return { user: found.user, loginRefused: undefined };
  } catch (error) {
    if (error instanceof LoginError) return { user: undefined, loginRefused: error };
    throw error;
  }
}

/** A look at the folder: does a data connection come about? */
async function look(ftp: FtpClient, path: string, signal: AbortSignal) {
  let listed = 0;
  let folder: string | undefined;
  try {
    if (path !== "") await ftp.cwd(path, { signal });
    folder = await ftp.pwd({ signal });
    for await (const batch of ftp.entries(undefined, { signal }).batches()) {
      listed += batch.length;
      if (listed >= SAMPLE) break;
    }
    return { folder, listed, listingRefused: undefined };
  } catch (error) {
    if (!(error instanceof PolywireError) || signal.aborted) throw error;
    return { folder, listed: undefined, listingRefused: error };
  }
}

function tlsFacts(socket: TLSSocket): TlsFacts {
  const certificate = socket.getPeerCertificate();
  const name = (who: object | undefined) => {
    const { CN, O } = (who ?? {}) as { CN?: string | string[]; O?: string | string[] };
    return [CN, O].flat().filter(Boolean).join(", ");
  };
  const until = new Date(certificate.valid_to);
  return {
    version: socket.getProtocol() ?? "",
    cipher: socket.getCipher().standardName,
    subject: name(certificate.subject),
    issuer: name(certificate.issuer),
    names: (certificate.subjectaltname ?? "").split(", ").map((each) => each.replace(/^[^:]*:/, "")),
    validFrom: new Date(certificate.valid_from).toISOString().slice(0, 10),
    validUntil: until.toISOString().slice(0, 10),
    daysLeft: Math.floor((until.getTime() - Date.now()) / DAY),
    untrusted: socket.authorized ? undefined : String(socket.authorizationError),
    selfSigned: JSON.stringify(certificate.subject) === JSON.stringify(certificate.issuer),
  };
}
