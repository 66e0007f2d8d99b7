/** Files through the data connection: REST RETR STOR APPE STOU ABOR. */

import { receiveData, sendData } from "../data.js";
import type { DataFaults } from "../faults.js";
import { FileNode } from "../nodes.js";
import { Refused } from "../reply.js";
import type { Session } from "../session.js";
import { runTransfer } from "../transfer.js";
import { type CommandTable, command } from "./command.js";
import { existingFile, place } from "./paths.js";

export const TRANSFER: CommandTable = {
  REST: command((session, argument) => {
    if (!/^\d+$/.test(argument)) throw new Refused(501, "REST requires a value greater than or equal to 0");
    session.state.restartAt = Number(argument);
    return session.reply(350, `Restarting at ${argument}. Send STORE or RETRIEVE to initiate transfer`);
  }, "rest"),
  RETR: command((session, path) => {
    const start = takeRestart(session);
    const file = existingFile(session, path);
    if (start > file.size) throw new Refused(554, "Invalid REST argument");
    const ascii = session.state.type === "A" && session.shared.options.features.ascii;
    const data = ascii ? toNetwork(file.data) : file.data;
    const text = `Opening ${typeName(session)} mode data connection for ${path} (${file.size} bytes)`;
    return runTransfer(session, "RETR", text, (socket, faults) =>
      sendData(socket, pieces(start === 0 ? data : data.subarray(start)), faults),
    );
  }),
  STOR: command((session, path) => store(session, "STOR", path, takeRestart(session))),
  APPE: command((session, path) => {
    takeRestart(session);
    const node = session.shared.tree.node(session.resolve(path));
    return store(session, "APPE", path, node?.kind === "file" ? node.size : 0);
  }),
  STOU: command((session) => {
    takeRestart(session);
    const { tree } = session.shared;
    let number = 1;
    while (tree.node(session.resolve(`ftp.${number}`))) number += 1;
    return store(session, "STOU", `ftp.${number}`, 0);
  }),
  /** With a transfer under way the session ends that first, and its 426 goes before this 226. */
  ABOR: command((session) => {
    session.data.close();
    return session.reply(226, "Abort successful");
  }),
};

function takeRestart(session: Session): number {
  const start = session.state.restartAt;
  session.state.restartAt = 0;
  return start;
}

/** Stores behind the first `start` bytes of what is there; what lay behind them is dropped. */
function store(session: Session, verb: string, path: string, start: number): Promise<void> {
  const { tree, options } = session.shared;
  const { directory, name, full } = place(session, path);
  const old = directory.get(name);
  if (name === "" || old?.kind === "directory") throw new Refused(550, `${path}: Not a regular file`);
  if (start > (old?.size ?? 0)) throw new Refused(554, "Invalid REST argument");
  const text = verb === "STOU" ? `FILE: ${path}` : `Opening ${typeName(session)} mode data connection for ${path}`;
  return runTransfer(session, verb, text, async (socket, faults) => {
    const file = openFile(session, full, start);
    const end = await receiveData(socket, (chunk) => keep(session, file, chunk, start, faults), faults);
    if (session.state.type === "A" && options.features.ascii) tree.replace(file, fromNetwork(file.data));
    file.modified = Date.now();
    return end;
  });
}

/** The file to write to, cut to `start` bytes; a new one takes its place in the tree at once, as on a disk. */
function openFile(session: Session, full: string, start: number): FileNode {
  const { tree } = session.shared;
  const old = tree.own(full);
  if (old?.kind === "file") {
    tree.truncate(old, start);
    return old;
  }
  const file = new FileNode(Buffer.alloc(0), Date.now());
  const found = tree.parent(full);
  if (!found) throw new Refused(550, `${full}: No such file or directory`);
  tree.put(found.directory, found.name, file);
  return file;
}

/** Keeps as much of a chunk as there is room for. */
function keep(session: Session, file: FileNode, chunk: Buffer, start: number, faults: DataFaults) {
  const { tree, options } = session.shared;
  const onDisk = (options.limits.diskBytes ?? Number.POSITIVE_INFINITY) - tree.bytes;
  const room = Math.min(onDisk, (faults.diskFullAfter ?? Number.POSITIVE_INFINITY) - (file.size - start));
  const bytes = damaged(chunk, (faults.damageDataAt ?? Number.NaN) - (file.size - start));
  tree.append(file, chunk.length > room ? bytes.subarray(0, Math.max(room, 0)) : bytes);
  if (chunk.length <= room) return undefined;
  return { refused: `${faults.diskFullCode ?? "552"} No space left on device` };
}

/** The same bytes but for one, where that is among them. */
function damaged(chunk: Buffer, at: number): Buffer {
  const byte = chunk[at];
  if (byte === undefined) return chunk;
  const copy = Buffer.from(chunk);
  copy[at] = byte ^ 0xff;
  return copy;
}

const PIECE = 1024 * 1024;

function* pieces(data: Buffer): Generator<Buffer> {
  for (let at = 0; at < data.length; at += PIECE) yield data.subarray(at, at + PIECE);
}

function typeName(session: Session): string {
  return session.state.type === "A" ? "ASCII" : "BINARY";
}

function toNetwork(data: Buffer): Buffer {
  return Buffer.from(data.toString("latin1").replace(/\r?\n/g, "\r\n"), "latin1");
}

function fromNetwork(data: Buffer): Buffer {
  return Buffer.from(data.toString("latin1").replaceAll("\r\n", "\n"), "latin1");
}
