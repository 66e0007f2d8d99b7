/** Directories and names: PWD CWD CDUP MKD RMD DELE RNFR RNTO (RFC 959), and their X forms (RFC 1123 4.1.3.1). */
import type { DirectoryNode } from "../nodes.js";
import { DirectoryNode as Directory } from "../nodes.js";
import { quoted, Refused } from "../reply.js";
import type { Session } from "../session.js";
import { type CommandTable, command } from "./command.js";

const pwd = command((session) => session.reply(257, `${quoted(session.state.directory)} is the current directory`));
const cwd = command((session, path) => enter(session, "CWD", path));
const cdup = command((session) => enter(session, "CDUP", ".."));
const mkd = command((session, path) => {
  const { directory, name, full } = place(session, path);
  if (name === "" || directory.get(name)) throw new Refused(550, `${path}: File exists`);
  session.shared.tree.put(directory, name, new Directory(Date.now()));
  return session.reply(257, `${quoted(full)} - Directory successfully created`);
});
const rmd = command((session, path) => {
  const node = existing(session, path);
  if (node.kind !== "directory") throw new Refused(550, `${path}: Not a directory`);
  const full = session.resolve(path);
  if (node.count > 0 || full === "/") throw new Refused(550, `${path}: Directory not empty`);
  session.shared.tree.remove(full);
  return session.reply(250, "RMD command successful");
});

export const PATHS: CommandTable = {
  PWD: pwd,
  XPWD: pwd,
  CWD: cwd,
  XCWD: cwd,
  CDUP: cdup,
  XCUP: cdup,
  MKD: mkd,
  XMKD: mkd,
  RMD: rmd,
  XRMD: rmd,
  DELE: command((session, path) => {
    if (existing(session, path).kind === "directory") throw new Refused(550, `${path}: Is a directory`);
    session.shared.tree.remove(session.resolve(path));
    return session.reply(250, "DELE command successful");
  }),
  RNFR: command((session, path) => {
    existing(session, path);
    session.state.renameFrom = session.resolve(path);
    return session.reply(350, "File or directory exists, ready for destination name");
  }),
  RNTO: command((session, path) => {
    const { state, shared } = session;
    const from = state.renameFrom;
    state.renameFrom = undefined;
    if (from === undefined) throw new Refused(503, "Bad sequence of commands: RNFR first");
    const { directory, name, full } = place(session, path);
    const node = shared.tree.node(from);
    if (!node) throw new Refused(550, `${path}: No such file or directory`);
    const onto = directory.get(name);
    if (
      name === "" || `${full}/`.startsWith(`${from}/`)
        ? full !== from
        : onto?.kind === "directory" || (onto && node.kind === "directory")
    ) {
      throw new Refused(550, `${path}: Rename failed`);
    }
    if (full !== from) {
      shared.tree.remove(from);
      shared.tree.put(directory, name, node); // over an existing file, silently, as all servers do
    }
    return session.reply(250, "Rename successful");
  }),
};

function enter(session: Session, verb: string, path: string): Promise<void> | undefined {
  if (existing(session, path).kind !== "directory") throw new Refused(550, `${path}: Not a directory`);
  session.state.directory = session.resolve(path);
  return session.reply(250, `${verb} command successful`);
}

/** What is at this path; 550 when nothing is. */
export function existing(session: Session, path: string) {
  const node = session.shared.tree.node(session.resolve(path));
  if (!node || path === "") throw new Refused(550, `${path}: No such file or directory`);
  return node;
}

/** The file at this path; 550 when there is none. */
export function existingFile(session: Session, path: string) {
  const node = existing(session, path);
  if (node.kind !== "file") throw new Refused(550, `${path}: not a regular file`);
  return node;
}

/** The directory in which this path would be made; 550 when it is missing, 501 without a name. */
export function place(session: Session, path: string): { directory: DirectoryNode; name: string; full: string } {
  if (path === "") throw new Refused(501, "A name is needed.");
  const full = session.resolve(path);
  const found = session.shared.tree.parent(full);
  if (!found) throw new Refused(550, `${path}: No such file or directory`);
  return { ...found, full };
}
