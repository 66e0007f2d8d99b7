/** A URL as it was typed, and what --user and --plain add to it. What would be misread is refused. Pure. */
import { parseUrl, redactUrl, UsageError } from "../index.js";
import type { Globals } from "./globals.js";

/** True for the URL of a server; anything else is a local path. */
export function isServer(text: string): boolean {
  return /^[a-z][a-z0-9+.-]+:/i.test(text) && !/^file:/i.test(text);
}

/**
 * The URL with the user and the security of the global options.
 *
 * @throws UsageError also for a `#`, and for a `?` that begins no parameter: they are probably part of a name, and
 *   `rm` must not remove another one.
 */
export function address(url: string, globals: Pick<Globals, "user" | "plain"> = {}): string {
  const { credentials, params } = parseUrl(url);
  const fail = (why: string, advice: string): never => {
    throw new UsageError(`${JSON.stringify(redactUrl(url))} ${why}`, { advice });
  };
  if (url.includes("#")) fail("holds a #", "in the name of a file it is written %23");
  const unknown = Object.keys(params).find((name) => name !== "type" && name !== "auth");
  if (unknown !== undefined) {
    fail(`has a parameter ${JSON.stringify(unknown)} that is not known`, "in the name of a file ? is written %3F");
  }
  let out = url;
  if (globals.user !== undefined && credentials?.user === undefined) {
    const user = encodeURIComponent(globals.user);
    out = out.replace(/^([^/]*\/\/)(?:(:[^@/?]*)?@)?/, (_, scheme: string, pass = "") => `${scheme}${user}${pass}@`);
  }
  if (globals.plain && !/[?&]security=/.test(out)) out += `${out.includes("?") ? "&" : "?"}security=plain`;
  // The scheme and --plain may contradict each other.
  parseUrl(out);
  return out;
}
