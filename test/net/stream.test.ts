/** openSink and openSource: every kind of each, back-pressure, and what happens when they fail. */
import { createHash, randomBytes } from "node:crypto";
import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable, Writable } from "node:stream";
import { pathToFileURL } from "node:url";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { UsageError } from "../../src/client/errors.js";
import type { Source } from "../../src/client/sink.js";
import { openSink, openSource, type SinkWriter, type SourceOptions } from "../../src/net/stream.js";
import { failure } from "./loopback.js";

const dir = fs.mkdtempSync(join(tmpdir(), "polywire-stream-"));
afterAll(() => fs.rmSync(dir, { recursive: true }));
let count = 0;
const fresh = () => join(dir, `file${count++}`);
const fileWith = (bytes: Uint8Array | string) => {
  const path = fresh();
  fs.writeFileSync(path, bytes);
  return path;
};
/** The files of this test that are open. */
const openFiles = () =>
  fs.readdirSync("/proc/self/fd").filter((fd) => {
    try {
      return fs.readlinkSync(`/proc/self/fd/${fd}`).startsWith(dir);
    } catch {
      return false;
    }
  }).length;

async function all(source: Source, options?: SourceOptions): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of await openSource(source, options)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function put(writer: SinkWriter, ...chunks: (Buffer | string)[]): Promise<void> {
  for (const chunk of chunks) await writer.write(Buffer.from(chunk));
}

describe("a file as sink", () => {
  test("is created with the first byte, not before", async () => {
    const path = fresh();
    const sink = await openSink(path);
    expect(fs.existsSync(path)).toBe(false);
    await put(sink, "a", "b");
    await sink.end();
    expect(fs.readFileSync(path, "utf8")).toBe("ab");
  });

  test("is created empty where no byte came", async () => {
    const path = fresh();
    await (await openSink(pathToFileURL(path))).end();
    expect(fs.readFileSync(path, "utf8")).toBe("");
  });

  test("gets any sequence of chunks whole and in order", async () => {
    const sizes = fc.array(fc.oneof(fc.nat(40), fc.nat(100_000), fc.integer({ min: 0, max: 900_000 })), {
      maxLength: 30,
    });
    await fc.assert(
      fc.asyncProperty(sizes, fc.boolean(), async (lengths, waits) => {
        const path = fresh();
        const chunks = lengths.map((length) => randomBytes(length));
        const sink = await openSink(path);
        for (const chunk of chunks) {
          const room = sink.write(chunk);
          if (waits) await room;
        }
        await sink.end();
        expect(fs.readFileSync(path).equals(Buffer.concat(chunks))).toBe(true);
        fs.rmSync(path);
      }),
      { numRuns: 40 },
    );
  });

  test("asks to wait where it is behind, and only then", async () => {
    const sink = await openSink(fresh());
    expect(sink.write(Buffer.alloc(1000))).toBeUndefined();
    const asked = Array.from({ length: 64 }, () => sink.write(Buffer.alloc(64 * 1024)));
    expect(asked.some((room) => room instanceof Promise)).toBe(true);
    await Promise.all(asked);
    await sink.end();
  });

  test("r+ and start write into it, wx refuses one that exists", async () => {
    const path = fileWith("0123456789");
    const sink = await openSink(path, { flags: "r+", start: 4 });
    await put(sink, "ab");
    await sink.end();
    expect(fs.readFileSync(path, "utf8")).toBe("0123ab6789");
    const error = await failure((await openSink(path, { flags: "wx" })).end());
    expect(error).toMatchObject({ name: "SinkError", cause: { code: "EEXIST" } });
  });

  test("that cannot be opened fails with its path, at once and later", async () => {
    const path = join(dir, "no", "such", "folder");
    const sink = await openSink(path);
    const first = sink.write(Buffer.alloc(600_000));
    const error = await failure(Promise.resolve(first));
    expect(error).toMatchObject({ name: "SinkError", cause: { code: "ENOENT" } });
    expect(error.message).toContain(path);
    expect(await failure(Promise.resolve(sink.write(Buffer.from("x"))))).toBe(error);
    expect(await failure(sink.end())).toBe(error);
  });

  test.runIf(fs.existsSync("/dev/full"))("on a full disk rejects", async () => {
    const sink = await openSink("/dev/full", { flags: "r+" });
    const attempt = async () => {
      for (let i = 0; i < 40; i++) await sink.write(Buffer.alloc(64 * 1024));
      await sink.end();
    };
    expect(await failure(attempt())).toMatchObject({ name: "SinkError", cause: { code: "ENOSPC" } });
  });

  test.runIf(process.platform === "linux")("leaves no file open, ended or given up", async () => {
    for (let i = 0; i < 20; i++) {
      const sink = await openSink(fresh());
      await put(sink, "x", randomBytes(300_000));
      if (i % 2) await sink.end();
      else sink.destroy(new Error("enough"));
    }
    await new Promise((done) => setTimeout(done, 50));
    expect(openFiles()).toBe(0);
  });
});

describe("a Writable as sink", () => {
  test("is ended, and asks to wait as it does itself", async () => {
    let seen = "";
    const stream = new Writable({
      highWaterMark: 10,
      write: (chunk, _encoding, done) => setImmediate(() => done(void (seen += chunk))),
    });
    const sink = await openSink(stream);
    expect(sink.write(Buffer.from("12345"))).toBeUndefined();
    const room = sink.write(Buffer.from("678901"));
    expect(room).toBeInstanceOf(Promise);
    await room;
    expect(seen).toBe("12345678901");
    await sink.end();
    expect(stream.writableFinished).toBe(true);
  });

  test.each(["write", "final"])("that fails in %s rejects with SinkError", async (where) => {
    const fail = (done: (error: Error) => void) => setImmediate(done, new Error("disk on fire"));
    const stream = new Writable({
      highWaterMark: 1,
      write: (_chunk, _encoding, done) => (where === "write" ? fail(done) : done()),
      final: fail,
    });
    const sink = await openSink(stream);
    const attempt = async () => {
      await sink.write(Buffer.from("x"));
      await sink.end();
    };
    const error = await failure(attempt());
    expect(error).toMatchObject({ name: "SinkError", message: "the sink failed: disk on fire" });
    expect(await failure(Promise.resolve(sink.write(Buffer.from("x"))))).toBe(error);
  });

  test("destroyed by its owner rejects, also while it is waited for", async () => {
    const stream = new PassThrough({ highWaterMark: 1 });
    const sink = await openSink(stream);
    const room = failure(Promise.resolve(sink.write(Buffer.from("xx"))));
    stream.destroy();
    expect(await room).toMatchObject({ name: "SinkError" });
    expect(await failure(sink.end())).toMatchObject({ name: "SinkError" });
  });

  test("the terminal is not closed", async () => {
    const sink = await openSink(process.stdout);
    await sink.end();
    expect(process.stdout.writableEnded).toBe(false);
  });
});

describe("a function as sink", () => {
  test("is called with each chunk; its promise is the wait", async () => {
    const seen: string[] = [];
    const sink = await openSink(async (chunk) => void seen.push(chunk.toString()));
    expect(sink.write(Buffer.from("a"))).toBeInstanceOf(Promise);
    const plain = await openSink((chunk) => void seen.push(chunk.toString()));
    expect(plain.write(Buffer.from("b"))).toBeUndefined();
    await plain.end();
    expect(seen).toEqual(["a", "b"]);
  });

  test("may give anything: only a promise is waited for", async () => {
    const chunks: Buffer[] = [];
    const push = (chunk: Buffer): unknown => chunks.push(chunk);
    const sink = await openSink(push as () => void);
    expect(sink.write(Buffer.from("a"))).toBeUndefined();
    expect(chunks).toHaveLength(1);
  });

  test.each([
    () => {
      throw new Error("no room");
    },
    () => Promise.reject(new Error("no room")),
  ])("that fails: a rejection, never a throw", async (call) => {
    const sink = await openSink(call);
    const error = await failure(Promise.resolve(sink.write(Buffer.from("x"))));
    expect(error).toMatchObject({ name: "SinkError", message: "the sink failed: no room" });
  });
});

describe("a file as source", () => {
  const big = randomBytes(3_000_000);
  const path = fileWith(big);

  test("gives its bytes and its size", async () => {
    const source = await openSource(path);
    expect(source.size).toBe(big.length);
    await source.close();
    expect((await all(pathToFileURL(path))).equals(big)).toBe(true);
    expect((await all(fileWith(""))).length).toBe(0);
  });

  test.each([
    [10, 20],
    [0, 600_000],
    [2_999_990, undefined],
    [5, 5],
    [3_000_000, undefined],
    [9_000_000, undefined],
  ])("from %i to %s", async (start, end) => {
    const source = await openSource(path, { start, end });
    const wanted = big.subarray(start, end);
    expect(source.size).toBe(wanted.length);
    await source.close();
    expect((await all(path, { start, end })).equals(wanted)).toBe(true);
  });

  test("that is missing is noticed when it is opened", async () => {
    const error = await failure(openSource(join(dir, "missing")));
    expect(error).toMatchObject({ name: "SinkError", cause: { code: "ENOENT" } });
    expect(await failure(openSource(dir))).toMatchObject({ name: "SinkError" });
  });

  test("that grows is read as it was, one that shrinks is an error", async () => {
    const growing = fileWith("first");
    const source = await openSource(growing);
    fs.appendFileSync(growing, "second");
    const seen: Buffer[] = [];
    for await (const chunk of source) seen.push(chunk);
    expect(Buffer.concat(seen).toString()).toBe("first");
    const shrinking = await openSource(growing);
    fs.truncateSync(growing, 3);
    const loop = async () => {
      for await (const chunk of shrinking) seen.push(chunk);
    };
    expect((await failure(loop())).message).toContain("became shorter");
  });

  test.runIf(process.platform === "linux")("a file of /proc says 0 bytes and has some", async () => {
    expect((await all("/proc/self/status")).toString()).toContain("Name:");
  });

  test.runIf(process.platform === "linux")(
    "leaves no file open, read to its end or not, or closed unread",
    async () => {
      await all(path);
      for await (const _ of await openSource(path)) break;
      await (await openSource(path)).close();
      expect(openFiles()).toBe(0);
    },
  );
});

describe("other sources", () => {
  test.each<[string, () => Source]>([
    ["bytes", () => new Uint8Array([0x70, 0x6f, 0x6c, 0x79, 0xc3, 0xa9])],
    ["text", () => ({ text: "polyé" })],
    ["a Readable", () => Readable.from([Buffer.from("pol"), Buffer.from("yé")])],
    ["a Readable of strings", () => Readable.from(["pol", "yé"], { objectMode: false, encoding: "utf8" })],
    [
      "an async iterable",
      async function* () {
        yield "po";
        yield Buffer.from("lyé");
      } as unknown as () => Source,
    ],
    ["an iterable", () => [Buffer.from("poly"), new Uint8Array([0xc3, 0xa9])]],
  ])("%s", async (_, make) => {
    expect((await all(make())).toString()).toBe("polyé");
    expect((await all(make(), { start: 1, end: 4 })).toString()).toBe("oly");
  });

  test("bytes know their size, streams do not", async () => {
    expect((await openSource(Buffer.alloc(10), { start: 3 })).size).toBe(7);
    expect((await openSource({ text: "é" })).size).toBe(2);
    expect((await openSource(Readable.from([]))).size).toBeUndefined();
  });

  test("a Readable is destroyed where the loop is left, or closed before it began", async () => {
    for (const leave of [true, false]) {
      const stream = Readable.from([Buffer.from("a"), Buffer.from("b")]);
      const source = await openSource(stream);
      if (leave) for await (const _ of source) break;
      else await source.close();
      expect(stream.destroyed).toBe(true);
    }
  });

  test("failures of a source are SinkErrors", async () => {
    const broken = (async function* () {
      yield Buffer.from("x");
      throw new Error("tape torn");
    })();
    expect(await failure(all(broken))).toMatchObject({ name: "SinkError", message: "the source failed: tape torn" });
    const taken = new ReadableStream<Uint8Array>();
    taken.getReader();
    expect(await failure(openSource(taken as AsyncIterable<Uint8Array>).then(all))).toMatchObject({
      name: "SinkError",
    });
    const numbers = [1, 2] as unknown as Uint8Array[];
    expect((await failure(all(numbers))).message).toContain("gave number");
  });
});

test("what is neither sink nor source is a UsageError", async () => {
  for (const odd of [undefined, null, 7, {}, "", "a\0b", new URL("http://x/")]) {
    expect((await failure(openSink(odd as string))).name).toBe("UsageError");
    expect((await failure(openSource(odd as string))).name).toBe("UsageError");
  }
});

test("path to path: the copy is the same", async () => {
  const from = fileWith(randomBytes(5_000_001));
  const to = fresh();
  const sink = await openSink(to);
  for await (const chunk of await openSource(from)) await sink.write(chunk);
  await sink.end();
  const hash = (path: string) => createHash("sha256").update(fs.readFileSync(path)).digest("hex");
  expect(hash(to)).toBe(hash(from));
});

test("a text that was meant as content is told from a path, and is not shown", async () => {
  const error = await failure(openSource("Subject: secret\r\n\r\nhello\r\n"));
  expect(error).toBeInstanceOf(UsageError);
  expect(error.message).toContain("{ text }");
  expect(error.message).not.toContain("secret");
});
