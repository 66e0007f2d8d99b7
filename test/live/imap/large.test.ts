/** Mailboxes of many messages, and a message of many bytes. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { expect, test } from "vitest";
import { watchedChild } from "../watched-child.js";
import { describeEach } from "./bed.js";

const MiB = 1024 * 1024;
/** Cyrus waits for the disk with each: a mailbox as large takes it minutes. */
const COUNTS = { dovecot: 20_000, cyrus: 2_000 } as const;

/** Each of another size, with its number as the subject; every tenth is marked. */
function* messages(count: number) {
  for (let i = 0; i < count; i++) {
    const text = `Subject: s${i}\r\nFrom: a@example.org\r\n\r\n${"x".repeat(i % 97)}\r\n`;
    yield { content: Buffer.from(text), flags: i % 10 === 0 ? ["\\Flagged"] : [] };
  }
}

async function digest(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}

describeEach({}, (bed) => {
  const count = COUNTS[bed.kind];

  test(`${count} messages: all envelopes, flags and sizes, each once`, { timeout: 120_000 }, async () => {
    const { imap, box } = await bed.fresh();
    const appended = await imap.appendAll(box, messages(count)).toArray();
    expect(appended.map(({ index }) => index)).toEqual(Array.from({ length: count }, (_, i) => i));
    const uids = appended.map(({ uid }) => uid as number);
    expect(new Set(uids).size).toBe(count);
    await imap.noop();
    expect(imap.mailbox?.exists).toBe(count);

    const sizes = [...messages(count)].map(({ content }) => content.length);
    let at = 0;
    const wrong: unknown[] = [];
    for await (const row of imap.fetch("1:*", ["ENVELOPE", "FLAGS", "RFC822.SIZE"])) {
      const told = [row.number, row.uid, row.envelope?.subject, row.size, row.flags?.includes("\\Flagged")];
      const wanted = [at + 1, uids[at], `s${at}`, sizes[at], at % 10 === 0];
      if (JSON.stringify(told) !== JSON.stringify(wanted)) wrong.push({ told, wanted });
      at++;
    }
    expect(wrong.slice(0, 5)).toEqual([]);
    expect(at).toBe(count);

    expect(await imap.search()).toEqual(uids);
    const marked = uids.filter((_, i) => i % 10 === 0);
    expect(await imap.search({ flagged: true })).toEqual(marked);
    // More than one command holds.
    const some = await imap.fetch(marked, ["FLAGS"]).toArray();
    expect(some.map(({ uid }) => uid)).toEqual(marked);
  });

  test("a message of 60 MiB, from a file and to a file: memory does not grow", { timeout: 120_000 }, async () => {
    const [small, large, copy] = ["small.eml", "large.eml", "copy.eml"].map((name) => join(bed.scratch, name)) as [
      string,
      string,
      string,
    ];
    const head = Buffer.from("Subject: large\r\n\r\n");
    const line = "a line of 64 octets with its end, as long as it has to be, yes\r\n";
    await writeFile(small, Buffer.concat([head, Buffer.alloc(8 * MiB, line)]));
    await writeFile(large, Buffer.concat([head, Buffer.alloc(60 * MiB, line)]));
    const { ports, users } = bed.server;
    const args = [String(ports.imap), users.alice as string, small, large, copy];
    const { bytes, grown } = await watchedChild<{ bytes: number; grown: number }>(import.meta.dirname, ...args);
    expect(bytes).toBe(head.length + 60 * MiB);
    expect(await digest(copy)).toBe(await digest(large));
    expect(grown).toBeLessThan(64 * MiB);
  });
});
