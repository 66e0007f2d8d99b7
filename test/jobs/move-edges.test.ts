/** A move where things are odd: what could lose, double or half-publish a file, stop the job for one file, or never end. */
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type MoveOptions, move } from "../../src/jobs/index.js";
import { Journal } from "../../src/jobs/journal/journal.js";
import { resolveMove } from "../../src/jobs/move/options.js";
import { FtpServer } from "../../src/testing/index.js";

// The same rules, but no long waits.
vi.mock(import("../../src/jobs/move/lanes/retry.js"), async (original) => ({
  ...(await original()),
  delay: (attempt: number) => Math.min(100, 5 * 2 ** attempt),
}));

let folder: string;
let from: FtpServer;
let to: FtpServer;
/** Called with each command before it is done. */
let onFrom: (line: string) => void;
let onTo: (line: string) => void;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "polywire-edges-"));
  onFrom = onTo = () => {};
  from = await FtpServer.start({ onCommand: (line) => onFrom(line) });
  to = await FtpServer.start({ onCommand: (line) => onTo(line) });
  from.tree.mkdir("/out");
  to.tree.mkdir("/in");
});
afterEach(async () => {
  vi.restoreAllMocks();
  await Promise.all([from.close(), to.close()]);
  rmSync(folder, { recursive: true });
});

const WHEN = new Date("2026-01-18T10:00:00Z");

function put(name: string, content = `content of ${name}`, modified = WHEN): void {
  from.tree.write(`/out/${name}`, content, { modified });
}

function options(more: Partial<MoveOptions> = {}): MoveOptions {
  return { from: from.urlOf("/out"), to: to.urlOf("/in"), lanes: 2, ...more };
}

const inTarget = () => to.tree.list("/in");
const inSource = () => from.tree.list("/out");
const targets = () => Object.fromEntries(inTarget().map((name) => [name, to.tree.read(`/in/${name}`).toString()]));

describe("one folder under two names", () => {
  test("is found out before anything is removed", async () => {
    for (let i = 0; i < 5; i++) put(`${i}.dat`);
    const same = from.urlOf("/in/../out");
    await expect(move(options({ to: same }))).rejects.toThrow(/same folder/);
    await expect(move(options({ to: same, onExists: "overwrite" }))).rejects.toThrow(/same folder/);
    await expect(move(options({ to: same, onExists: "rename" }))).rejects.toThrow(/same folder/);
    expect(inSource()).toEqual(["0.dat", "1.dat", "2.dat", "3.dat", "4.dat"]);
  });

  test("a route that gives the name itself removes nothing", async () => {
    put("a.dat");
    const result = await move(options({ to: from.urlOf("/./out"), route: ({ name }) => name }));
    expect(result).toMatchObject({ moved: 0, skipped: 0, failures: [{ state: "FAILED", code: "ROUTE" }] });
    expect(inSource()).toEqual(["a.dat"]);
  });

  test("with a subfolder as target of some, those move", async () => {
    put("a.dat");
    put("b.dat");
    from.tree.write("/out/old/b.dat", "content of b.dat", { modified: WHEN });
    const result = await move(options({ to: from.urlOf("/./out"), match: "*.dat", route: "old/{name}" }));
    expect(result).toMatchObject({ moved: 1, skipped: 1 });
    expect(from.tree.list("/out/old")).toEqual(["a.dat", "b.dat"]);
    expect(inSource()).toEqual(["old"]);
  });

  test("files are renamed in place; a target that would be a source again is refused", async () => {
    put("a.dat");
    put("b.dat");
    expect(await move(options({ to: from.urlOf("/out"), match: "a.dat", route: "{name}.bak" }))).toMatchObject({
      moved: 1,
    });
    const result = await move(options({ to: from.urlOf("/out"), match: "*", route: "{name}.bak" }));
    expect(result).toMatchObject({ moved: 0, failed: 2 });
    expect(result.failures[0]).toMatchObject({ code: "ROUTE" });
    expect(inSource()).toEqual(["a.dat.bak", "b.dat"]);
  });
});

describe("two sources of one final name", () => {
  const ROUTED = { match: "{n:d}_{rest}", route: "{rest}" };

  test("the same size and time do not make them the same file", async () => {
    put("1_a.dat", "first");
    expect(await move(options(ROUTED))).toMatchObject({ moved: 1 });
    put("2_a.dat", "other");
    expect(await move(options(ROUTED))).toMatchObject({ moved: 0, skipped: 0, conflicts: 1 });
    expect(targets()).toEqual({ "a.dat": "first" });
    expect(inSource()).toEqual(["2_a.dat"]);
  });

  test("copies of one file are one file, where one of them was moved before", async () => {
    put("1_a.dat", "first");
    expect(await move(options(ROUTED))).toMatchObject({ moved: 1 });
    put("2_a.dat", "first");
    expect(await move(options(ROUTED))).toMatchObject({ moved: 0, skipped: 1 });
    expect(inSource()).toEqual([]);
  });

  test("in one listing, neither is touched, whatever they hold and whatever the rule for files that are there", async () => {
    for (const onExists of ["same-skip", "fail", "overwrite"] as const) {
      put("1_a.dat", "first");
      put("2_a.dat", "first");
      put("3_b.dat", "alone");
      const result = await move(options({ ...ROUTED, onExists }));
      expect(result, onExists).toMatchObject({ moved: 1, conflicts: 2, left: 0 });
      expect(result.failures.map(({ name, code }) => [name, code])).toEqual([
        ["1_a.dat", "COLLISION"],
        ["2_a.dat", "COLLISION"],
      ]);
      expect(targets()).toEqual({ "b.dat": "alone" });
      expect(inSource()).toEqual(["1_a.dat", "2_a.dat"]);
      to.tree.remove("/in/b.dat");
    }
  });

  test("a next run moves the one that is left when the other was taken away", async () => {
    put("1_a.dat", "first");
    put("2_a.dat", "other");
    const journal = join(folder, "j");
    expect(await move(options({ ...ROUTED, journal }))).toMatchObject({ moved: 0, conflicts: 2 });
    expect(await move(options({ ...ROUTED, journal }))).toMatchObject({ moved: 0, conflicts: 2 });
    from.tree.remove("/out/2_a.dat");
    expect(await move(options({ ...ROUTED, journal }))).toMatchObject({ moved: 1, conflicts: 0, gone: 0 });
    expect(targets()).toEqual({ "a.dat": "first" });
  });

  test("one that changes does not slip past the one it collides with", async () => {
    put("1_a.dat", "first");
    put("2_a.dat", "other");
    const journal = join(folder, "j");
    const again = { ...ROUTED, journal, retryFailed: false };
    expect(await move(options(again))).toMatchObject({ moved: 0, conflicts: 2 });
    put("1_a.dat", "first and longer");
    expect(await move(options(again))).toMatchObject({ moved: 0, conflicts: 2 });
    expect(inTarget()).toEqual([]);
  });

  test("with onExists rename each gets a name of its own", async () => {
    for (let i = 0; i < 60; i++) put(`${i}_a.dat`, `${i}`);
    const result = await move(options({ match: "{n:d}_{rest}", route: "{rest}", lanes: 8, onExists: "rename" }));
    expect(result).toMatchObject({ moved: 60, conflicts: 0, left: 0 });
    expect(
      Object.values(targets())
        .map(Number)
        .sort((a, b) => a - b),
    ).toEqual(Array.from({ length: 60 }, (_, i) => i));
  });
});

describe("what arrives", () => {
  test("an upload that is cut, and confirmed all the same, never gets the final name", async () => {
    for (let i = 0; i < 20; i++) put(`${i}.dat`, "x".repeat(5_000));
    Object.assign(to.faults, { cutDataAt: 1_000, cutDataCleanly: true, dataFaultsOn: "STOR", dataFaultsTimes: 8 });
    const half: string[] = [];
    onTo = (line) => {
      const temp = /^RNFR (.*)$/.exec(line)?.[1];
      if (temp && to.tree.stat(`/in/${temp}`)?.size !== 5_000) half.push(temp);
    };
    expect(await move(options())).toMatchObject({ moved: 20, conflicts: 0, failed: 0 });
    expect(half).toEqual([]);
    expect(inTarget()).toHaveLength(20);
  });

  test("what is taken away as soon as it is there is moved once", async () => {
    for (let i = 0; i < 20; i++) put(`${i}.dat`);
    onTo = (line) => {
      if (line.startsWith("RNTO")) setImmediate(() => to.tree.remove(`/in/${line.slice(5)}`));
    };
    expect(await move(options())).toMatchObject({ moved: 20, failed: 0 });
    expect(to.commands.filter((line) => line.startsWith("STOR"))).toHaveLength(20);
    expect(inSource()).toEqual([]);
  });

  test("has its time from the moment it has its name", async () => {
    for (let i = 0; i < 20; i++) put(`${i}.dat`);
    const times: unknown[] = [];
    onTo = (line) => {
      if (line.startsWith("RNTO"))
        setImmediate(() => times.push(to.tree.stat(`/in/${line.slice(5)}`)?.modified.getTime()));
    };
    expect(await move(options())).toMatchObject({ moved: 20 });
    expect(times).toEqual(Array(20).fill(WHEN.getTime()));
  });

  test("without times, its rename unanswered and its bytes refused once: a later try finds it, and nothing conflicts", async () => {
    put("a.dat");
    // Neither the reply to RNTO nor, when it was lost, the copy itself.
    to.faults.reply = { MFMT: "501 No", RETR: { reply: "550 Busy", times: 2 } };
    to.faults.loseReply = { command: "RNTO" };
    expect(await move(options())).toMatchObject({ moved: 0, skipped: 1, conflicts: 0, failed: 0 });
    expect(targets()).toEqual({ "a.dat": "content of a.dat" });
    expect(inSource()).toEqual([]);
  });

  test("bytes are counted once, however often they were sent", async () => {
    for (let i = 0; i < 20; i++) put(`${i}.dat`, "x".repeat(3_000));
    Object.assign(from.faults, { cutDataAt: 2_000, dataFaultsOn: "RETR", dataFaultsTimes: 7 });
    to.faults.loseReply = { command: "RNTO", times: 1 };
    expect(await move(options())).toMatchObject({ moved: 20, bytes: 60_000 });
  });

  test("temporary files of other jobs are no sources", async () => {
    put("a.dat");
    put("b.dat.abcdefgh12.part");
    expect(await move(options({ match: "*" }))).toMatchObject({ moved: 1, passedOver: 1 });
    expect(inSource()).toEqual(["b.dat.abcdefgh12.part"]);
  });

  test("names of 255 bytes, of blanks, and empty files move", async () => {
    const names = [`${"n".repeat(251)}.dat`, `${"n".repeat(250)}m.dat`, " a ", "  ", "-rf", "a b.dat", "%2e"];
    for (const name of names) put(name, name === " a " ? "" : name);
    expect(await move(options())).toMatchObject({ moved: names.length, failed: 0 });
    expect(inTarget()).toEqual(names.sort());
    expect(targets()).toMatchObject({ " a ": "", "-rf": "-rf" });
  });
});

test("another file that takes the final name during a long transfer stays, and so does the source", async () => {
  put("a.dat", "x".repeat(300_000));
  onTo = (line) => {
    if (line.startsWith("STOR")) to.tree.write("/in/a.dat", "foreign");
  };
  expect(await move(options({ maxBytesPerSecond: 100_000 }))).toMatchObject({ moved: 0, conflicts: 1 });
  expect(targets()).toEqual({ "a.dat": "foreign" });
  expect(inSource()).toEqual(["a.dat"]);
});

describe("a source that changes under our hands", () => {
  const sizes = new Map<string, number>();
  /** Runs `then` when a name is looked at for the nth time: before the publication, and before a removal long behind it. */
  const atLook = (n: number, name: string, then: () => void) => {
    sizes.clear();
    onFrom = (line) => {
      if (line !== `SIZE ${name}`) return;
      sizes.set(name, (sizes.get(name) ?? 0) + 1);
      if (sizes.get(name) === n) then();
    };
  };

  test("vanishes when it was read: what arrived is kept, for it is the only copy", async () => {
    put("a.dat");
    atLook(1, "a.dat", () => from.tree.remove("/out/a.dat"));
    expect(await move(options())).toMatchObject({ moved: 1 });
    expect(targets()).toEqual({ "a.dat": "content of a.dat" });
  });

  test("vanishes, and the final name is refused: what arrived stays under its temporary name", async () => {
    put("a.dat");
    atLook(1, "a.dat", () => from.tree.remove("/out/a.dat"));
    to.faults.reply = { RNTO: "553 No" };
    const result = await move(options());
    expect(result).toMatchObject({ moved: 0, failed: 1 });
    expect(result.warnings.join()).toContain("was kept");
    expect(Object.values(targets())).toEqual(["content of a.dat"]);
  });

  test("has grown since it was listed: it is moved as it is now, at the first try", async () => {
    put("a.dat");
    onFrom = (line) => {
      if (line === "MDTM a.dat") put("a.dat", "content of a.dat, and more", WHEN);
    };
    expect(await move(options({ tries: { fail: 1, retry: 1 } }))).toMatchObject({ moved: 1, failed: 0 });
    expect(targets()).toEqual({ "a.dat": "content of a.dat, and more" });
  });

  test("has grown since it was listed, and vanishes when it was read: what arrived is kept", async () => {
    put("a.dat");
    onFrom = (line) => {
      if (line === "RETR a.dat") put("a.dat", "content of a.dat, and more", WHEN);
      if (line === "SIZE a.dat") from.tree.remove("/out/a.dat");
    };
    const result = await move(options());
    expect(result).toMatchObject({ moved: 0, failed: 1 });
    expect(result.warnings.join()).toContain("was kept");
    expect(Object.values(targets())).toEqual(["content of a.dat, and more"]);
  });

  test("is written anew before it is published: the new content is moved", async () => {
    put("a.dat");
    atLook(1, "a.dat", () => put("a.dat", "new content", new Date("2026-02-01")));
    expect(await move(options())).toMatchObject({ moved: 1, conflicts: 0 });
    expect(targets()).toEqual({ "a.dat": "new content" });
  });

  test("is written anew behind the publication: it is not removed", async () => {
    put("a.dat");
    atLook(2, "a.dat", () => put("a.dat", "new content", new Date("2026-02-01")));
    onTo = (line) => {
      if (line.startsWith("RNFR")) to.faults.replyDelay = 150;
    };
    expect(await move(options())).toMatchObject({ moved: 0, conflicts: 1 });
    expect(targets()).toEqual({ "a.dat": "content of a.dat" });
    expect(from.tree.read("/out/a.dat").toString()).toBe("new content");
  });
});

describe("one odd file does not stop the others", () => {
  test("a name the server lists but does not find fails, and is not gone; the listing is not repeated for ever", {
    timeout: 10_000,
  }, async () => {
    for (let i = 0; i < 5; i++) put(`${i}.dat`);
    from.faults.reply = { "SIZE 3.dat": "550 No such file", "MDTM 3.dat": "550 No such file" };
    const { moved, gone, failures } = await move(options());
    expect({ moved, gone }).toEqual({ moved: 4, gone: 0 });
    expect(failures).toMatchObject([{ name: "3.dat", state: "FAILED", code: "LISTED" }]);
    expect(from.commands.filter((line) => line.startsWith("MLSD")).length).toBeLessThan(4);
  });

  test("a file whose size is refused fails alone", async () => {
    for (let i = 0; i < 5; i++) put(`${i}.dat`);
    from.faults.reply = { "SIZE 3.dat": "553 Not now" };
    expect(await move(options())).toMatchObject({ moved: 4, failed: 1 });
    expect(inSource()).toEqual(["3.dat"]);
  });

  test("a server without SIZE stops the job at once, with a clear error", async () => {
    put("a.dat");
    from.faults.reply = { SIZE: "502 not implemented" };
    await expect(move(options())).rejects.toThrow(/SIZE.*502/);
  });

  test("a file that ends the server's session each time fails alone", async () => {
    for (let i = 0; i < 30; i++) put(`${i}.dat`);
    from.faults.closeBeforeCommand = { command: "RETR 3.dat", times: 1e9 };
    expect(await move(options({ lanes: 1 }))).toMatchObject({ moved: 29, failed: 1 });
    expect(inSource()).toEqual(["3.dat"]);
    expect(inTarget()).toHaveLength(29);
  });

  test("a server that ends every session stops a job that is not to wait", { timeout: 15_000 }, async () => {
    for (let i = 0; i < 30; i++) put(`${i}.dat`);
    from.faults.closeBeforeCommand = { command: "SIZE", times: 1e9 };
    await expect(move(options({ maxPause: 0 }))).rejects.toThrow();
    expect(inSource()).toHaveLength(30);
  });

  test("a name with a line break in a folder fails alone", async () => {
    mkdirSync(join(folder, "out"));
    for (const name of ["a.dat", "b\nc.dat", "d\re.dat"]) writeFileSync(join(folder, "out", name), name);
    expect(await move(options({ from: join(folder, "out") }))).toMatchObject({ moved: 1, failed: 2 });
    expect(readdirSync(join(folder, "out"))).toHaveLength(2);
  });

  test("a target below a file fails alone, in a folder and on a server", async () => {
    for (const name of ["a.dat", "b.dat"]) put(name);
    const here = join(folder, "in");
    mkdirSync(here);
    writeFileSync(join(here, "x"), "");
    to.tree.write("/in/x", "");
    const route: MoveOptions["route"] = ({ name }) => (name === "a.dat" ? "x/a.dat" : name);
    expect(await move(options({ to: here, route, source: "keep" }))).toMatchObject({ moved: 1, failed: 1 });
    expect(await move(options({ route }))).toMatchObject({ moved: 1, failed: 1 });
    expect(inSource()).toEqual(["a.dat"]);
  });

  test("a source whose removal is refused for now is removed a moment later", async () => {
    put("a.dat");
    from.faults.reply = { DELE: { reply: "450 Busy", times: 2 } };
    expect(await move(options())).toMatchObject({ moved: 1, failed: 0 });
    expect(inSource()).toEqual([]);
  });

  test("a listing that fails for now is asked for again", async () => {
    for (let i = 0; i < 5; i++) put(`${i}.dat`);
    from.faults.reply = { MLSD: { reply: "425 No data connection", times: 2 } };
    expect(await move(options())).toMatchObject({ moved: 5 });
  });

  test("nothing that matches, and nothing at all, is no error", async () => {
    expect(await move(options())).toMatchObject({ moved: 0, left: 0, passedOver: 0 });
    put("a.txt");
    expect(await move(options({ match: "*.dat" }))).toMatchObject({ moved: 0, left: 0, passedOver: 1 });
  });
});

describe("what an earlier run left", () => {
  const journal = () => join(folder, "j");
  const opened = () => Journal.open(journal(), { settings: resolveMove(options()).settings });

  test("is recovered although the server takes one connection only", async () => {
    for (let i = 0; i < 40; i++) put(`${i}.dat`);
    {
      using claimed = opened();
      claimed.addListed(inSource().map((name) => ({ name, size: from.tree.stat(`/out/${name}`)!.size })));
      claimed.finishListing();
      claimed.claim(40);
    }
    await to.close();
    to = await FtpServer.start({ limits: { maxClients: 1 }, port: to.port });
    to.tree.mkdir("/in");
    expect(await move(options({ journal: journal(), lanes: 8 }))).toMatchObject({ moved: 40, left: 0, failed: 0 });
  });

  test("processes that died do not count as tries of their files", async () => {
    put("a.dat");
    {
      using dying = opened();
      dying.addListed([{ name: "a.dat", size: 16 }]);
      dying.finishListing();
      for (let i = 0; i < 15; i++) {
        const [file] = dying.claim(1);
        if (i < 14) dying.release([{ id: file!.id }]);
      }
    }
    expect(await move(options({ journal: journal() }))).toMatchObject({ moved: 1, failed: 0 });
  });

  test("a name that is refused to the only copy stops nothing, and the copy stays", async () => {
    put("a.dat");
    put("b.dat");
    let temp: string;
    {
      using dying = opened();
      dying.addListed([{ name: "a.dat", size: 16 }]);
      dying.finishListing();
      const [file] = dying.claim(1);
      dying.probed([{ id: file!.id, destBefore: "absent", size: 16 }]);
      temp = file!.temp;
    }
    from.tree.remove("/out/a.dat");
    to.tree.write(`/in/${temp}`, "content of a.dat");
    to.faults.reply = { "RNTO a.dat": "553 No" };
    expect(await move(options({ journal: journal() }))).toMatchObject({ moved: 1, failed: 1 });
    expect(targets()).toEqual({ "b.dat": "content of b.dat", [temp]: "content of a.dat" });
  });

  test("a second mover on one journal is told who has it", async () => {
    using _held = opened();
    await expect(move(options({ journal: journal() }))).rejects.toThrow(/in use by process \d+/);
  });

  test("a journal that cannot be written stops the job; the next run goes on", async () => {
    for (let i = 0; i < 40; i++) put(`${i}.dat`);
    const settle = vi.spyOn(Journal.prototype, "settle");
    settle.mockImplementationOnce(() => {
      throw new Error("database or disk is full");
    });
    await expect(move(options({ journal: journal() }))).rejects.toThrow(/disk is full/);
    settle.mockRestore();
    expect(await move(options({ journal: journal() }))).toMatchObject({ moved: 40, left: 0, conflicts: 0 });
    expect(inTarget()).toHaveLength(40);
    expect(inSource()).toEqual([]);
  });
});

describe("around the job", () => {
  test("a progress callback that throws ends the job with its error", async () => {
    put("a.dat");
    const onProgress = () => {
      throw new Error("from the callback");
    };
    await expect(move(options({ onProgress }))).rejects.toThrow("from the callback");
  });

  test("no connection stays open where the other side refuses", async () => {
    put("a.dat");
    to.faults.reply = { PASS: "530 No" };
    await expect(move(options())).rejects.toThrow();
    await sleep(100);
    expect([from.connections, to.connections]).toEqual([0, 0]);
  });

  test("a copy whose listing was cut says so", async () => {
    await from.close();
    from = await FtpServer.start({ limits: { maxEntriesListed: 10, announceTruncation: true } });
    for (let i = 0; i < 20; i++) put(`${i}.dat`);
    expect((await move(options({ source: "keep" }))).warnings.join()).toMatch(/cut short/);
  });

  test("a destination that sets no times is told", async () => {
    await to.close();
    to = await FtpServer.start({ features: { mfmt: false, mff: false, site: false } });
    for (let i = 0; i < 20; i++) put(`${i}.dat`);
    const { moved, warnings } = await move(options());
    expect(moved).toBe(20);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain("times");
  });

  test("servers without MLSD, MDTM and MFMT do", async () => {
    await Promise.all([from.close(), to.close()]);
    const old = { mlsd: false, mdtm: false, mfmt: false, mff: false, feat: false, epsv: false, site: false };
    from = await FtpServer.start({ features: old });
    to = await FtpServer.start({ features: old });
    for (let i = 0; i < 20; i++) put(`${i}.dat`);
    expect(await move(options())).toMatchObject({ moved: 20, failed: 0 });
  });

  test.each([1, 16, 100])("%i lanes for 20 files", async (lanes) => {
    for (let i = 0; i < 20; i++) put(`${i}.dat`);
    expect(await move(options({ lanes }))).toMatchObject({ moved: 20, left: 0 });
  });
});

describe("a local folder", () => {
  test("a link that leads nowhere has its name, too: it is not replaced", async () => {
    put("a.dat");
    symlinkSync("/nowhere", join(folder, "a.dat"));
    expect(await move(options({ to: folder }))).toMatchObject({ moved: 0, conflicts: 1 });
    expect(lstatSync(join(folder, "a.dat")).isSymbolicLink()).toBe(true);
  });

  test("a link to a folder inside the target is followed, links among the sources are passed over", async () => {
    put("a.dat");
    mkdirSync(join(folder, "real"));
    mkdirSync(join(folder, "in"));
    symlinkSync(join(folder, "real"), join(folder, "in", "x"));
    expect(await move(options({ to: join(folder, "in"), route: "x/{name}" }))).toMatchObject({ moved: 1 });
    expect(readFileSync(join(folder, "real", "a.dat"), "utf8")).toBe("content of a.dat");
    symlinkSync(join(folder, "real", "a.dat"), join(folder, "real", "link.dat"));
    const result = await move(options({ from: join(folder, "real") }));
    expect(result).toMatchObject({ moved: 1, passedOver: 1 });
    expect(existsSync(join(folder, "real", "a.dat"))).toBe(false);
  });

  test("the same folder by a link is found out", async () => {
    mkdirSync(join(folder, "out"));
    writeFileSync(join(folder, "out", "a.dat"), "a");
    symlinkSync(join(folder, "out"), join(folder, "alias"));
    await expect(move({ from: join(folder, "out"), to: join(folder, "alias") })).rejects.toThrow(/same folder/);
    expect(readdirSync(join(folder, "out"))).toEqual(["a.dat"]);
  });

  test("a file that grows while it is read is moved when it rests", async () => {
    mkdirSync(join(folder, "out"));
    const path = join(folder, "out", "a.dat");
    writeFileSync(path, "x".repeat(1000));
    let grown = 0;
    onTo = (line) => {
      if (line.startsWith("STOR") && grown++ < 2) writeFileSync(path, "more", { flag: "a" });
    };
    expect(await move(options({ from: join(folder, "out") }))).toMatchObject({ moved: 1, failed: 0 });
    expect(to.tree.stat("/in/a.dat")?.size).toBe(1008);
  });
});
