/** The compressions of the in-memory NNTP server: COMPRESS DEFLATE, XFEATURE COMPRESS GZIP, XZVER. */
import { gunzipSync, inflateRawSync, inflateSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { type NntpFeatures, NntpServer } from "../../src/testing/index.js";
import { RawLines } from "./raw-lines.js";

const groups = { "alt.big": { generate: 5000, eightBit: 0.2 } };

async function start(features: Partial<NntpFeatures> = {}, tls: "none" | "starttls" = "none") {
  const server = await NntpServer.start({ groups, features, tls });
  const raw = await RawLines.open(server.port).play("S: 200 …");
  return { server, raw, [Symbol.asyncDispose]: () => server.close() };
}

/** The rows as they come uncompressed. */
async function plainRows(server: NntpServer, command = "OVER 900-3100"): Promise<string> {
  const raw = await RawLines.open(server.port).play("S: 200 …\nC: GROUP alt.big\nS: 211 …");
  const rows = await raw.list(command);
  raw.close();
  return rows.map((row) => `${row}\r\n`).join("");
}

describe("COMPRESS DEFLATE", () => {
  test("both directions from the 206 on, one reply at a time", async () => {
    await using all = await start();
    await all.raw.play("C: COMPRESS DEFLATE\nS: 206 Compression active");
    all.raw.deflate();
    expect(await all.raw.list("CAPABILITIES")).not.toContain("COMPRESS DEFLATE");
    await all.raw.play("C: GROUP alt.big\nS: 211 5000 1 5000 alt.big\nC: STAT\nC: NEXT\nS: 223 1 …\nS: 223 2 …");
    const before = all.server.replyBytes;
    const rows = await all.raw.list("OVER 900-3100");
    const sent = all.server.replyBytes - before;
    const plain = await plainRows(all.server);
    expect(rows.map((row) => `${row}\r\n`).join("")).toBe(plain);
    expect(sent).toBeLessThan(plain.length / 3);
    await all.raw.play("C: COMPRESS DEFLATE\nS: 502 …\nC: QUIT\nS: 205 Bye!");
    await all.raw.hungUp();
  });

  test("articles go up through it, too", async () => {
    await using all = await start();
    await all.raw.play("C: COMPRESS DEFLATE\nS: 206 …");
    all.raw.deflate();
    await all.raw.play(`
      C: POST
      S: 340 …
      C: From: a@b
      C: Newsgroups: alt.big
      C: Subject: s
      C: 
      C: ${"x".repeat(100_000)}
      C: .
      S: 240 …
    `);
    expect(all.server.groups.get("alt.big").article(5001)?.bytes).toBeGreaterThan(100_000);
  });

  test("over TLS; STARTTLS behind it is refused", async () => {
    await using all = await start({}, "starttls");
    await all.raw.play("C: STARTTLS\nS: 382 …");
    await all.raw.startTls();
    await all.raw.play("C: COMPRESS DEFLATE\nS: 206 …");
    all.raw.deflate();
    await all.raw.play("C: GROUP alt.big\nS: 211 …\nC: STARTTLS\nS: 502 …");
    expect(await all.raw.list("OVER 1-3000")).toHaveLength(3000);
    await using plain = await start({}, "starttls");
    await plain.raw.play("C: COMPRESS DEFLATE\nS: 206 …");
    plain.raw.deflate();
    expect(await plain.raw.list("CAPABILITIES")).not.toContain("STARTTLS");
    await plain.raw.play("C: STARTTLS\nS: 502 …");
  });

  test("other algorithms are 503; switched off it is 500 and not announced", async () => {
    await using all = await start();
    await all.raw.play("C: COMPRESS LZMA\nS: 503 …\nC: COMPRESS\nS: 501 …");
    await using old = await start({ compress: false });
    await old.raw.play("C: COMPRESS DEFLATE\nS: 500 …");
    expect(await old.raw.list("CAPABILITIES")).not.toContain("COMPRESS DEFLATE");
  });

  test("a client that speaks plain text after the 206 is cut off", async () => {
    await using all = await start();
    await all.raw.play("C: COMPRESS DEFLATE\nS: 206 …\nC: DATE");
    await all.raw.hungUp();
    expect(all.server.connections).toBe(0);
  });
});

describe("XFEATURE COMPRESS GZIP", () => {
  /** The zlib stream that begins here, and how many bytes it took. */
  async function inflated(raw: RawLines): Promise<string> {
    for (;;) {
      try {
        const { buffer, engine } = inflateSync(Buffer.from(raw.waiting, "latin1"), { info: true }) as unknown as {
          buffer: Buffer;
          engine: { bytesWritten: number };
        };
        raw.take(engine.bytesWritten);
        return buffer.toString("latin1");
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 5)); // not all of it is here
      }
    }
  }

  test("with TERMINATOR a dot follows the stream; overviews, headers and lists are compressed, nothing else", async () => {
    await using all = await start({ gzip: true });
    await all.raw.play(`
      C: XFEATURE COMPRESS GZIP TERMINATOR
      S: 290 feature enabled
      C: GROUP alt.big
      S: 211 …
      C: XOVER 900-3100
      S: 224 Overview information follows [COMPRESS=GZIP]
    `);
    expect(await inflated(all.raw)).toBe(await plainRows(all.server));
    await all.raw.play("S: .\nC: XHDR Subject 1\nS: 221 Headers follow [COMPRESS=GZIP]");
    expect(await inflated(all.raw)).toBe(await plainRows(all.server, "XHDR Subject 1"));
    await all.raw.play("S: .\nC: LIST\nS: 215 list of newsgroups follows [COMPRESS=GZIP]");
    expect(await inflated(all.raw)).toBe("alt.big 5000 1 y\r\n");
    await all.raw.play("S: .\nC: HEAD 1\nS: 221 1 <1.1@alt.big.example>\nS: Path: news.example!not-for-mail");
  });

  test.each([
    ["asked", "XFEATURE COMPRESS GZIP", ""],
    ["never", "XFEATURE COMPRESS GZIP TERMINATOR", ""],
    ["always", "XFEATURE COMPRESS GZIP", ".\r\n"],
  ] as const)("gzipTerminator %s, %s", async (gzipTerminator, line, behind) => {
    await using all = await start({ gzip: true, gzipTerminator });
    await all.raw.play(`C: ${line}\nS: 290 …\nC: GROUP alt.big\nS: 211 …\nC: XOVER 1-2\nS: 224 …`);
    await inflated(all.raw);
    expect(await all.raw.bytes(behind.length)).toBe(behind);
    await all.raw.play("C: DATE\nS: 111 …");
  });

  test("compressedDot puts the dot into the stream", async () => {
    await using all = await start({ gzip: true, compressedDot: true });
    await all.raw.play("C: XFEATURE COMPRESS GZIP\nS: 290 …\nC: GROUP alt.big\nS: 211 …\nC: XOVER 1-2\nS: 224 …");
    expect(await inflated(all.raw)).toBe(`${await plainRows(all.server, "OVER 1-2")}.\r\n`);
  });

  test("other features are 501; switched off it is 500", async () => {
    await using all = await start({ gzip: true });
    await all.raw.play("C: XFEATURE COMPRESS BZIP\nS: 501 …\nC: XFEATURE COMPRESS GZIP X\nS: 501 …");
    expect(await all.raw.list("CAPABILITIES")).toContain("XFEATURE-COMPRESS GZIP TERMINATOR");
    await using old = await start();
    await old.raw.play("C: XFEATURE COMPRESS GZIP\nS: 500 …");
  });
});

/** CRC-32, bit by bit. */
function crc32(bytes: Uint8Array): number {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return (crc ^ -1) >>> 0;
}

describe("XZVER and XZHDR", () => {
  function decoded(lines: string[]): { data: Buffer; crc: string } {
    expect(lines.shift()).toBe("=ybegin line=128 size=-1");
    const crc = /^=yend crc=([0-9A-F]{8})$/.exec(lines.pop() ?? "")?.[1] ?? "";
    expect(lines.every((line, index) => line.length <= 129 && (index === lines.length - 1 || line.length >= 128))).toBe(
      true,
    );
    const text = lines.join("");
    const plain = text.replace(/=([\0-\xff])/g, (_all, char: string) =>
      String.fromCharCode((char.charCodeAt(0) - 64) & 255),
    );
    return { data: Buffer.from(Buffer.from(plain, "latin1").map((byte) => byte - 42)), crc };
  }

  test.each([
    ["deflate", inflateRawSync],
    ["zlib", inflateSync],
  ] as const)("rows in %s in yEnc", async (xzverFormat, inflate) => {
    await using all = await start({ xzver: true, xzverFormat });
    await all.raw.play("C: GROUP alt.big\nS: 211 …\nC: XZVER 900-3100\nS: 224 compressed data follows");
    const { data, crc } = decoded(await all.raw.lines());
    expect(crc32(data).toString(16).toUpperCase().padStart(8, "0")).toBe(crc);
    expect(inflate(data).toString("latin1")).toBe(await plainRows(all.server));
    await all.raw.play("C: XZHDR Subject 1-2\nS: 221 compressed data follows");
    expect(inflate(decoded(await all.raw.lines()).data).toString("latin1")).toBe(
      await plainRows(all.server, "XHDR Subject 1-2"),
    );
    await all.raw.play("C: XZVER 9999-\nS: 420 …");
  });

  test.each([
    ["deflate", inflateRawSync],
    ["zlib", inflateSync],
    ["gzip", gunzipSync],
  ] as const)("bytes in %s, the dot in them or behind them", async (xzverFormat, inflate) => {
    for (const compressedDot of [true, false]) {
      const gzipTerminator = compressedDot ? "never" : "always";
      await using all = await start({ xzver: true, xzverCoding: "bytes", xzverFormat, compressedDot, gzipTerminator });
      await all.raw.play(`
        C: GROUP alt.big
        S: 211 …
        C: XZVER 1-3000
        C: QUIT
        S: 224 compressed data follows [COMPRESS=GZIP]
      `);
      const sent = Buffer.from(await all.raw.rest(), "latin1");
      const end = compressedDot ? "205 Bye!\r\n" : ".\r\n205 Bye!\r\n";
      expect(sent.toString("latin1", sent.length - end.length)).toBe(end);
      const rows = inflate(sent.subarray(0, sent.length - end.length)).toString("latin1");
      expect(rows).toBe((await plainRows(all.server, "OVER 1-3000")) + (compressedDot ? ".\r\n" : ""));
    }
  });

  test("announced by HELP alone; switched off it is 500", async () => {
    await using all = await start({ xzver: true });
    expect(await all.raw.list("HELP")).toContain("  XZVER");
    expect((await all.raw.list("CAPABILITIES")).join()).not.toContain("XZ");
    await using old = await start();
    expect(await old.raw.list("HELP")).not.toContain("  XZVER");
    await old.raw.play("C: XZVER 1\nS: 500 …");
  });
});

test("clients that go in the middle of a compressed answer leave nothing behind", async () => {
  const features = { gzip: true, xzver: true };
  await using server = await NntpServer.start({ groups: { "alt.big": { generate: 1_000_000 } }, features });
  for (const begin of ["COMPRESS DEFLATE", "XFEATURE COMPRESS GZIP", "DATE"]) {
    const raw = await RawLines.open(server.port).play(`S: 200 …\nC: ${begin}\nS: …`);
    if (begin === "COMPRESS DEFLATE") raw.deflate();
    await raw.play(`C: GROUP alt.big\nS: 211 …\nC: ${begin === "DATE" ? "XZVER" : "OVER"} 1-\nS: 224 …`);
    raw.close();
    while (server.connections > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const raw = await RawLines.open(server.port).play("S: 200 …\nC: DATE\nS: 111 …");
  raw.close();
});
