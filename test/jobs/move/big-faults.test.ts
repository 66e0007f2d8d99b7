/** Large files where it goes wrong: what could leave holes or a mixture under a final name, or keep a job from its end. */
import { mkdirSync, readdirSync, readFileSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { PolywireError } from "../../../src/client/errors.js";
import { type MoveOptions, move } from "../../../src/jobs/index.js";
import { Journal } from "../../../src/jobs/journal/journal.js";
import { runMove } from "../../../src/jobs/move/move.js";
import { resolveMove } from "../../../src/jobs/move/options.js";
import { FolderPlace } from "../../../src/jobs/move/places/folder-place.js";
import type { Abilities, FileStat } from "../../../src/jobs/move/places/place.js";
import { type Bed, bed, filesBelow, LONG_AGO } from "./bed.js";

const KIB = 1024;
const SIZE = 4_000 * KIB + 1;
const CONTENT = Buffer.alloc(SIZE);
for (let at = 0; at < SIZE - 4; at += 4) CONTENT.writeUInt32LE(at + 1, at);
const NAME = "large.dat";

/** A folder that behaves as FTP servers do. */
class Served extends FolderPlace {
  override usable = true;
  override readonly abilities: Abilities;
  readonly folder: string;

  constructor(folder: string, abilities: Abilities) {
    super(folder, true);
    this.folder = folder;
    this.abilities = abilities;
  }

  /** The connection ends. */
  lose(): never {
    this.usable = false;
    throw new PolywireError("the connection was lost", { retryable: true });
  }
}

interface Large extends Bed {
  readonly target: string;
  /** Moves to a destination that is made so. */
  run(make: (folder: string) => FolderPlace, more?: Partial<MoveOptions>): ReturnType<typeof runMove>;
}

async function largeBed(): Promise<Large> {
  const made = await bed();
  made.from.tree.write(`/out/${NAME}`, CONTENT, { modified: LONG_AGO });
  const target = join(made.folder, "in");
  mkdirSync(target);
  const { journal } = made;
  const limits = { segmentAbove: 1_000 * KIB, resumeAbove: 500 * KIB, lanes: 4, journal };
  const options = (more: Partial<MoveOptions> = {}) => made.options({ to: target, ...limits, ...more });
  const run: Large["run"] = (make, more) => runMove({ ...resolveMove(options(more)), to: () => make(target) });
  return { ...made, target, options, run };
}

function gate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

async function* heldBy(source: AsyncIterable<Buffer>, opened: Promise<void>): AsyncGenerator<Buffer> {
  await opened;
  yield* source;
}

describe("parts on a server", () => {
  test("the first one is sent again, and the others lose nothing by a STOR that cuts the file off", async () => {
    const made = await largeBed();
    const [one, two, again] = [gate(), gate(), gate()];
    let firsts = 0;
    class Vsftpd extends Served {
      override async writeFrom(name: string, at: number, source: AsyncIterable<Buffer>, signal: AbortSignal) {
        // Without REST a file is made anew.
        if (at === 0) truncateSync(join(this.folder, name), 0);
        const part = Math.floor(((at + 1) / SIZE) * 4);
        if (part === 0 && firsts++ > 0) again.open();
        if (part === 0 && firsts === 1) {
          await super.writeFrom(name, at, source, signal);
          await Promise.all([one.opened, two.opened]);
          throw new PolywireError("the data connection was lost", { retryable: true });
        }
        const isLast = at === SIZE - 1;
        const held = part === 3 && !isLast ? heldBy(source, again.opened) : source;
        const bytes = await super.writeFrom(name, at, held, signal);
        if (part === 1) one.open();
        if (part === 2) two.open();
        return bytes;
      }
    }
    const abilities = { readsFrom: true, writesFrom: true, appends: true, takesParts: true };
    const result = await made.run((folder) => new Vsftpd(folder, abilities));
    expect(firsts).toBe(2);
    expect(result).toMatchObject({ moved: 1, failed: 0, bytes: SIZE });
    expect(readFileSync(join(made.target, NAME)).equals(CONTENT)).toBe(true);
  });

  test("what is left of a trial that cost the connection is not gone on with", async () => {
    const made = await largeBed();
    let lost = 0;
    class PureFtpd extends Served {
      override async writeFrom(name: string, at: number, source: AsyncIterable<Buffer>, signal: AbortSignal) {
        truncateSync(join(this.folder, name), at);
        if (lost++ > 0) return super.writeFrom(name, at, source, signal);
        for await (const chunk of source) {
          await super.writeFrom(name, at, [chunk] as unknown as AsyncIterable<Buffer>, signal);
          break;
        }
        return this.lose();
      }
    }
    const abilities: Abilities = { readsFrom: true, writesFrom: true, appends: true };
    const result = await made.run((folder) => new PureFtpd(folder, abilities));
    expect(lost).toBeGreaterThan(0);
    expect(result).toMatchObject({ moved: 1, failed: 0 });
    expect(readFileSync(join(made.target, NAME)).equals(CONTENT)).toBe(true);
    expect(readdirSync(made.target)).toEqual([NAME]);
  });

  test("no more connections than maxConnections, with those that lanes before it left", async () => {
    const made = await largeBed();
    for (let i = 0; i < 40; i++) made.put(`a${i}.dat`);
    let open = 0;
    let most = 0;
    class Late extends FolderPlace {
      override async stat(names: readonly string[]): Promise<(FileStat | undefined)[]> {
        // The other lanes are to be through by then.
        if (names.includes(NAME)) await new Promise((resolve) => setTimeout(resolve, 500));
        return super.stat(names);
      }
    }
    const resolved = resolveMove(made.options({ lanes: "auto", maxConnections: 3 }));
    const from: typeof resolved.from = (create) => {
      const place = resolved.from(create);
      const [opens, closes] = [place.open.bind(place), place.close.bind(place)];
      let isOpen = false;
      place.open = async (signal) => {
        await opens(signal);
        isOpen = true;
        most = Math.max(most, ++open);
      };
      place.close = async () => {
        await closes();
        if (isOpen) open--;
        isOpen = false;
      };
      return place;
    };
    const result = await runMove({ ...resolved, from, to: () => new Late(made.target, true) });
    expect(result).toMatchObject({ moved: 41, failed: 0 });
    const places = made.from.commands.filter((line) => line.startsWith("REST "));
    expect(places.length, "it went in parts").toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(3);
  });
});

describe("what is gone on with", () => {
  test("a file that ends every connection at the same byte fails; others go through", { timeout: 30_000 }, async () => {
    const made = await largeBed();
    for (let i = 0; i < 5; i++) made.put(`a${i}.dat`);
    const [poison] = [3_000 * KIB];
    class Poisoned extends Served {
      async #until(source: AsyncIterable<Buffer>, at: number): Promise<Buffer> {
        const chunks: Buffer[] = [];
        let bytes = at;
        for await (const chunk of source) {
          chunks.push(chunk);
          bytes += chunk.length;
          if (bytes > poison) break;
        }
        return Buffer.concat(chunks).subarray(0, poison - at);
      }
      override async write(name: string, source: AsyncIterable<Buffer>, signal: AbortSignal) {
        if (!name.startsWith(NAME)) return super.write(name, source, signal);
        await super.write(name, [await this.#until(source, 0)] as unknown as AsyncIterable<Buffer>, signal);
        return this.lose();
      }
      override async writeFrom(name: string, at: number, source: AsyncIterable<Buffer>, signal: AbortSignal) {
        const bytes = [await this.#until(source, at)] as unknown as AsyncIterable<Buffer>;
        await super.writeFrom(name, at, bytes, signal);
        return this.lose();
      }
    }
    const abilities: Abilities = { readsFrom: true, writesFrom: true, appends: true, takesParts: false };
    const result = await made.run((folder) => new Poisoned(folder, abilities), { tries: { retry: 3 }, lanes: 2 });
    expect(result).toMatchObject({ moved: 5, failed: 1, left: 0 });
    expect(result.failures[0]).toMatchObject({ name: NAME, code: "BROKEN" });
    expect(filesBelow(made.from, "/out")).toEqual([NAME]);
  });

  /** A claim, and under its temporary name so much of what the source was. */
  function leave(made: Large, there: Buffer, options: Partial<MoveOptions>, mtime: number | undefined): void {
    const to = made.to.urlOf("/in");
    using journal = Journal.open(made.journal, { settings: resolveMove(made.options({ to, ...options })).settings });
    const planned = { size: SIZE, mtime };
    journal.addListed([{ name: NAME, ...planned }]);
    journal.finishListing();
    const [file] = journal.claim(1);
    journal.probed([{ id: file!.id, destBefore: "absent", ...planned }]);
    made.to.tree.write(`/in/${file!.temp}`, there);
  }

  test("is no file of which nobody tells whether it is still the same", async () => {
    const made = await largeBed();
    const plain = await bed({ features: { mdtm: false, mlsd: false } });
    const now = Buffer.from(CONTENT).fill("newer", 0, 5);
    plain.from.tree.write(`/out/${NAME}`, now, { modified: LONG_AGO });
    const from = plain.from.urlOf("/out");
    leave(made, CONTENT.subarray(0, 2_000 * KIB), { from }, undefined);
    expect(await move(made.options({ from, to: made.to.urlOf("/in") }))).toMatchObject({ moved: 1, failed: 0 });
    expect(made.to.tree.read(`/in/${NAME}`).equals(now)).toBe(true);
  });

  test.each(["hash", "readback"] as const)(
    "%s: what is whole is compared, and nothing of it sent again",
    async (verify) => {
      const made = await largeBed();
      leave(made, CONTENT, { verify }, LONG_AGO.getTime());
      const result = await move(made.options({ to: made.to.urlOf("/in"), verify, segmentAbove: false }));
      expect(result).toMatchObject({ moved: 1, failed: 0, bytes: 0 });
      expect(made.to.tree.read(`/in/${NAME}`).equals(CONTENT)).toBe(true);
      expect(filesBelow(made.to, "/in")).toEqual([NAME]);
    },
  );
});
