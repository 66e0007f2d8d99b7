/** Feeds the same bytes in every way a network may cut them. */
import { expect } from "vitest";
import type { Reply } from "../../src/client/session.js";
import type { BodyReader, Grammar } from "../../src/wire/reply.js";
import { ReplyStream } from "../../src/wire/reply-stream.js";

/** What came out of a stream: replies, bodies and ends of bodies, in order; or the error that ended it. */
export interface Heard {
  events: (Reply | string)[];
  error?: string;
  partial: boolean;
}

export type Body = (reply: Reply, into: string[]) => BodyReader | undefined;

export function bytesOf(text: string): Buffer {
  return Buffer.from(text, "latin1");
}

/** Feeds the pieces to a new stream. */
export function hear(grammar: Grammar, pieces: readonly Buffer[], body?: Body, limit?: number): Heard {
  const stream = new ReplyStream(grammar, limit);
  const events: (Reply | string)[] = [];
  let held: string[] = [];
  const owner = {
    reply: (reply: Reply) => {
      events.push(reply);
      held = [];
      return body?.(reply, held);
    },
    bodyEnd: () => void events.push(held.join("")),
  };
  try {
    // The stream may keep nothing of a chunk: its owner uses it again.
    for (const piece of pieces) {
      const lent = Buffer.from(piece);
      stream.push(lent, owner);
      lent.fill(0x58);
    }
    return { events, partial: stream.partial };
  } catch (error) {
    return { events, error: (error as Error).message, partial: true };
  }
}

/** The bytes whole, cut in two at every place, and one by one: always the same. Gives what was heard. */
export function hearEverywhere(grammar: () => Grammar, bytes: Buffer, body?: Body): Heard {
  const whole = hear(grammar(), [bytes], body);
  for (let at = 0; at <= bytes.length; at++) {
    expect(hear(grammar(), [bytes.subarray(0, at), bytes.subarray(at)], body), `cut at ${at}`).toEqual(whole);
  }
  const single = Array.from({ length: bytes.length }, (_, at) => bytes.subarray(at, at + 1));
  expect(hear(grammar(), single, body), "byte by byte").toEqual(whole);
  return whole;
}

/** The code and text of each reply. */
export function replies(heard: Heard): string[] {
  return heard.events.map((event) => (typeof event === "string" ? event : `${event.code}|${event.text}`));
}
