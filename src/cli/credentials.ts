/** Who logs in: URL → --password-stdin → environment → netrc → a prompt → anonymous. Each server is asked about once. */
import {
  type Credentials,
  type CredentialsSource,
  type CredentialsTarget,
  env,
  netrc,
  parseUrl,
  secret,
} from "../index.js";
import type { Context } from "./context.js";
import { askPassword, canAsk } from "./prompt.js";

/** Environment prefixes of a server: a move between two keeps their passwords apart. */
export type Prefixes = readonly string[];

/** The credentials of one server, found when they are needed. What the URL holds comes before all of this. */
export function credentialsFor(
  context: Context,
  url: string,
  prefixes: Prefixes = ["POLYWIRE"],
): CredentialsSource | undefined {
  if (parseUrl(url).credentials?.password !== undefined) return undefined;
  const { globals } = context;
  const sources: CredentialsSource[] = [];
  if (globals.passwordStdin) sources.push(fromStdin(context));
  for (const prefix of prefixes) sources.push(env(prefix));
  if (globals.netrc !== false) sources.push(netrc(typeof globals.netrc === "string" ? globals.netrc : undefined));
  if (canAsk() && !globals.passwordStdin) sources.push((target) => prompted(target, context.signal));
  let found: Promise<Credentials | undefined> | undefined;
  return (target) => {
    found ??= search(sources, target);
    return found;
  };
}

/** The line is read now, so that two servers get theirs in the order of their URLs. */
function fromStdin(context: Context): CredentialsSource {
  const password = context.stdinPasswords.next();
  password.catch(() => {});
  return async () => ({ password: await password });
}

/** The first password, or token, for the user; a source may name the user and leave the password to the next one. */
async function search(
  sources: readonly CredentialsSource[],
  target: CredentialsTarget,
): Promise<Credentials | undefined> {
  let { user } = target;
  for (const source of sources) {
    const found = await source({ ...target, user });
    user ??= found?.user;
    // A password without a user would be sent as anonymous's. A token is nothing to FTP, which has no SASL.
    const proof = found?.password ?? (target.protocol === "ftp" ? undefined : found?.token);
    if (proof !== undefined && user !== undefined) return secret({ ...found, account: found?.account, user });
  }
  return user === undefined ? undefined : { user };
}

async function prompted(target: CredentialsTarget, signal: AbortSignal): Promise<Credentials | undefined> {
  const { user, host } = target;
  if (user === undefined || /^(anonymous|ftp)$/i.test(user)) return undefined;
  return { user, password: await askPassword(`Password of ${user} on ${host}: `, signal) };
}
