/** Literals as real servers take them: waited for, not waited for, and some of each (RFC 9051 §4.3, RFC 7888). */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { ReplyError } from "../../../src/client/errors.js";
import { Transcript } from "../../../src/client/transcript.js";
import { errorOf } from "../bed.js";
import { HARD } from "../pop3/bed.js";
import { announcing } from "./announcing.js";
import { type Bed, describeEach } from "./bed.js";

/** What is announced, and whether a literal of so many octets is waited for. */
const KINDS: readonly (readonly [string, string[], (size: number) => boolean])[] = [
  ["no literals but those that are waited for", [], () => true],
  ["LITERAL-", ["LITERAL-"], (size) => size > 4096],
  ["LITERAL+", ["LITERAL+"], () => false],
];

/** The port of a server that takes literals in this way alone. */
const saying = ({ server: { host, ports } }: Bed, words: readonly string[]) =>
  announcing({ host, port: ports.imap }, (all) => [
    // IMAP4rev2 has LITERAL- in it.
    ...all.filter((word) => !["LITERAL+", "LITERAL-", "IMAP4rev2"].includes(word)),
    ...words,
  ]);

const text = (subject: string, body = "hello") => ({ text: `Subject: ${subject}\nFrom: a@example.org\n\n${body}\n` });

/** The literals that a client announced: octets, and whether it said that it waits for the server. */
function announced(transcript: Transcript): [number, boolean][] {
  const commands = transcript.lines.filter(({ who }) => who === "C").map(({ text }) => text);
  return commands.flatMap((line) => {
    const [, size, plus] = /\{(\d+)(\+?)\}$/.exec(line) ?? [];
    return size === undefined ? [] : [[Number(size), plus === ""] as [number, boolean]];
  });
}

describeEach({}, (bed) => {
  it.each(KINDS)("%s: messages, names and searches go in as they are", async (_, words, waits) => {
    const port = await saying(bed, words);
    const transcript = new Transcript();
    const { imap, box } = await bed.fresh({ port, transcript });

    for (const message of HARD) await imap.append(box, Buffer.from(message));
    const many = Array.from({ length: 130 }, (_, i) => ({ content: text(`many ${i}`, "x".repeat(50 * i)) }));
    expect(await imap.appendAll(box, many).toArray()).toHaveLength(130);
    const overlapping = await Promise.all(
      Array.from({ length: 20 }, (_, i) => imap.append(box, text(`=?utf-8?q?gr=C3=BC=C3=9Fe?= ${i}`))),
    );
    const path = join(bed.scratch, "literal.eml");
    await writeFile(path, `Subject: big\r\n\r\n${"0123456789\r\n".repeat(200_000)}`);
    await imap.append(box, path);

    expect(await imap.search({ subject: "grüße" })).toEqual(overlapping.map(({ uid }) => uid));
    expect(await imap.search({ or: [{ subject: "grüße 3" }, { subject: 'say "ü" \\' }] })).toEqual([
      overlapping[3]?.uid,
    ]);
    await imap.noop();
    expect(imap.mailbox?.exists).toBe(HARD.length + 130 + 20 + 1);
    const rows = await imap.fetch(`1:${HARD.length}`, ["BODY.PEEK[]"]).toArray();
    for (const [i, message] of HARD.entries()) expect(rows[i]?.body.get("")?.equals(Buffer.from(message))).toBe(true);

    const literals = announced(transcript);
    expect(literals.length).toBeGreaterThanOrEqual(HARD.length + 130 + 20 + 1 + 3);
    for (const [size, isWaited] of literals) expect([size, isWaited]).toEqual([size, waits(size)]);
  });

  it.each(KINDS)("%s: a refused literal leaves the client usable", async (_, words) => {
    const port = await saying(bed, words);
    const { imap, box } = await bed.fresh({ port });
    const large = Buffer.from(`Subject: large\r\n\r\n${"0123456789\r\n".repeat(100_000)}`);
    const path = join(bed.scratch, "refused.eml");
    await writeFile(path, `Subject: big\r\n\r\n${"0123456789\r\n".repeat(200_000)}`);
    for (const message of [text("small"), large, path]) {
      const error = await errorOf(imap.append("no such box", message));
      expect(error).toBeInstanceOf(ReplyError);
      expect(error).toMatchObject({ enhanced: "TRYCREATE", clientUsable: true });
    }
    const settled = await Promise.allSettled([
      imap.append(box, text("first")),
      imap.append("no such box", text("second")),
      imap.append(box, large),
      imap.append("no such box", large),
      imap.append(box, text("last")),
    ]);
    expect(settled.map(({ status }) => status)).toEqual([
      "fulfilled",
      "rejected",
      "fulfilled",
      "rejected",
      "fulfilled",
    ]);
    await imap.noop();
    const rows = await imap.fetch("1:*", ["ENVELOPE"]).toArray();
    expect(rows.map(({ envelope }) => envelope?.subject)).toEqual(["first", "large", "last"]);
  });
});
