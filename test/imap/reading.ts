/** Feeds the same bytes to a ResponseReader in every way a network may cut them. */
import { expect } from "vitest";
import type { Cursor } from "../../src/imap/cursor.js";
import type { Response } from "../../src/imap/response.js";
import { type ResponseEvents, type ResponseLimits, ResponseReader } from "../../src/imap/response-reader.js";

export const LIMITS: ResponseLimits = { line: 1 << 20, reply: 1 << 20, body: 1 << 24 };

/** A response as it compares: what was read, literals as text with one character per byte. */
export interface Read {
  kind: string;
  tag: string;
  name: string;
  number: number | undefined;
  raw: string;
  literals: (string | number)[];
}

/** What came out: responses, and the bytes that sinks took, in order; or the error that ended it. */
export interface Heard {
  events: (Read | string)[];
  error?: string;
  partial: boolean;
}

export interface Setup {
  limits?: Partial<ResponseLimits>;
  /** True for the literals that go to a sink. */
  sinks?(head: Response, size: number): boolean;
}

export function bytesOf(text: string): Buffer {
  return Buffer.from(text, "latin1");
}

export function shown({ kind, tag, name, number, raw, literals }: Response): Read {
  const texts = literals.map((each) => (typeof each === "number" ? each : each.toString("latin1")));
  return { kind, tag, name, number, raw, literals: texts };
}

/** Feeds the pieces to a new reader. */
export function hear(pieces: readonly Buffer[], { limits, sinks }: Setup = {}): Heard {
  const reader = new ResponseReader({ ...LIMITS, ...limits });
  const events: (Read | string)[] = [];
  let sunk: string | undefined;
  const end = () => {
    if (sunk !== undefined) events.push(`sunk ${sunk}`);
    sunk = undefined;
  };
  const owner: ResponseEvents = {
    response: (response) => {
      end();
      events.push(shown(response));
    },
    literal: (head, size) => {
      end();
      if (!sinks?.(head, size)) return undefined;
      sunk = "";
      return (piece) => void (sunk += piece.toString("latin1"));
    },
  };
  try {
    // The reader may keep nothing of a chunk: its owner uses it again.
    for (const piece of pieces) {
      const lent = Buffer.from(piece);
      reader.push(lent, owner);
      lent.fill(0x58);
    }
    return { events, partial: reader.partial };
  } catch (error) {
    return { events, error: (error as Error).message, partial: true };
  }
}

/** The bytes whole, cut in two at every place, and one by one: always the same. Gives what was heard. */
export function hearEverywhere(text: string, setup: Setup = {}): Heard {
  const bytes = bytesOf(text);
  const whole = hear([bytes], setup);
  for (let at = 0; at <= bytes.length; at++) {
    expect(hear([bytes.subarray(0, at), bytes.subarray(at)], setup), `cut at ${at}`).toEqual(whole);
  }
  const single = Array.from({ length: bytes.length }, (_, at) => bytes.subarray(at, at + 1));
  expect(hear(single, setup), "byte by byte").toEqual(whole);
  return whole;
}

/** The responses of a text as a server sends it. */
export function responsesOf(text: string): Response[] {
  const reader = new ResponseReader(LIMITS);
  const all: Response[] = [];
  reader.push(bytesOf(text), { response: (response) => void all.push(response) });
  expect(reader.partial, "the text ends with a whole response").toBe(false);
  return all;
}

/** The one response of a line, its CR LF left out. */
export function responseOf(line: string): Response {
  const all = responsesOf(`${line}\r\n`);
  expect(all).toHaveLength(1);
  return all[0]!;
}

/** A cursor over values as a server sends them, literals among them. */
export function cursorOf(values: string): Cursor {
  return responseOf(`* X ${values}`).cursor();
}

/** The same values with a literal for each quoted string. */
export function withLiterals(values: string): string {
  return values.replace(/"((?:[^"\\]|\\.)*)"/g, (_, inside: string) => {
    const text = inside.replace(/\\(.)/g, "$1");
    return `{${text.length}}\r\n${text}`;
  });
}

/** The same through quoted strings and through literals; gives it. */
export function bothForms<T>(values: string, read: (cursor: Cursor) => T): T {
  const quoted = read(cursorOf(values));
  expect(read(cursorOf(withLiterals(values))), "with literals").toEqual(quoted);
  return quoted;
}
