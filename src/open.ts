/** open(url): connect, login and cwd in one call, typed by the scheme. Each protocol is loaded when it is used. */
import { firstOf } from "./client/credentials.js";
import { UsageError } from "./client/errors.js";
import type { CallOptions, Credentials, CredentialsSource } from "./client/session.js";
import { type ParsedUrl, parseUrl, redactUrl } from "./client/url.js";
import type { FtpClient } from "./ftp/client.js";
import type { FtpOptions } from "./ftp/options.js";

/** Options of `open`: the protocol's own; what the URL says comes first. */
export type OpenOptions<T> = Partial<Omit<T, "host">> & CallOptions;

/** A URL that FTP answers to. */
export type FtpUrl = `ftp://${string}` | `ftps://${string}`;

/**
 * Connects, logs in, and enters the folder of the URL.
 *
 * `ftps:` is TLS from the first byte, `ftp:` is upgraded by AUTH TLS before anything else is said; plain text has to be
 * asked for: `ftp://host/?security=plain`. A path is relative to the folder after login; `//` makes it absolute.
 *
 * @throws UsageError for a URL that cannot be used; ConnectionError, TlsError, LoginError, ReplyError. Nothing stays
 *   open then.
 *
 * @example
 * await using ftp = await open("ftps://alice:secret@files.example.org/in");
 * for await (const entry of ftp.entries()) console.log(entry.name);
 */
export function open(url: FtpUrl, options?: OpenOptions<FtpOptions>): Promise<FtpClient>;
export function open(url: string | URL, options?: OpenOptions<FtpOptions>): Promise<FtpClient>;
export async function open(url: string | URL, options: OpenOptions<FtpOptions> = {}): Promise<FtpClient> {
  const client = await clientFor(url, options);
  const call = { signal: options.signal };
  try {
    await client.connect(call);
    await client.login(undefined, call);
    const { path } = parseUrl(url);
    if (path !== "") await client.cwd(path, call);
    return client;
  } catch (error) {
    await client.quit();
    throw error;
  }
}

/** A client for a URL, not yet connected. The path of the URL is left to the caller. */
export async function clientFor(url: string | URL, options: OpenOptions<FtpOptions> = {}): Promise<FtpClient> {
  const parsed = parseUrl(url);
  if (parsed.protocol !== "ftp") {
    throw new UsageError(`${redactUrl(url)} is not spoken by this version`, { advice: "the schemes are ftp and ftps" });
  }
  const { host, port, security } = parsed;
  const { FtpClient } = await import("./ftp/client.js");
  return new FtpClient({ ...options, host, port, security, credentials: merge(parsed, options.credentials) });
}

/** The URL's user and password; a source among the options is asked for what the URL leaves out. */
function merge(url: ParsedUrl, given: Credentials | CredentialsSource | undefined): CredentialsSource {
  const { credentials } = url;
  if (credentials?.password !== undefined || given === undefined) return () => credentials;
  const source: CredentialsSource = (target) =>
    typeof given === "function" ? given({ ...target, user: credentials?.user ?? target.user }) : given;
  const withUser: CredentialsSource = async (target) => {
    const found = await source(target);
    return found && credentials?.user !== undefined ? { ...found, user: credentials.user } : found;
  };
  return firstOf(withUser, () => credentials);
}
