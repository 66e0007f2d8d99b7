/** Bytes that are read right into what will be written, and files that are read into the same memory again and again. */
import { randomBytes } from "node:crypto";
import fs from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, expect, onTestFinished, test } from "vitest";
import { resolve } from "../../src/client/options.js";
import { dial } from "../../src/net/dial.js";
import { FileWriter } from "../../src/net/file-sink.js";
import { openSource } from "../../src/net/stream.js";

const dir = fs.mkdtempSync(join(tmpdir(), "polywire-room-"));
afterAll(() => fs.rmSync(dir, { recursive: true }));
let count = 0;
const fresh = () => join(dir, `file${count++}`);

test("what is read into a file's room is written whole and in order, whatever the size of each piece", async () => {
  const sizes = fc.array(fc.oneof(fc.nat(40), fc.nat(20_000), fc.nat(300_000)), { maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(sizes, fc.boolean(), async (lengths, foreign) => {
      const path = fresh();
      const writer = new FileWriter(path, "w", 0);
      const chunks: Buffer[] = [];
      for (const [i, length] of lengths.entries()) {
        const room = writer.room();
        const chunk = randomBytes(Math.min(length, room.length));
        chunks.push(chunk);
        chunk.copy(room);
        // Memory of somebody else's may come in between.
        await writer.write(foreign && i % 3 === 0 ? chunk : room.subarray(0, chunk.length));
      }
      await writer.end();
      expect(fs.readFileSync(path).equals(Buffer.concat(chunks))).toBe(true);
    }),
    { numRuns: 60 },
  );
});

test("the memory of a file's room is used again: a large file takes little", async () => {
  const writer = new FileWriter(fresh(), "w", 0);
  const memories = new Set<ArrayBufferLike>();
  for (let i = 0; i < 500; i++) {
    const room = writer.room();
    memories.add(room.buffer);
    await writer.write(room);
  }
  await writer.end();
  expect(memories.size).toBeLessThan(10);
});

test("a source that may use its memory again gives the same bytes, one piece at a time", async () => {
  for (const size of [0, 1, 524_288, 524_289, 3_000_001]) {
    const path = fresh();
    const bytes = randomBytes(size);
    fs.writeFileSync(path, bytes);
    const pieces: Buffer[] = [];
    const memories = new Set<ArrayBufferLike>();
    for await (const piece of await openSource(path, { reuse: true })) {
      memories.add(piece.buffer);
      // As long as the piece is used, nothing else is read into it.
      const before = Buffer.from(piece);
      await new Promise((wait) => setTimeout(wait, 5));
      expect(piece.equals(before)).toBe(true);
      pieces.push(before);
    }
    expect(Buffer.concat(pieces).equals(bytes)).toBe(true);
    expect(memories.size).toBeLessThanOrEqual(2);
  }
});

test("a socket with room reads into it, and pauses like any other", async () => {
  const bytes = randomBytes(5_000_000);
  const server = createServer((socket) => socket.end(bytes)).listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await new Promise((listening) => server.once("listening", listening));
  const { port } = server.address() as { port: number };
  const memory = Buffer.alloc(100_000);
  const options = resolve("ftp", { host: "127.0.0.1" });
  const socket = await dial(options, { host: "127.0.0.1", port }, { timeout: 3_000, room: () => memory });
  const chunks: Buffer[] = [];
  let paused = false;
  socket.on("data", (chunk: Buffer) => {
    expect(paused).toBe(false);
    expect(chunk.buffer).toBe(memory.buffer);
    chunks.push(Buffer.from(chunk));
    socket.pause();
    paused = true;
    setTimeout(() => {
      paused = false;
      socket.resume();
    }, 1);
  });
  const ended = new Promise((end) => socket.on("end", end));
  socket.resume();
  await ended;
  expect(Buffer.concat(chunks).equals(bytes)).toBe(true);
});
