/** The URL of a Redis: what it must hold, and how it is shown. Pure. */
import { UsageError } from "../../client/errors.js";
import { redactUrl } from "../../client/url.js";

/** The text of a URL that can be used. Throws UsageError, which never shows a password. */
export function checkRedisUrl(given: string | URL): string {
  const text = typeof given === "string" ? given : given.href;
  const fail = (why: string): never => {
    throw new UsageError(`${JSON.stringify(redactUrl(text))} ${why}`, {
      advice: "write redis://user:password@host:6379/0, or rediss: for TLS",
    });
  };
  if (!/^rediss?:\/\//.test(text)) fail("is not the URL of a Redis");
  const url = tryUrl(text);
  if (!url?.hostname) return fail("names no host");
  if (!/^\/?\d{0,5}$/.test(url.pathname)) fail("names a database that is no number");
  return text;
}

function tryUrl(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}
