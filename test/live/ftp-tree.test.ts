/** upload, download and removeTree of whole folders against real servers: every byte, every name, the times. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { UsageError } from "../../src/client/errors.js";
import { decodeText, encodeText } from "../../src/wire/text.js";
import { AWKWARD, type Bed, describeServer, pattern, sha256 } from "./ftp/bed.js";
import { ABILITIES, KINDS, type Kind } from "./servers/ftp.js";

const FILES = 200;
const TIME = new Date("2021-02-03T04:05:06Z");

/** Names that a server does not take as they are: pyftpdlib wants UTF-8, Pure-FTPd makes a blank at the end a "_". */
function takes(kind: Kind, name: string): boolean {
  return kind === "pyftpdlib" ? name.isWellFormed() : kind !== "pureftpd" || !name.endsWith(" ");
}

/** What is in a folder: path below it → digest of the bytes, `null` for a folder. */
function contents(folder: Buffer | string, path = ""): Map<string, string | null> {
  const found = new Map<string, string | null>();
  const base = Buffer.from(folder as Buffer);
  for (const entry of readdirSync(base, { withFileTypes: true, encoding: "buffer" })) {
    const name = entry.name as unknown as Buffer;
    const full = Buffer.concat([base, Buffer.from("/"), name]);
    const below = path + decodeText(name);
    found.set(below, entry.isDirectory() ? null : sha256(readFileSync(full)));
    if (entry.isDirectory()) for (const [key, value] of contents(full, `${below}/`)) found.set(key, value);
  }
  return found;
}

function fill(folder: string, kind: Kind): void {
  for (let i = 0; i < FILES; i++) {
    const sub = join(folder, `sub ${i % 7}`, i % 2 ? "deep/er" : "");
    mkdirSync(sub, { recursive: true });
    writeFileSync(join(sub, `file-${i}.bin`), pattern(i * 331));
    utimesSync(join(sub, `file-${i}.bin`), TIME, TIME);
  }
  mkdirSync(join(folder, "empty folder"));
  writeFileSync(join(folder, ".hidden"), "dot");
  for (const [what, name] of Object.entries(AWKWARD)) {
    if (takes(kind, name)) writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), encodeText(name)]), what);
  }
}

function trees(bed: Bed): void {
  let local: string;
  const served = () => bed.server.home;
  let expected: Map<string, string | null>;
  beforeAll(() => {
    local = join(bed.scratch, "local");
    mkdirSync(local);
    fill(local, bed.kind);
    expected = contents(local);
  });

  it("uploads a tree by three connections, byte for byte, with its times", async () => {
    const ftp = await bed.ready();
    const result = await ftp.upload(local, "tree", { connections: 3 });
    expect(result).toMatchObject({ failed: [], skipped: [], folders: 23 });
    expect(contents(join(served(), "tree"))).toEqual(expected);
    const { mtime } = statSync(join(served(), "tree/sub 3/deep/er/file-3.bin"));
    if (ABILITIES[bed.kind].setTime !== "none") expect(mtime).toEqual(TIME);
  });

  it("downloads it again, over one connection and over two", async () => {
    const ftp = await bed.ready();
    for (const connections of [1, 2]) {
      const to = join(bed.scratch, `down ${connections}`);
      const result = await ftp.download("tree", to, { connections });
      expect(result).toMatchObject({ failed: [], skipped: [] });
      expect(contents(to)).toEqual(expected);
      const { mtime } = statSync(join(to, "sub 3/deep/er/file-3.bin"));
      if (ABILITIES[bed.kind].setTime !== "none") expect(mtime).toEqual(TIME);
    }
  });

  it("goes on with half a file, in both directions", async () => {
    const ftp = await bed.ready();
    const whole = pattern(300_000);
    bed.put("half.bin.part", whole.subarray(0, 100_000));
    expect(await ftp.upload(whole, "half.bin", { resume: true })).toMatchObject({ files: 1, bytes: 200_000 });
    expect(readFileSync(join(served(), "half.bin")).equals(whole)).toBe(true);
    const to = join(bed.scratch, "half.bin");
    writeFileSync(`${to}.part`, whole.subarray(0, 100_000));
    expect(await ftp.download("half.bin", to, { resume: true })).toMatchObject({ files: 1, bytes: 200_000 });
    expect(readFileSync(to).equals(whole)).toBe(true);
  });

  it("compares digests where the server computes them", async () => {
    const ftp = await bed.ready();
    const call = ftp.upload(pattern(100_000), "hashed.bin", { verify: "hash" });
    if (!ABILITIES[bed.kind].hash) return expect(call).rejects.toBeInstanceOf(UsageError);
    expect(await call).toMatchObject({ files: 1 });
    expect(await ftp.download("hashed.bin", join(bed.scratch, "hashed.bin"), { verify: "hash" })).toMatchObject({
      files: 1,
    });
  });

  it("removes a tree, and links without what they point to", async () => {
    const ftp = await bed.ready();
    const outside = join(served(), "outside");
    mkdirSync(outside);
    writeFileSync(join(outside, "precious"), "kept");
    symlinkSync(join("..", "outside"), join(served(), "tree", "way out"));
    symlinkSync(".", join(served(), "tree", "loop"));
    bed.server.handOver();
    const to = join(bed.scratch, "linked");
    const down = await ftp.download("tree", to);
    expect(down.failed).toEqual([]);
    expect(down.skipped.map(({ path }) => path)).toContain("loop");
    const followed = await ftp.download("tree", join(bed.scratch, "followed"), { followLinks: true });
    expect(followed).toMatchObject({ failed: [], skipped: [{ path: "loop", why: expect.stringContaining("a loop") }] });
    expect(readFileSync(join(bed.scratch, "followed", "way out", "precious"), "utf8")).toBe("kept");
    const result = await ftp.removeTree("tree");
    // inetutils tries rmdir() on a link to a folder, and so cannot remove it at all.
    const cannot = bed.kind === "inetutils" ? ["loop", "way out"] : [];
    expect(result.failed.map(({ path }) => path).sort()).toEqual(cannot);
    expect(existsSync(join(served(), "tree"))).toBe(cannot.length > 0);
    expect(readFileSync(join(outside, "precious"), "utf8")).toBe("kept");
  });
}

for (const kind of KINDS) describeServer(kind, {}, kind, trees);
for (const kind of KINDS.filter((each) => ABILITIES[each].tls)) {
  describeServer(kind, { tls: "explicit" }, `${kind} over TLS`, trees);
}
