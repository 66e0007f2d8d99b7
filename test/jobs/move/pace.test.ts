/** How many lanes a move has: a controller of its own, on a clock of its own, over servers made up of a formula. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Counts, Pace } from "../../../src/jobs/move/lanes/pace.js";

/** What servers give with so many lanes, in a second. */
type Servers = (lanes: number) => Counts;

/** Files of 4 KB. */
const small = (files: number): Counts => ({ files, bytes: files * 4_096 });

/** A job on such servers: looked at every 250 ms, all lanes at work. Gives the number of lanes after each second. */
class Run {
  readonly lanes: number[] = [];
  #at = 0;
  #counts = { files: 0, bytes: 0 };

  constructor(
    readonly pace: Pace,
    readonly servers: Servers,
  ) {}

  get at(): number {
    return this.#at;
  }

  go(seconds: number, { working = (lanes: number) => lanes, room = Number.POSITIVE_INFINITY } = {}): this {
    for (let i = 1; i <= seconds * 4; i++) {
      const lanes = Math.min(working(this.pace.wanted), room);
      const { files, bytes } = this.servers(lanes);
      this.#at += 250;
      this.#counts = { files: this.#counts.files + files / 4, bytes: this.#counts.bytes + bytes / 4 };
      this.pace.look(this.#at, { ...this.#counts, working: lanes, room });
      if (i % 4 === 0) this.lanes.push(this.pace.wanted);
    }
    return this;
  }
}

const auto = (most = 64) => new Pace({ start: 4, most, adaptive: true });

describe("the number of lanes", () => {
  it("doubles every two seconds while all of it is gained, up to the most", () => {
    const run = new Run(auto(), (lanes) => small(lanes * 11)).go(20);
    expect(run.lanes.slice(0, 10)).toEqual([4, 4, 8, 8, 16, 16, 32, 32, 64, 64]);
    expect(run.pace.wanted).toBe(64);
  });

  it("stays at four where more bring nothing: once eight are tried, later one more a minute", () => {
    const run = new Run(auto(), () => small(1_800)).go(300);
    expect(Math.max(...run.lanes)).toBe(8);
    expect(run.lanes.filter((lanes) => lanes === 4).length).toBeGreaterThan(250);
    expect(run.lanes.slice(20).every((lanes) => lanes === 4 || lanes === 5)).toBe(true);
  });

  it("finds a number behind which nothing more is gained: by doubling, or by a step more where that is too much", () => {
    const ended = (best: number) => {
      const { lanes } = new Run(auto(), (many) => small(Math.min(many, best) * 50)).go(120);
      return [Math.min(...lanes.slice(60)), Math.max(...lanes.slice(60))];
    };
    // 32 bring a third more than 16; they are kept, and four more are tried.
    expect(ended(22)).toEqual([32, 36]);
    expect(ended(18)).toEqual([18, 20]);
    expect(ended(9)).toEqual([9, 10]);
  });

  it("goes by bytes where files are big", () => {
    // A file ends every now and then, but the bytes grow with every lane.
    const run = new Run(auto(16), (lanes) => ({ files: 0.01, bytes: lanes * 5_000_000 })).go(10);
    expect(run.pace.wanted).toBe(16);
  });

  it("has one fewer for each connection lost, never less than half of them at a time", () => {
    const run = new Run(auto(), (lanes) => small(lanes * 11)).go(12);
    expect(run.pace.wanted).toBe(64);
    run.pace.lost(run.at);
    expect(run.pace.wanted).toBe(63);
    for (let i = 0; i < 100; i++) run.pace.lost(run.at);
    expect(run.pace.wanted).toBe(32);
    for (let i = 0; i < 100; i++) run.pace.lost(run.at + 6_000);
    expect(run.pace.wanted).toBe(16);
  });

  it("grows again behind a loss, by small steps", () => {
    const run = new Run(auto(), (lanes) => small(lanes * 11)).go(6);
    for (let i = 0; i < 100; i++) run.pace.lost(run.at);
    const [low] = run.go(1).lanes.slice(-1);
    run.go(60);
    const steps = run.lanes.slice(7).map((lanes, i) => lanes - (run.lanes[6 + i] as number));
    expect(Math.max(...steps)).toBeLessThanOrEqual(Math.ceil(64 / 8));
    expect(run.pace.wanted).toBeGreaterThan(low as number);
  });

  it("does not grow while lanes have nothing to do, or a server takes no more", () => {
    const idle = new Run(auto(), (lanes) => small(lanes * 11)).go(60, { working: (lanes) => lanes - 2 });
    expect(idle.pace.wanted).toBe(4);
    const capped = new Run(auto(), (lanes) => small(lanes * 11)).go(60, { room: 3 });
    expect(capped.pace.wanted).toBe(4);
    const roomy = new Run(auto(), (lanes) => small(lanes * 11)).go(60, { room: 11 });
    expect(roomy.pace.wanted).toBe(11);
  });

  it("is what was asked for where that was a number", () => {
    const pace = new Pace({ start: 4, most: 9, adaptive: false });
    pace.lost(0);
    expect(new Run(pace, (lanes) => small(lanes)).go(20).lanes).toEqual(Array(20).fill(9));
  });

  it("stays between one and the most whatever happens, and whatever the clock", () => {
    const event = fc.oneof(
      fc.record({ kind: fc.constant("lost" as const), after: fc.nat(10_000) }),
      fc.record({ kind: fc.constant("refused" as const), after: fc.nat(10_000) }),
      fc.record({
        kind: fc.constant("look" as const),
        after: fc.nat(10_000),
        files: fc.nat(1e6),
        bytes: fc.integer({ min: -1e6, max: 1e9 }),
        working: fc.nat(80),
        room: fc.integer({ min: 1, max: 80 }),
      }),
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 80 }), fc.array(event, { maxLength: 200 }), (most, events) => {
        const pace = auto(most);
        let [at, files, bytes] = [0, 0, 0];
        for (const each of events) {
          at += each.after;
          const before = pace.wanted;
          if (each.kind === "lost") pace.lost(at);
          else if (each.kind === "refused") pace.refused();
          else {
            [files, bytes] = [files + each.files, bytes + each.bytes];
            pace.look(at, { files, bytes, working: each.working, room: each.room });
            // It never grows where there is no room.
            if (pace.wanted > before) expect(pace.wanted).toBeLessThanOrEqual(each.room);
          }
          expect(pace.wanted).toBeGreaterThanOrEqual(1);
          expect(pace.wanted).toBeLessThanOrEqual(most);
        }
      }),
    );
  });

  it("ends near the best number for any server that saturates, with some noise", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 1e6 }), (best, seed) => {
        let state = seed;
        const noise = () => 0.995 + ((state = (state * 48_271) % 2_147_483_647) % 1_000) / 100_000;
        const rate = (lanes: number) => Math.min(lanes, best) * 40;
        const run = new Run(auto(), (lanes) => small(rate(lanes) * noise())).go(600);
        // What it has in the second half is nearly what there was to be had.
        const had = run.lanes.slice(300).reduce((sum, lanes) => sum + rate(lanes), 0) / 300;
        expect(had).toBeGreaterThan(rate(best) * 0.85);
        expect(run.pace.wanted).toBeLessThanOrEqual(Math.max(8, best * 1.6 + 1));
      }),
      { numRuns: 200 },
    );
  });
});
