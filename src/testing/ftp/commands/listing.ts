/** Listings through the data connection: LIST NLST MLSD. */
import { sendData } from "../data.js";
import { type DirectoryNode, type ListedEntry, rowOf } from "../nodes.js";
import { Refused } from "../reply.js";
import { dosRow, factsOf, listingChunks, parseGlob, type RowStyle, unixRow } from "../rows.js";
import type { Session } from "../session.js";
import { runTransfer } from "../transfer.js";
import { type CommandTable, command } from "./command.js";
import { existing } from "./paths.js";

export const LISTING: CommandTable = {
  LIST: command((session, argument) => {
    const now = Date.now();
    const style: RowStyle = session.shared.options.listStyle === "dos" ? dosRow : (entry) => unixRow(entry, now);
    return send(session, "LIST", listed(session, withoutFlags(argument)).entries, style);
  }),
  NLST: command((session, argument) => {
    const { entries, prefix } = listed(session, withoutFlags(argument));
    const bare = /^-\S*1/.test(argument); // as ProFTPD: `NLST -1 dir` leaves the directory out
    return send(session, "NLST", entries, (entry) => (bare ? entry.name : prefix + entry.name));
  }),
  MLSD: command((session, path) => {
    const node = existing(session, path === "" ? "." : path);
    if (node.kind !== "directory") throw new Refused(501, `${path}: Not a directory`);
    const { facts } = session.state;
    return send(session, "MLSD", withSelf(node), (entry) => factsOf(entry, facts, DOTS[entry.name]));
  }, "mlsd"),
};

const DOTS: Record<string, "cdir" | "pdir"> = { ".": "cdir", "..": "pdir" };

function* withSelf(node: DirectoryNode): Generator<ListedEntry> {
  yield rowOf(".", node);
  yield rowOf("..", node);
  yield* node.entries();
}

/** What a LIST of `path` shows: a directory's entries, those that match a pattern, or the one file; 450 when there is nothing. */
export function listed(session: Session, path: string): { entries: Iterable<ListedEntry>; prefix: string } {
  const node = session.shared.tree.node(session.resolve(path));
  if (node?.kind === "directory")
    return { entries: node.entries(), prefix: path === "" ? "" : path.replace(/\/*$/, "/") };
  const slash = path.lastIndexOf("/");
  const prefix = path.slice(0, slash + 1);
  const name = path.slice(slash + 1);
  if (node) return { entries: [rowOf(name, node)], prefix };
  const glob = parseGlob(name);
  const directory = session.shared.tree.node(session.resolve(prefix));
  if (!glob || directory?.kind !== "directory") throw new Refused(450, `${path}: No such file or directory`);
  return { entries: matching(directory, glob), prefix };
}

function* matching(directory: DirectoryNode, glob: RegExp): Generator<ListedEntry> {
  for (const entry of directory.entries()) if (glob.test(entry.name)) yield entry;
}

function withoutFlags(argument: string): string {
  return argument.replace(/^(-\S+( |$))+/, "");
}

function send(session: Session, verb: string, entries: Iterable<ListedEntry>, style: RowStyle): Promise<void> {
  const { limits } = session.shared.options;
  let cut = false;
  function* upTo(most: number): Generator<ListedEntry> {
    let count = 0;
    for (const entry of entries) {
      if (count++ >= most) {
        cut = true;
        return;
      }
      yield entry;
    }
  }
  return runTransfer(
    session,
    verb,
    `Opening ASCII mode data connection for ${verb}`,
    (socket, faults) => {
      const most = Math.min(
        limits.maxEntriesListed ?? Number.POSITIVE_INFINITY,
        faults.truncateListingAt ?? Number.POSITIVE_INFINITY,
      );
      return sendData(socket, listingChunks(upTo(most), style), faults);
    },
    () =>
      cut && limits.announceTruncation ? `Output truncated to ${limits.maxEntriesListed} matches` : "Transfer complete",
  );
}
