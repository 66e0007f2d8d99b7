/** Names as FTP servers take them: what they read as something else, and what they change without a word. */
import { randomInt } from "node:crypto";
import { ReplyError, UsageError } from "../../../client/errors.js";
import type { FtpClient } from "../../../ftp/client.js";
import { displayName } from "../../../ftp/name.js";

/** The name as a path, which no server takes for the home of a user: ProFTPD does with `~x`, vsftpd with `~`. */
export function asPath(name: string): string {
  return name.startsWith("~") ? `./${name}` : name;
}

/** Blanks at the ends, control characters, bytes that are no UTF-8: Pure-FTPd and pyftpdlib make other names of them. */
const DOUBTFUL = /^\s|\s$|[\x01-\x1f\x7f\p{Surrogate}]/u;
const WITHIN = /[\x01-\x1f\x7f\p{Surrogate}]/gu;
/** A byte that is no UTF-8, for all of them. */
const BYTE = "\udcfe";
/** Kinds of names that are known of a server at most; others are tried every time. */
const MOST = 100;

/** Whether a server keeps names of a kind: by the characters that are in doubt. */
export type KnownNames = Map<string, boolean>;

/** Whether a server may change this name. */
export const isDoubtful = (name: string): boolean => DOUBTFUL.test(name);

/**
 * Why a file of this name must not be made; undefined where it may be. A server that changes the name would put the
 * file in the place of another one: so it is tried with an empty file of a name that nobody has.
 */
export async function refusalOf(ftp: FtpClient, known: KnownNames, name: string): Promise<UsageError | undefined> {
  if (!isDoubtful(name)) return undefined;
  const [before = "", within, behind = ""] = [/^\s/.exec(name)?.[0], name.match(WITHIN), /\s$/.exec(name)?.[0]];
  const inside = [...new Set(within?.map((character) => (character < "\x80" ? character : BYTE)))].sort().join("");
  const key = JSON.stringify([before, inside, behind]);
  const isKept = known.get(key) ?? (await keeps(ftp, (text) => `${before}polywire-${text}${inside}-${behind}`));
  if (known.size < MOST) known.set(key, isKept);
  if (isKept) return undefined;
  return new UsageError(`the server would give the file another name than "${displayName(name)}"`, {
    protocol: "ftp",
    advice: "it changes blanks at the ends, control characters, or bytes that are no UTF-8: a route can avoid them",
  });
}

/** Makes an empty file, looks whether it has its name, and no other one, and removes it. */
async function keeps(ftp: FtpClient, nameOf: (text: string) => string): Promise<boolean> {
  const name = nameOf(randomInt(2 ** 47).toString(36));
  const twin = name.replace(WITHIN, (character) =>
    character === BYTE ? "\udcfd" : character === "\x01" ? "\x02" : "\x01",
  );
  try {
    await ftp.stor(name, Buffer.alloc(0));
    const [own, other] = await ftp.stats([name, twin], { times: false });
    const changed = name.replace(/^\s|\s$/g, "_").replace(WITHIN, "_");
    await ftp.pack([`DELE ${own ? name : changed}`]);
    return own !== undefined && (twin === name || other === undefined);
  } catch (error) {
    // What is wrong will be told of the file itself.
    if (error instanceof ReplyError && error.clientUsable) return true;
    throw error;
  }
}
