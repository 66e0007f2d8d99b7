/** What leaves a connection: the order of text and bytes, and how many writes they make. */
import { Duplex } from "node:stream";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Outgoing } from "../../src/net/outgoing.js";

/** A stream that keeps what is written to it, one entry for each write of the system. */
function opened() {
  const writes: Buffer[][] = [];
  const asBuffer = (chunk: Buffer | string) => (typeof chunk === "string" ? Buffer.from(chunk, "latin1") : chunk);
  const socket = new Duplex({
    decodeStrings: false,
    read() {},
    write(chunk, _encoding, done) {
      writes.push([asBuffer(chunk)]);
      done();
    },
    writev(chunks, done) {
      writes.push(chunks.map(({ chunk }) => asBuffer(chunk)));
      done();
    },
  });
  const outgoing = new Outgoing();
  outgoing.socket = socket;
  socket.on("drain", () => outgoing.feed());
  const drained = async () => {
    await endOfTick();
    while (outgoing.full) await new Promise(setImmediate);
  };
  return { outgoing, writes, drained, all: () => Buffer.concat(writes.flat()) };
}

const endOfTick = () => Promise.resolve();

test("text and bytes keep their order, whatever their sizes, and wherever a tick ends", async () => {
  const text = fc.string({ unit: fc.constantFrom("a", "\xff", "\r\n"), maxLength: 3_000 });
  const piece = fc.oneof(fc.nat(50), fc.nat(40_000), fc.constantFrom(70_000, 500_000));
  const step = fc.oneof(text, fc.array(piece, { maxLength: 3 }), fc.constant("tick" as const));
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
      const { outgoing, all, drained } = opened();
      const expected: Buffer[] = [];
      for (const [i, each] of steps.entries()) {
        if (each === "tick") await endOfTick();
        else if (typeof each === "string") {
          outgoing.write(each);
          expected.push(Buffer.from(each, "latin1"));
        } else {
          const pieces = each.map((length) => Buffer.alloc(length, i));
          outgoing.writeBytes(pieces);
          expected.push(...pieces);
        }
      }
      await drained();
      expect(all().equals(Buffer.concat(expected))).toBe(true);
    }),
  );
});

test("what is small leaves as one piece at the end of the tick", async () => {
  const { outgoing, writes } = opened();
  outgoing.write("BDAT 4 LAST\r\n");
  outgoing.writeBytes([Buffer.from("mail")]);
  outgoing.write("RSET\r\n");
  outgoing.writeBytes([Buffer.from("more"), Buffer.from(".")]);
  expect(writes).toEqual([]);
  await endOfTick();
  expect(writes.map((pieces) => pieces.map(String))).toEqual([["BDAT 4 LAST\r\nmailRSET\r\nmore."]]);
});

test("what is large is not copied, and leaves in one write with what stands around it", async () => {
  const { outgoing, writes } = opened();
  const large = Buffer.alloc(100_000, "x");
  outgoing.write("before\r\n");
  outgoing.writeBytes([large]);
  outgoing.write("behind\r\n");
  await endOfTick();
  expect(writes).toHaveLength(1);
  expect(writes[0]![1]).toBe(large);
  expect([writes[0]![0], writes[0]![2]].map(String)).toEqual(["before\r\n", "behind\r\n"]);
});

test("the memory of a small piece is its owner's again when the tick is over", async () => {
  const { outgoing, all } = opened();
  const piece = Buffer.from("first");
  outgoing.writeBytes([piece]);
  await endOfTick();
  piece.write("other");
  outgoing.writeBytes([piece]);
  await endOfTick();
  expect(all().toString()).toBe("firstother");
});

test("what is written while the connection changes its form waits for the new one", async () => {
  const { outgoing, all } = opened();
  const { socket } = outgoing;
  outgoing.socket = undefined;
  outgoing.write("a command\r\n");
  outgoing.writeBytes([Buffer.from("small"), Buffer.alloc(40_000, "x")]);
  await endOfTick();
  expect(all()).toHaveLength(0);
  outgoing.socket = socket;
  outgoing.flush();
  expect(all()).toHaveLength(40_016);
});

test("the socket is given a part of what is large, and the next when that has left", async () => {
  const given: Buffer[] = [];
  let leave = () => {};
  const socket = new Duplex({
    read() {},
    writev(chunks, done) {
      given.push(Buffer.concat(chunks.map(({ chunk }) => chunk as Buffer)));
      leave = done;
    },
  });
  const outgoing = new Outgoing();
  outgoing.socket = socket;
  socket.on("drain", () => outgoing.feed());
  const large = Buffer.from(Array.from({ length: 1_000_000 }, (_, i) => i % 251));
  const sent = [Buffer.from("before\r\n"), large, Buffer.from("small"), Buffer.from("x".repeat(300_000)), large];
  outgoing.write("before\r\n");
  outgoing.writeBytes([large, Buffer.from("small")]);
  outgoing.write("x".repeat(300_000));
  outgoing.writeBytes([large]);
  await endOfTick();
  const expected = Buffer.concat(sent);
  for (let left = 0; outgoing.full; left++) {
    expect(given).toHaveLength(left + 1);
    expect(given[left]!.length).toBeLessThanOrEqual(128 * 1024);
    leave();
    await new Promise(setImmediate);
  }
  expect(Buffer.concat(given).equals(expected)).toBe(true);
});

test("flush() sends at once, and what follows in the same tick leaves later", async () => {
  const { outgoing, writes } = opened();
  outgoing.write("one\r\n");
  outgoing.flush();
  expect(writes).toHaveLength(1);
  outgoing.write("two\r\n");
  expect(writes).toHaveLength(1);
  await endOfTick();
  expect(writes.flat().map(String)).toEqual(["one\r\n", "two\r\n"]);
});

test.each([16, 64])(
  "memory is its source's again once there is room, where the socket asks to wait from %i KiB on",
  async (mark) => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(200_000), { minLength: 1, maxLength: 12 }), async (sizes) => {
        const left: Buffer[] = [];
        // Bytes are looked at when they leave, which is later.
        const socket = new Duplex({
          writableHighWaterMark: mark * 1024,
          decodeStrings: false,
          read() {},
          write: (chunk, _encoding, done) => void setImmediate(() => done(void left.push(Buffer.from(chunk)) as never)),
        });
        const outgoing = new Outgoing();
        outgoing.socket = socket;
        socket.on("drain", () => outgoing.feed());
        const memory = Buffer.alloc(200_000);
        const expected: Buffer[] = [];
        for (const [i, size] of sizes.entries()) {
          const piece = memory.fill(i + 1).subarray(0, size);
          expected.push(Buffer.from(piece));
          outgoing.writeBytes([piece]);
          await endOfTick();
          while (outgoing.full) await new Promise(setImmediate);
        }
        memory.fill(0);
        while (socket.writableLength > 0) await new Promise(setImmediate);
        expect(Buffer.concat(left).equals(Buffer.concat(expected))).toBe(true);
      }),
      { numRuns: 60 },
    );
  },
);
