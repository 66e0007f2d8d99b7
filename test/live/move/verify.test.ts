/** Real servers: what each can prove of a file, which times it keeps, where sources are put away, who is in the way. */
import { createHash } from "node:crypto";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { type MoveOptions, type MoveResult, move, type OnExists } from "../../../src/jobs/index.js";
import { JournalReader } from "../../../src/jobs/journal/journal.js";
import { describeLive } from "../available.js";
import { type Kind, type LiveFtp, start } from "../servers/ftp.js";
import { url } from "./url.js";

let scratch: string;
let server: LiveFtp;
const source = () => join(scratch, "source");

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), "polywire-verify-"));
  mkdirSync(source());
});
afterEach(() => rmSync(scratch, { recursive: true }));

/** `describe` with one server for all its tests. */
function onServer(kind: Kind, name: string, tests: () => void): void {
  describeLive(kind, `${kind}: ${name}`, () => {
    beforeAll(async () => {
      server = await start(kind);
    });
    afterAll(() => server?.stop());
    afterEach(() => {
      for (const each of readdirSync(server.home)) rmSync(join(server.home, each), { recursive: true });
    });
    tests();
  });
}

function put(path: string, content: string | Buffer, time?: string): void {
  writeFileSync(path, content);
  if (time) utimesSync(path, new Date(), new Date(time));
}

function options(more: Partial<MoveOptions> = {}): MoveOptions {
  return { from: source(), to: at("in"), lanes: 2, ...more };
}

/** A served folder: inetutils serves the whole machine. */
const at = (name: string) => url(server, server.folder === "/" ? name : `${server.folder}/${name}`);
const landed = (name: string) => join(server.home, "in", name);
const timeOf = (name: string) => statSync(landed(name)).mtime.toISOString();

const DIGESTS: Readonly<Record<Kind, boolean>> = {
  vsftpd: false,
  proftpd: true,
  pureftpd: false,
  pyftpdlib: false,
  inetutils: false,
};
const TIMES: Readonly<Record<Kind, boolean>> = { ...DIGESTS, vsftpd: true, pureftpd: true, pyftpdlib: true };
/** Times that a server refuses. */
const REFUSED: Partial<Readonly<Record<Kind, readonly string[]>>> = {
  proftpd: ["1965"],
  inetutils: ["1965", "2045", "2026"],
};

for (const kind of Object.keys(DIGESTS) as Kind[]) {
  onServer(kind, "verification", () => {
    const content = Buffer.alloc(300_000, "0123456789");
    const some = () => {
      for (let i = 0; i < 12; i++)
        put(join(source(), `f ${i}.dat`), `content ${i}`.repeat(i), "2026-01-18T21:31:45.678Z");
      put(join(source(), "large.bin"), content, "2026-01-18T21:31:46Z");
    };

    test("by reading back", async () => {
      some();
      const journal = join(scratch, "journal");
      expect(await move(options({ verify: "readback", journal }))).toMatchObject({ moved: 13, failed: 0 });
      expect(readFileSync(landed("large.bin")).equals(content)).toBe(true);
      using reader = JournalReader.read(journal);
      const told = [...reader.files(["DONE"])].find(({ name }) => name === "large.bin")?.digest;
      expect(told).toBe(`sha256:${createHash("sha256").update(content).digest("hex")}`);
    });

    test(
      DIGESTS[kind] ? "by its own digests" : "by digests it has none of is refused, and what to do is told",
      async () => {
        some();
        const moving = move(options({ verify: "hash" }));
        if (!DIGESTS[kind]) return expect(moving).rejects.toThrow(/computes no digests.*readback/);
        expect(await moving).toMatchObject({ moved: 13, failed: 0 });
        expect(readFileSync(landed("large.bin")).equals(content)).toBe(true);
        expect(readFileSync(landed("f 7.dat"), "utf8")).toBe("content 7".repeat(7));
      },
    );

    test(TIMES[kind] ? "by times" : "by times it cannot set ends the job, and the sources stay", async () => {
      some();
      const moving = move(options({ verify: "mtime" }));
      if (!TIMES[kind]) {
        await expect(moving).rejects.toThrow(/no command that sets a file's time/);
        expect([readdirSync(source()).length, readdirSync(join(server.home, "in"))]).toEqual([13, []]);
        return;
      }
      expect(await moving).toMatchObject({ moved: 13, failed: 0, untimed: 0 });
      expect(timeOf("f 3.dat")).toBe("2026-01-18T21:31:45.000Z");
    });

    test("odd times: what it takes is kept to the second, what it refuses is counted", async () => {
      for (const year of ["1965", "2026", "2045"])
        put(join(source(), `${year}.dat`), "x", `${year}-01-18T21:31:45.678Z`);
      const refused = REFUSED[kind] ?? [];
      const result = await move(options());
      expect(result).toMatchObject({ moved: 3, failed: 0, untimed: refused.length });
      for (const year of ["1965", "2026", "2045"])
        expect(timeOf(`${year}.dat`) === `${year}-01-18T21:31:45.000Z`, year).toBe(!refused.includes(year));
    });
  });

  onServer(kind, "the archive", () => {
    test("sources are put away, nothing there is replaced, and no second run finds them", async () => {
      mkdirSync(join(server.home, "out/sub"), { recursive: true });
      mkdirSync(join(server.home, "out/done/18"), { recursive: true });
      for (let i = 0; i < 40; i++) put(join(server.home, "out", i % 2 ? "sub" : "", `f_${i}_18.dat`), `content ${i}`);
      put(join(server.home, "out/done/18/f_0_18.dat"), "older");
      server.handOver();
      const to = join(scratch, "to");
      const more = {
        recursive: true,
        match: "f_{id:d}_{day:2d}.dat",
        source: "archive",
        archiveTo: "done/{day}",
      } as const;
      const job = options({ from: at("out"), to, ...more });
      expect(await move(job)).toMatchObject({ moved: 40, failed: 0, left: 0 });
      const archive = join(server.home, "out/done/18");
      for (let i = 1; i < 40; i++)
        expect(readFileSync(join(archive, i % 2 ? "sub" : "", `f_${i}_18.dat`), "utf8")).toBe(`content ${i}`);
      expect(readFileSync(join(archive, "f_0_18.dat"), "utf8")).toBe("older");
      expect(readFileSync(join(archive, "f_0_18-1.dat"), "utf8")).toBe("content 0");
      expect(readdirSync(join(server.home, "out")).sort()).toEqual(["done", "sub"]);
      expect(await move(job)).toMatchObject({ moved: 0, skipped: 0, failed: 0 });
    });
  });

  onServer(kind, "files that are there already", () => {
    const T = "2026-01-18T12:00:00Z";
    const EARLIER = "2025-01-18T12:00:00Z";
    const LATER = "2027-01-18T12:00:00Z";

    /** The same, a larger one of the same time, an older and a newer one of the same size; and a name that is free. */
    function scene(): void {
      mkdirSync(join(server.home, "in"), { recursive: true });
      const there: [string, string, string][] = [
        ["same", "source", T],
        ["larger", "source and more", T],
        ["older", "older!", EARLIER],
        ["newer", "newer!", LATER],
      ];
      for (const [name, content, time] of there) {
        put(join(source(), `${name}.dat`), "source", T);
        put(landed(`${name}.dat`), content, time);
      }
      put(join(source(), "free.dat"), "source", T);
      server.handOver();
    }

    const what = ({ moved, skipped, conflicts, failed }: MoveResult) => ({ moved, skipped, conflicts, failed });
    const RULES: readonly [OnExists, ReturnType<typeof what>, readonly string[], readonly string[]][] = [
      ["same-skip", { moved: 1, skipped: 1, conflicts: 3, failed: 0 }, ["larger", "newer", "older"], []],
      ["fail", { moved: 1, skipped: 0, conflicts: 4, failed: 0 }, ["larger", "newer", "older", "same"], []],
      ["newer", { moved: 2, skipped: 1, conflicts: 2, failed: 0 }, ["larger", "newer"], ["older"]],
      ["overwrite", { moved: 5, skipped: 0, conflicts: 0, failed: 0 }, [], ["larger", "newer", "older", "same"]],
      ["rename", { moved: 5, skipped: 0, conflicts: 0, failed: 0 }, [], []],
    ];

    test.each(RULES)("%s", async (onExists, counts, stay, replaced) => {
      scene();
      const result = await move(options({ onExists }));
      expect(what(result)).toEqual(counts);
      expect(readdirSync(source()).sort()).toEqual(stay.map((name) => `${name}.dat`));
      const before = { same: "source", larger: "source and more", older: "older!", newer: "newer!" };
      for (const [name, content] of Object.entries(before))
        expect(readFileSync(landed(`${name}.dat`), "utf8"), name).toBe(replaced.includes(name) ? "source" : content);
      expect(readFileSync(landed("free.dat"), "utf8")).toBe("source");
      const renamed = onExists === "rename" ? ["larger-1.dat", "newer-1.dat", "older-1.dat", "same-1.dat"] : [];
      expect(
        readdirSync(join(server.home, "in"))
          .filter((name) => /-1\.dat|\.part/.test(name))
          .sort(),
      ).toEqual(renamed);
      for (const name of renamed) expect(readFileSync(landed(name), "utf8")).toBe("source");
    });
  });
}
