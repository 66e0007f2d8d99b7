/** Many messages, put together as many as go into one command: read while the loop takes its rows, sent when they are read. */
import type { Feed } from "../client/rows.js";
import type { CallOptions } from "../client/session.js";
import { unsent, Wait } from "../net/unsent.js";
import type { ReadyMessage } from "./append.js";
import { type AppendedOne, appendWords, type BatchResult, type NewMessage } from "./append.js";
import type { ImapLine } from "./line.js";
import { readLiteral } from "./message-literal.js";

/** Messages of one command, and their bytes. */
const BATCH = 100;
const BATCH_BYTES = 4 * 1024 * 1024;

/** What a row of two numbers takes in memory, in bytes, about. */
const ROW = 100;

/** Messages, at hand or still to come. */
export type NewMessages = Iterable<NewMessage> | AsyncIterable<NewMessage>;

/** What sends them. */
export interface BatchSender {
  /** Bytes of one message that go into memory. */
  readonly most: number;
  /** The connection, when it is this call's turn. */
  line(): Promise<ImapLine>;
  /** Sends a batch, whose first message is the one of this number. */
  send(batch: readonly ReadyMessage[], first: number): Promise<BatchResult>;
}

/** Sends all messages, and gives the rows of those that are in. A source that is silent is waited for as long as the loop is. */
export async function sendBatches(
  messages: NewMessages,
  { signal }: Pick<CallOptions, "signal">,
  feed: Feed<AppendedOne>,
  sender: BatchSender,
): Promise<void> {
  const wait = new Wait();
  let room: (() => void) | undefined;
  const leaving = new Promise<undefined>((resolve) => {
    feed.cancel = () => {
      wait.leave();
      room?.();
      resolve(undefined);
    };
  });
  feed.resume = () => room?.();
  const line = await sender.line();
  const ready = batches(messages, sender.most, wait);
  const next = (each: Wait) => {
    each.onLeft = () => wait.leave();
    return ready.next();
  };
  let reading = false;
  try {
    for (let sent = 0; !wait.left; ) {
      reading = true;
      const step = await Promise.race([unsent(line, { signal }, next), leaving]);
      if (step === undefined || step.done) return;
      reading = false;
      const { rows, failure } = await sender.send(step.value, sent);
      sent += step.value.length;
      // Room is waited for where no call is running: those of the loop have their turn.
      const full = rows.length > 0 && !feed.push(rows, rows.length * ROW);
      if (failure) throw failure.error;
      if (full && !wait.left) await new Promise<void>((resolve) => (room = resolve));
    }
  } finally {
    const closed = ready.return(undefined);
    if (reading) closed.catch(() => {});
    else await closed;
  }
}

/** The batches. Throws UsageError, SinkError. */
async function* batches(
  messages: NewMessages,
  most: number,
  wait: Wait,
): AsyncGenerator<ReadyMessage[], undefined, undefined> {
  let batch: ReadyMessage[] = [];
  let bytes = 0;
  for await (const { content, flags, date } of messages) {
    const words = appendWords({ flags, date });
    const literal = await readLiteral(content, most, wait);
    if (wait.left) return;
    if (batch.length === BATCH || (batch.length > 0 && bytes + literal.size > BATCH_BYTES)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push({ words, literal });
    bytes += literal.size;
  }
  if (batch.length > 0) yield batch;
}
