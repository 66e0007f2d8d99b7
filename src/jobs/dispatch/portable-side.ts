/** One side of a move made fit to be sent to another process: its credentials are had now, nothing in it is a function. */
import { resolveCredentials } from "../../client/credentials.js";
import { UsageError } from "../../client/errors.js";
import type { Credentials } from "../../client/session.js";
import { parseUrl } from "../../client/url.js";
import type { MoveSide } from "../move/options.js";

/** A side as it is sent to a process of ours, never over a network, and never shown. */
export async function portableSide(side: MoveSide): Promise<MoveSide> {
  const { url, signal: _, ...options } = typeof side === "object" && "url" in side ? side : { url: side };
  const text = typeof url === "string" ? url : url.href;
  if (!/^ftps?:/i.test(text)) return text;
  if (options.transcript) throw new UsageError("a transcript cannot be kept of other processes");
  const { protocol, host, port, credentials } = parseUrl(text);
  const found = await resolveCredentials(options.credentials, { protocol, host, port, user: credentials?.user });
  const sent = { ...options, url: text, ...(found && { credentials: plain(found) }) };
  try {
    return structuredClone(sent);
  } catch (cause) {
    throw new UsageError(`what is set for ${host} cannot be sent to another process: ${(cause as Error).message}`, {
      cause,
    });
  }
}

/** Each by its name: what hides them from logs would hide them here, too. */
function plain({ user, password, account }: Credentials): Credentials {
  return { user, password, account };
}
