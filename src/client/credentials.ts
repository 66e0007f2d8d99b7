/** Who logs in: from the environment, a netrc file or your own function; and never shown. */
import { PolywireError, UsageError } from "./errors.js";
import { secret } from "./secret.js";
import type { Credentials, CredentialsSource, CredentialsTarget } from "./session.js";

export { netrc } from "./netrc.js";
export { secret } from "./secret.js";

/**
 * Credentials from the environment, read when they are needed: `POLYWIRE_USER`, `POLYWIRE_PASSWORD`,
 * `POLYWIRE_ACCOUNT`, `POLYWIRE_TOKEN` (an access token, OAuth 2). None where neither user nor password nor token is set,
 * or where the user is another than the URL's.
 *
 * @param prefix of the four names. Default: `POLYWIRE`.
 *
 * @example
 * const ftp = new FtpClient({ host: "files.example.org", credentials: env("ARCHIVE") }); // ARCHIVE_USER, …
 */
export function env(prefix = "POLYWIRE"): CredentialsSource {
  return (target) => {
    const read = (name: string) => process.env[`${prefix}_${name}`];
    // An empty user is how CI systems write an unset one; an empty password may be meant.
    const user = read("USER") || target.user;
    const password = read("PASSWORD");
    // A token is never empty: an empty one is unset, too.
    const token = read("TOKEN") || undefined;
    if (!read("USER") && password === undefined && token === undefined) return undefined;
    if (target.user !== undefined && user !== target.user) return undefined;
    return secret({ user, password, account: read("ACCOUNT"), token });
  };
}

/**
 * The first source that has credentials for the server.
 *
 * @example
 * new ImapClient({ host, credentials: firstOf(env(), netrc(), () => askOnTheTerminal()) });
 */
export function firstOf(...sources: readonly CredentialsSource[]): CredentialsSource {
  return async (target) => {
    for (const source of sources) {
      const found = await source(target);
      if (found !== undefined) return found;
    }
    return undefined;
  };
}

/**
 * Credentials as an option holds them → the credentials, hidden from logs. A function is called now.
 *
 * @throws UsageError where the function fails.
 */
export async function resolveCredentials(
  given: Credentials | CredentialsSource | undefined,
  target: CredentialsTarget,
): Promise<Credentials | undefined> {
  if (typeof given !== "function") return given && secret(given);
  let found: Credentials | undefined;
  try {
    found = await given(target);
  } catch (cause) {
    if (cause instanceof PolywireError) throw cause;
    throw new UsageError(`the credentials for ${target.host} could not be had`, { cause });
  }
  return found && secret(found);
}
