/** Small files between real servers of every make, and back one command at a time: all arrive, whole, with their times. */
import { mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { move } from "../../../src/jobs/index.js";
import { describeLive } from "../available.js";
import { type Kind, start } from "../servers/ftp.js";
import { url } from "./url.js";

const FILES = 300;
const nameOf = (i: number) => `sensor_${String(i).padStart(5, "0")} of noon.dat`;
const contentOf = (i: number) => `this is file ${i}\n`.repeat((i * 37) % 900);
const timeOf = (i: number) => 1_740_000_000 + i * 61;

const PAIRS: readonly (readonly [Kind, Kind])[] = [
  ["vsftpd", "proftpd"],
  ["proftpd", "pureftpd"],
  ["pureftpd", "pyftpdlib"],
  ["pyftpdlib", "vsftpd"],
];

function fill(folder: string): void {
  mkdirSync(folder);
  for (let i = 0; i < FILES; i++) {
    writeFileSync(join(folder, nameOf(i)), contentOf(i));
    utimesSync(join(folder, nameOf(i)), timeOf(i), timeOf(i));
  }
}

function expectAll(folder: string): void {
  expect(readdirSync(folder).sort()).toEqual(Array.from({ length: FILES }, (_, i) => nameOf(i)));
  for (let i = 0; i < FILES; i++) {
    expect(readFileSync(join(folder, nameOf(i)), "latin1"), nameOf(i)).toBe(contentOf(i));
    expect(Math.floor(statSync(join(folder, nameOf(i))).mtimeMs / 1000), nameOf(i)).toBe(timeOf(i));
  }
}

describeLive(["vsftpd", "proftpd", "pureftpd", "pyftpdlib"], "small files", () => {
  test.each(PAIRS)(
    "go from %s to %s in packs, and back one command at a time",
    { timeout: 120_000 },
    async (...kinds) => {
      const [one, other] = await Promise.all(kinds.map((kind) => start(kind)));
      if (!one || !other) throw new Error("both are started");
      try {
        fill(join(one.home, "out"));
        one.handOver();
        const all = { moved: FILES, failed: 0, conflicts: 0, left: 0 };
        expect(await move({ from: url(one, "out"), to: url(other, "in"), lanes: 4 })).toMatchObject(all);
        expectAll(join(other.home, "in"));
        expect(readdirSync(join(one.home, "out"))).toEqual([]);
        const [from, to] = [url(other, "in"), url(one, "back")].map((each) => ({ url: each, pipelining: 1 }));
        if (!from || !to) throw new Error("both have a URL");
        expect(await move({ from, to, lanes: 4 })).toMatchObject(all);
        expectAll(join(one.home, "back"));
        expect(readdirSync(join(other.home, "in"))).toEqual([]);
      } finally {
        await Promise.all([one.stop(), other.stop()]);
      }
    },
  );
});
