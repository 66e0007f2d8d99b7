/** One transfer from 150 to 226: the data connection, its TLS, its faults, and the reply at the end. */
import { once } from "node:events";
import type { Socket } from "node:net";
import { connect, type TLSSocket } from "node:tls";
import { serveTls } from "../handshake.js";
import type { DataEnd } from "./data.js";
import { type DataFaults, dataFaults } from "./faults.js";
import { encodeReply, Refused } from "./reply.js";
import type { Session } from "./session.js";

/** Moves the bytes and says how that ended. */
export type Move = (socket: Socket, faults: DataFaults) => Promise<DataEnd>;

/**
 * Opens the data connection, answers 150, moves, and answers 226 (or 425, 426, 522, 552).
 *
 * @param done the text of the 226
 */
export async function runTransfer(
  session: Session,
  verb: string,
  opening: string,
  move: Move,
  done = () => "Transfer complete",
): Promise<void> {
  const { shared, data, state } = session;
  const faults = dataFaults(shared.faults, verb);
  if (shared.options.requireTls && state.protection !== "P")
    throw new Refused(522, "Data connections must be protected.");
  if (!data.ready) throw new Refused(425, "Use PORT or PASV first.");
  if (faults.refuseData) data.close();
  const transfer: NonNullable<Session["transfer"]> = { verb, socket: undefined, aborted: false };
  session.transfer = transfer;
  try {
    const { begins } = data;
    const plain = await data.open(shared.options.dataTimeout);
    if (transfer.aborted) plain?.destroy();
    if (transfer.aborted) await session.reply(426, "Connection closed; transfer aborted.");
    else if (!plain) await session.reply(425, "Unable to build data connection.");
    else await overConnection(session, { plain, begins }, opening, (socket) => move(socket, faults), done);
  } finally {
    session.transfer = undefined;
  }
  if (transfer.aborted) await session.reply(226, "Abort successful");
}

/** A data connection; `begins`: this side begins its TLS handshake. */
interface Connection {
  readonly plain: Socket;
  readonly begins: boolean;
}

async function overConnection(
  session: Session,
  { plain, begins }: Connection,
  opening: string,
  move: (socket: Socket) => Promise<DataEnd>,
  done: () => string,
): Promise<void> {
  const transfer = session.transfer as NonNullable<Session["transfer"]>;
  transfer.socket = plain;
  const { faults } = session.shared;
  const opened = session.reply(150, opening);
  if (opened) await opened;
  if (faults.extraPreliminary) void session.reply(150, "Still about to open the data connection.");
  session.control.flush();
  const socket =
    session.state.protection === "P" && !plain.destroyed ? await protect(session, { plain, begins }) : plain;
  if (socket) transfer.socket = socket;
  const refused = { refused: "522 SSL connection failed: session reuse required" };
  // A client that gave up meanwhile has closed it: nothing will tell so again.
  const end = !socket ? refused : plain.destroyed ? "cut" : await move(socket);
  if (transfer.aborted || end === "cut") await session.reply(426, "Connection closed; transfer aborted.");
  else if (end === "done") await session.reply(faults.end226Code ?? 226, done());
  else await session.send(encodeReply(end.refused.slice(0, 3), end.refused.slice(4)));
}

/**
 * TLS on the data connection, begun by the client (RFC 4217 7) but behind CPSV; undefined when it had to resume a session and did not.
 * Waits for the handshake: an end said before it (an empty file) would cut the connection.
 */
async function protect(session: Session, { plain, begins }: Connection): Promise<TLSSocket | undefined> {
  const { options, secureContext } = session.shared;
  const socket = begins
    ? connect({ socket: plain, rejectUnauthorized: false })
    : serveTls(plain, { isServer: true, secureContext });
  socket.on("error", () => socket.destroy());
  await Promise.race([once(socket, "secure"), once(socket, "close"), once(plain, "close")]).catch(() => {});
  if (plain.destroyed || socket.destroyed || begins || !options.requireReuse || socket.isSessionReused()) return socket;
  // As vsftpd: the handshake holds, the data ends at once, and the refusal comes when the client has closed its side.
  socket.resume().end();
  await Promise.race([once(socket, "close"), once(socket, "end")]).catch(() => {});
  return undefined;
}
