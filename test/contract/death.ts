/** The server dies, at every byte of all that it says: an error for each call whose answer was not whole, and no hanging. */
import { describe, expect, test } from "vitest";
import { ConnectionError, TimeoutError } from "../../src/client/errors.js";
import type { Timeouts } from "../../src/client/options.js";
import { type Bed, QUICK, settling } from "./bed.js";
import { type Death, type Recording, replay } from "./recording.js";
import type { Subject } from "./row.js";

/** Calls one behind the other, or all of them at once. */
type Manner = "in turn" | "at once";

/** Milliseconds that thousands of sessions may take on a machine that is busy. */
const LONG = 120_000;
/** How many servers die at one time. */
const TOGETHER = 32;

type Outcome = readonly [index: number, error: unknown];

/** A whole session but for the goodbye. `over` is called when a call is. */
async function session({ client, work }: Subject, manner: Manner, over = (_index: number) => {}): Promise<Outcome[]> {
  const calls = [() => client.connect(), () => client.login(), () => client.noop(), ...work];
  const tell = (index: number) => (call: Promise<unknown>) => call.finally(() => over(index));
  if (manner === "at once") {
    const settled = await settling(calls.map((call, index) => tell(index)(call())));
    return settled.sort(([a], [b]) => a - b);
  }
  const outcomes: Outcome[] = [];
  for (const [index, call] of calls.entries()) {
    const [[, error]] = (await settling([tell(index)(call())])) as [Outcome];
    outcomes.push([index, error]);
  }
  return outcomes;
}

async function record(bed: Bed, manner: Manner): Promise<Recording> {
  const met = await bed.meet(bed.row.steady);
  const { relay } = met;
  // Else it would not be known which byte was the last one of an answer.
  relay.byByte = true;
  const ends: number[] = [];
  const outcomes = await session(met, manner, (index) => void (ends[index] = relay.heard));
  expect(outcomes).toEqual(outcomes.map((_, index) => [index, undefined]));
  await met.client.quit();
  await relay.close();
  const { pieces } = relay;
  return { pieces, ends, total: pieces.reduce((sum, { bytes }) => sum + bytes.length, 0) };
}

/** What becomes of the calls where the server dies there. */
async function outcomesOf(bed: Bed, recording: Recording, manner: Manner, bytes: number, death: Death, wait: Timeouts) {
  const { port, close } = await replay(recording, bytes, death);
  const { user, password } = bed.place;
  const credentials = { user, password };
  const subject = bed.row.client({
    ...{ host: "127.0.0.1", port, security: "plain", credentials },
    ...{ timeouts: wait, ...bed.row.steady },
  });
  try {
    const outcomes = await session(subject, manner);
    await subject.client.quit();
    expect(subject.client.state).toBe("closed");
    return outcomes.map(([, error]) => error);
  } finally {
    await close();
  }
}

/** Looks at many places, some of them at a time. */
async function each(places: readonly number[], look: (at: number) => Promise<void>, most = TOGETHER): Promise<void> {
  const left = [...places];
  const lane = async () => {
    for (let at = left.shift(); at !== undefined; at = left.shift()) await look(at);
  };
  await Promise.all(Array.from({ length: most }, lane));
}

/** Around the beginning, the middle and the end of all that the server says. */
function around({ pieces }: Recording): number[] {
  let from = 0;
  const places = pieces.flatMap(({ bytes: { length } }) => {
    const begins = from;
    from += length;
    return [begins + 1, begins + (length >> 1), from - 1, from];
  });
  return [...new Set([0, ...places])];
}

const everyByte = ({ total }: Recording) => Array.from({ length: total }, (_, at) => at);

/** What a server has said is played again and cut, here and there or at every byte. */
export function checkDeath(bed: Bed, where: "at every byte" | "here and there"): void {
  const placesIn = where === "at every byte" ? everyByte : around;

  describe("a server that dies", () => {
    test(`by hanging up, ${where}: exactly the calls whose answers were not whole fail`, {
      timeout: LONG,
    }, async () => {
      const recording = await record(bed, "at once");
      await each(placesIn(recording), async (at) => {
        const errors = await outcomesOf(bed, recording, "at once", at, "close", QUICK);
        const whole = recording.ends.map((end) => end <= at);
        expect(
          errors.map((error) => error === undefined),
          `behind byte ${at}`,
        ).toEqual(whole);
        for (const error of errors) {
          if (error === undefined) continue;
          expect(error, `behind byte ${at}`).toBeInstanceOf(ConnectionError);
          // It is noticed, not waited for.
          expect(error, `behind byte ${at}`).not.toBeInstanceOf(TimeoutError);
        }
      });
    });

    test("by a reset: every call whose answer was not whole fails", async () => {
      const recording = await record(bed, "in turn");
      await each(around(recording), async (at) => {
        // What came in front of a reset may be lost with it.
        const errors = await outcomesOf(bed, recording, "in turn", at, "reset", QUICK);
        for (const [index, error] of errors.entries()) {
          if ((recording.ends[index] as number) > at)
            expect(error, `behind byte ${at}`).toBeInstanceOf(ConnectionError);
        }
      });
    });

    test("by silence: every call whose answer was not whole fails", async () => {
      const recording = await record(bed, "at once");
      const wait = { connect: 5_000, greeting: 100, command: 100, idle: 100, quit: 50 };
      await each(around(recording), async (at) => {
        const errors = await outcomesOf(bed, recording, "at once", at, "silence", wait);
        for (const [index, error] of errors.entries()) {
          if ((recording.ends[index] as number) <= at) continue;
          expect(error, `behind byte ${at}`).toBeInstanceOf(ConnectionError);
          // What says that a message was not sent says why by its cause.
          const { cause } = error as Error;
          expect(cause instanceof TimeoutError ? cause : error, `behind byte ${at}`).toBeInstanceOf(TimeoutError);
        }
      });
    });

    test.runIf(where === "at every byte")("anywhere in a handshake, and under TLS", async () => {
      const whole = await bed.meet({ security: "starttls" });
      const calls = (await session(whole, "in turn")).length;
      // What the server says behind the last answer is no answer, and a handshake is not always as long.
      const sure = whole.relay.heard - 100;
      await whole.client.quit();
      const places = Array.from({ length: Math.ceil(sure / 100) }, (_, i) => i * 100);
      const look = async (at: number) => {
        const met = await bed.meet({ security: "starttls" });
        met.relay.cutAt = at;
        const errors = (await session(met, "at once")).map(([, error]) => error);
        await met.client.quit();
        const first = errors.findIndex((error) => error !== undefined);
        expect(first, `behind byte ${at}`).not.toBe(-1);
        const lost = errors.slice(first);
        expect([first + lost.length, met.client.state]).toEqual([calls, "closed"]);
        for (const error of lost) expect(error, `behind byte ${at}`).toBeInstanceOf(ConnectionError);
      };
      await each(places, look, bed.row.sessions);
    });
  });
}
