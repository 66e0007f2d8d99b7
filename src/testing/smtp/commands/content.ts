/** The message itself: DATA (RFC 5321 4.1.1.4), BDAT (RFC 3030), and what becomes of it. */
import type { SmtpMessage } from "../message.js";
import { Refused } from "../reply.js";
import type { Session } from "../session.js";
import type { Transaction } from "../transaction.js";
import { type CommandTable, command, nothingBehind } from "./command.js";
import { replyFor } from "./envelope.js";

export const CONTENT: CommandTable = {
  DATA: command((session, rest) => data(session, rest)),
  BDAT: command((session) => bdat(session), { enabled: ({ features }) => features.chunking }),
};

async function data(session: Session, rest: string): Promise<void> {
  nothingBehind(rest);
  const { transaction, shared } = session;
  if (!transaction) throw new Refused(503, "5.5.1", "MAIL comes first");
  if (transaction.begun || transaction.params.BODY === "BINARYMIME") {
    session.violation(transaction.begun ? "DATA: behind a BDAT" : "DATA: for BINARYMIME");
    throw new Refused(503, "5.5.1", "BDAT is needed here");
  }
  const { lmtp, features } = shared.options;
  if (transaction.recipients.length === 0 && (lmtp || !features.eagerData))
    throw new Refused(503, "5.5.1", "No recipient was accepted");
  session.send("354 Go ahead, end with a dot\r\n");
  await session.channel.flush();
  transaction.begin("DATA");
  if ((await transaction.read(Number.POSITIVE_INFINITY)) === "gone") return session.cut();
  await session.ending(transaction, () => deliver(session, transaction));
}

function bdat(session: Session): Promise<void> | undefined {
  const { chunk, transaction } = session;
  session.chunk = undefined;
  if (!chunk) {
    session.violation("BDAT: wrong syntax");
    throw new Refused(501, "5.5.4", "BDAT takes a size, and perhaps LAST");
  }
  if (!transaction || !chunk.taken) {
    session.refusedChunk(chunk);
    throw new Refused(503, "5.5.1", "Nothing to take a chunk");
  }
  if (!chunk.last) return void session.reply(250, "2.0.0", `${chunk.size} octets received`);
  return session.ending(transaction, () => deliver(session, transaction));
}

/** Takes a message, or refuses it: one reply, in LMTP one for each recipient (RFC 2033 4.2). */
function deliver(session: Session, transaction: Transaction): void {
  const { options, ledger } = session.shared;
  const message = transaction.end();
  const refused = refusal(session, message);
  if (!options.lmtp) {
    if (refused === undefined) take();
    const [number, text] = [ledger.messageCount, refused];
    if (text === undefined) session.reply(250, "2.0.0", `Ok: queued as ${number}`);
    else session.send(`${text}\r\n`);
    return;
  }
  const replies = message.to.map((address) => refused ?? replyFor(options.rejectDelivery, address));
  if (replies.some((reply) => reply === undefined)) take();
  for (const [at, reply] of replies.entries()) {
    if (reply !== undefined) session.send(`${reply}\r\n`);
    else session.reply(250, "2.1.5", `<${Buffer.from(message.to[at] ?? "").toString("latin1")}> delivered`);
  }

  function take(): void {
    const delivered = message.to.filter((_, at) => !options.lmtp || replies[at] === undefined);
    session.messages += 1;
    ledger.take({ ...message, to: delivered }, options.keep !== "count");
  }
}

/** The reply that refuses the whole message. */
function refusal({ shared }: Session, message: SmtpMessage): string | undefined {
  const { features, onMessage } = shared.options;
  if (message.to.length === 0) return "554 5.5.1 No valid recipients";
  if (features.size && message.size > features.size) return "552 5.3.4 The message is too large";
  return onMessage?.(message) ?? undefined;
}
