/** One folder on the server as a tree job sees it: whole, hidden names too, and told apart from a listing cut short. */
import { ProtocolError, ReplyError } from "../client/errors.js";
import type { CallOptions } from "../client/session.js";
import type { FtpClient } from "./client.js";
import type { FtpEntry } from "./entry.js";
import { displayName } from "./name.js";

/** What a folder's listing said besides its rows. */
export interface Listed {
  /** Rows there were, also those that were not kept. */
  readonly rows: number;
  /** Set where the server said that it left some out. */
  readonly cut: ProtocolError | undefined;
}

/** How servers say that a listing is not whole: `226 Output truncated to 10000 matches`. */
const CUT = /truncat|limit (exceeded|reached)|too many/i;

/**
 * Reads a folder to its end, before anything is done with it: a listing that waits for transfers would time out. Each
 * entry goes through `take`, which keeps what it needs of it.
 */
export async function readFolder(
  client: FtpClient,
  path: string,
  call: CallOptions,
  take: (entry: FtpEntry) => void,
): Promise<Listed> {
  // LIST hides names that begin with a dot on some servers. Others take -a for a name, and find nothing, or refuse.
  const machine = client.has("MLST") || client.has("MLSD");
  if (!machine) {
    try {
      const listed = await read(client, path, { ...call, hidden: true }, take);
      if (listed.rows > 0) return listed;
    } catch (error) {
      if (!(error instanceof ReplyError) || !error.clientUsable) throw error;
    }
  }
  return read(client, path, call, take);
}

async function read(
  client: FtpClient,
  path: string,
  options: CallOptions & { hidden?: boolean },
  take: (entry: FtpEntry) => void,
): Promise<Listed> {
  let rows = 0;
  let cut: ProtocolError | undefined;
  const done = (text: string) => {
    if (CUT.test(text)) cut = cutShort(path, text);
  };
  for await (const batch of client.entries(path, { ...options, onEnd: (reply) => done(reply.text) }).batches()) {
    rows += batch.length;
    for (const entry of batch) take(entry);
  }
  return { rows, cut };
}

function cutShort(path: string, text: string): ProtocolError {
  const said = JSON.stringify(text.trim());
  return new ProtocolError(`the server did not list all of ${displayName(path)}: ${said}`, {
    protocol: "ftp",
    clientUsable: true,
  });
}
