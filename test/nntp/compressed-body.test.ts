/** XFEATURE COMPRESS GZIP: bodies that are inflated while others wait, are held back, or are lost half-way. */
import { deflateSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { InflatedBody, isInflated } from "../../src/nntp/compressed-body.js";
import { failure, tcpServer } from "../net/loopback.js";
import { clientOf, connected, hello, memory, talk } from "./dialogue.js";

const soon = (milliseconds = 50) => new Promise((resolve) => setTimeout(resolve, milliseconds));

const TEXT = Buffer.from(Array.from({ length: 60_000 }, (_, i) => `${i}\tsubject ${i * 7919}\r\n`).join(""));

/** A body, and what it told. */
function inflated() {
  const pieces: Buffer[] = [];
  const told: string[] = [];
  let body: InflatedBody;
  const whole = new Promise<Buffer>((resolve, reject) => {
    body = new InflatedBody({
      piece: (piece) => void pieces.push(Buffer.from(piece)),
      end: () => resolve(Buffer.concat(pieces)),
      fail: reject,
      pause: () => void told.push("pause"),
      resume: () => void told.push("resume"),
    });
  });
  return { body: body!, pieces, told, whole };
}

describe("a body that is inflated", () => {
  test("asks for a pause while there is much to do, and for more when that is done", async () => {
    const { body, told, whole } = inflated();
    const bytes = deflateSync(TEXT);
    for (let at = 0; at < bytes.length; at += 10_000) body.push(bytes.subarray(at, at + 10_000), 0);
    expect(told).toEqual(["pause"]);
    expect((await whole).equals(TEXT)).toBe(true);
    expect(told).toEqual(["pause", "resume"]);
  });

  test("gives nothing while one of its consumers wants nothing", async () => {
    const { body, pieces, whole } = inflated();
    body.push(deflateSync(TEXT), 0);
    const [one, two] = [{}, {}];
    for (const holder of [one, two, two]) body.pause(holder);
    await soon();
    body.resume(one);
    body.resume({});
    await soon();
    expect(pieces).toEqual([]);
    body.resume(two);
    expect((await whole).equals(TEXT)).toBe(true);
  });

  test("gives nothing more when it was dropped", async () => {
    const { body, pieces } = inflated();
    body.push(deflateSync(TEXT), 0);
    body.drop();
    await soon();
    expect(pieces).toEqual([]);
    expect(body.done).toBe(false);
  });
});

describe("rows that were compressed", () => {
  const features = { compress: false, gzip: true };
  const groups = { big: { generate: 30_000 } };

  /** A server that compresses, and that hangs up in the middle of the rows of an XPAT. */
  const hangsUp = () =>
    tcpServer((socket) => {
      const bytes = deflateSync(TEXT);
      socket.write("200 ready\r\n");
      socket.on("data", (chunk) => {
        const line = chunk.toString();
        if (line.startsWith("CAPABILITIES")) {
          socket.write("101 list\r\nVERSION 2\r\nREADER\r\nXFEATURE-COMPRESS GZIP\r\n.\r\n");
        } else if (line.startsWith("XFEATURE")) socket.write("290 on\r\n");
        else if (line.startsWith("XPAT")) {
          socket.write("221 rows [COMPRESS=GZIP]\r\n");
          socket.end(bytes.subarray(0, bytes.length - 100));
        }
      });
    });

  test("none comes behind the end of the connection", async () => {
    const { nntp } = clientOf({ host: "127.0.0.1", port: await hangsUp() });
    await nntp.connect();
    let rows = 0;
    const call = nntp.xpat("Subject", 1, "*").each((batch) => void (rows += batch.length));
    expect(await failure(call)).toMatchObject({ name: "ConnectionError" });
    const told = rows;
    await soon();
    expect(rows).toBe(told);
  });

  test("none comes behind a close() in their midst", async () => {
    const { nntp } = await memory({ groups, features });
    await nntp.connect();
    await nntp.group("big");
    let batches = 0;
    const close = () => {
      batches++;
      nntp.close();
    };
    expect(await failure(nntp.over("1-30000").each(close))).toMatchObject({ name: "AbortedError" });
    await soon();
    expect(batches).toBe(1);
  });

  test("a consumer that is slow holds them back where they are inflated", async () => {
    const { nntp } = await memory({ groups, features });
    await nntp.connect();
    await nntp.group("big");
    let [busy, most, rows] = [0, 0, 0];
    const take = async (batch: readonly unknown[]) => {
      most = Math.max(most, ++busy);
      await soon(1);
      rows += batch.length;
      busy--;
    };
    await nntp.over("1-30000").each(take);
    expect([rows, most]).toEqual([30_000, 1]);
    expect((await nntp.stat(1)).number).toBe(1);
  });

  test("a loop that is slow, and calls in it, get every row and their answers", async () => {
    const { nntp } = await memory({ groups, features }, { timeouts: { command: 300 } });
    await nntp.connect();
    await nntp.group("big");
    let rows = 0;
    for await (const batch of nntp.over("1-30000").batches()) {
      if (rows === 0) await soon(500);
      rows += batch.length;
    }
    expect(rows).toBe(30_000);
    for await (const { number } of nntp.over("1-2000")) {
      if (number % 500 === 0) expect((await nntp.stat(number)).number).toBe(number);
    }
  });
});

describe("[COMPRESS=GZIP] is believed", () => {
  const reply = (code: string, text: string) => ({ ok: true, code, text, lines: [`${code} ${text}`] });

  test.each(["211", "215", "221", "224", "225", "230", "231"])("behind %s, as the last word", (code) => {
    expect(isInflated("LIST", reply(code, "data follows [COMPRESS=GZIP]"))).toBe(true);
    expect(isInflated("LIST", reply(code, "[compress=gzip] "))).toBe(true);
    expect(isInflated("LIST", reply(code, "5 <x@[COMPRESS=GZIP]>"))).toBe(false);
    expect(isInflated("LIST", reply(code, "[COMPRESS=GZIP] data follows"))).toBe(false);
    expect(isInflated("LIST", reply(code, "a.[COMPRESS=GZIP]"))).toBe(false);
  });

  test.each([
    ["ARTICLE 5", "220"],
    ["HEAD 5", "221"],
    ["head 5", "221"],
    ["BODY", "222"],
  ])("never behind %s", (command, code) => {
    expect(isInflated(command, reply(code, "5 <x@y> [COMPRESS=GZIP]"))).toBe(false);
  });

  const ARTICLES =
    "C: ARTICLE 5\nS: 220 5 <x@[COMPRESS=GZIP]> [COMPRESS=GZIP]\nS: Subject: x\nS: .\nC: HEAD 5\nS: 221 5 <x@y> [COMPRESS=GZIP]\nS: Subject: x\nS: .\n";

  test("never of a poster's message-id, also where compression was agreed upon", async () => {
    const { nntp } = await talk(
      `${hello("XFEATURE-COMPRESS GZIP")}C: XFEATURE COMPRESS GZIP\nS: 290 on\n${ARTICLES}C: HEAD 5\nS: 221 5 <x@y> [COMPRESS=GZIP]\nS: Subject: x\nS: .\n`,
    );
    await nntp.connect();
    expect(await nntp.article(5)).toMatchObject({ messageId: "<x@[COMPRESS=GZIP]>" });
    expect((await nntp.head(5)).content.toString()).toBe("Subject: x\r\n");
    expect((await nntp.request("HEAD 5")).body?.toString()).toBe("Subject: x\r\n");
  });

  test("never where nobody agreed to it", async () => {
    const { nntp } = await connected("C: XHDR Subject 1\nS: 221 list [COMPRESS=GZIP]\nS: 1 plain\nS: .\n");
    expect((await nntp.request("XHDR Subject 1")).body?.toString()).toBe("1 plain\r\n");
  });
});
