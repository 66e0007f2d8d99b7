/** Each fault of the in-memory SMTP server, in raw lines; and the content reader, cut anywhere. */
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type SmtpFaults, SmtpServer } from "../../src/testing/index.js";
import { ContentReader } from "../../src/testing/smtp/content.js";
import { quiet, RawLines } from "./raw-lines.js";

const MESSAGE = "C: MAIL FROM:<a@b.example>\nC: RCPT TO:<c@d.example>\nC: BDAT 0 LAST\n";
const TAKEN = "S: 250 2.1.0 …\nS: 250 2.1.5 …\nS: 250 2.0.0 …\n";
const DATA = "C: MAIL FROM:<>\nC: RCPT TO:<c@d.example>\nC: DATA\nS: 250 …\nS: 250 …\nS: 354 …\n";

let server: SmtpServer;
let raw: RawLines;

async function open(): Promise<RawLines> {
  const client = await RawLines.open(server.port).play("S: 220 …\nC: EHLO x");
  while ((await client.line()).startsWith("250-"));
  return client;
}

beforeEach(async () => {
  server = await SmtpServer.start();
  raw = await open();
});
afterEach(async () => {
  expect(server.violations).toEqual([]);
  raw.close();
  await server.close();
});

const fault = (faults: SmtpFaults) => Object.assign(server.faults, faults);

describe("the connection", () => {
  test("byteByByte: replies split at every byte", async () => {
    fault({ byteByByte: true });
    raw.segments = [];
    await raw.play(MESSAGE + TAKEN);
    expect(raw.segments.every((segment) => segment.length === 1)).toBe(true);
  });

  test("closeAtByte, stallAtByte", async () => {
    fault({ closeAtByte: server.replyBytes + 5 });
    raw.write("NOOP\r\n");
    expect(await raw.rest()).toBe("250 2");
    raw = await open();
    fault({ stallAtByte: server.replyBytes + 5 });
    raw.write("NOOP\r\n");
    expect(await raw.bytes(5)).toBe("250 2");
    expect(await quiet(raw)).toBe("silence");
  });

  test("greetingDelay, silent, tooManyConnections, goingAwayAfter", async () => {
    fault({ greetingDelay: 20 });
    (await open()).close();
    server.clearFaults();
    fault({ silent: 1 });
    expect(await quiet(RawLines.open(server.port))).toBe("silence");
    fault({ tooManyConnections: 1 });
    await RawLines.open(server.port).play("S: 421 4.7.0 Too many connections, try again later\nS: ");
    fault({ goingAwayAfter: 3 });
    await raw.play(`${MESSAGE}S: 250 …\nS: 250 …\nS: 421 4.3.2 …\nS: `);
    expect(server.messageCount).toBe(0);
  });

  test("injectAfterStartTls, in one segment with the 220", async () => {
    await using other = await SmtpServer.start({
      tls: "starttls",
      faults: { injectAfterStartTls: "250 injected\r\n" },
    });
    const client = await RawLines.open(other.port).play("S: 220 …");
    client.segments = [];
    await client.play("C: STARTTLS\nS: 220 2.0.0 …\nS: 250 injected");
    expect(client.segments).toHaveLength(1);
  });

  test("a reply to STARTTLS can be lost, and be of several lines", async () => {
    await using other = await SmtpServer.start({ tls: "starttls", faults: { loseReply: { command: "STARTTLS" } } });
    await RawLines.open(other.port).play("S: 220 …\nC: STARTTLS\nS: ");
    other.faults.replyLines = 2;
    await RawLines.open(other.port).play("S: 220-…\nS: 220 …\nC: STARTTLS\nS: 220-2.0.0 …\nS: 220 2.0.0 …");
  });

  test("dropConnections cuts those whose session is over, too", async () => {
    fault({ stallAtByte: server.replyBytes + 5 });
    raw.write("NOOP\r\n");
    expect(await raw.bytes(5)).toBe("250 2");
    raw.write("QUIT\r\n");
    await expect.poll(() => server.connections).toBe(0);
    expect(await quiet(raw)).toBe("silence");
    server.dropConnections();
    await raw.hungUp();
  });
});

describe("replies", () => {
  test("refuse: the k-th of its kind, so many of them; 421 in mid window closes", async () => {
    fault({ refuse: [{ command: "RCPT", nth: 2, times: 2, reply: "450 4.2.1 Later" }] });
    await raw.play("C: MAIL FROM:<>\nS: 250 …");
    for (const code of [250, 450, 450, 250]) await raw.play(`C: RCPT TO:<c@d.example>\nS: ${code} …`);
    await raw.play("C: RSET\nS: 250 …");
    fault({ refuse: { command: "BDAT", nth: 3, reply: "421 4.3.2 Going down" } });
    await raw.play(MESSAGE.repeat(4) + TAKEN.repeat(2));
    await raw.play("S: 250 …\nS: 250 …\nS: 421 4.3.2 Going down\nS: ");
    expect(server.messageCount).toBe(2);
  });

  test("refuse: each of several counts every command of its kind", async () => {
    fault({
      refuse: [
        { command: "RCPT", nth: 1, reply: "450 4.2.1 First" },
        { command: "RCPT", nth: 3, reply: "450 4.2.1 Third" },
      ],
    });
    await raw.play("C: MAIL FROM:<>\nS: 250 …");
    for (const said of ["450 4.2.1 First", "250 …", "450 4.2.1 Third", "250 …"])
      await raw.play(`C: RCPT TO:<c@d.example>\nS: ${said}`);
  });

  test("a BDAT LAST that was refused ends the message; or takes RSET, where the server is strict", async () => {
    fault({ refuse: { command: "BDAT", reply: "451 4.3.0 No" } });
    await raw.play(`${MESSAGE}${MESSAGE}S: 250 …\nS: 250 …\nS: 451 …\n${TAKEN}`);
    expect(server.messageCount).toBe(1);
    await using strict = await SmtpServer.start({ features: { refusedLastEnds: false } });
    strict.faults.refuse = { command: "BDAT", reply: "451 4.3.0 No" };
    const client = await RawLines.open(strict.port).play("S: 220 …\nC: HELO x\nS: 250 …\nC: MAIL FROM:<>\nS: 250 …");
    await client.play("C: RCPT TO:<c@d.example>\nS: 250 …\nC: BDAT 0 LAST\nS: 451 …\nC: MAIL FROM:<>\nS: 503 …");
    await client.play("C: BDAT 0 LAST\nS: 503 …\nC: RSET\nS: 250 …\nC: MAIL FROM:<>\nS: 250 …");
  });

  test("a chunk that was refused spoils those behind it", async () => {
    fault({ refuse: { command: "BDAT", reply: "451 4.3.0 No" } });
    raw.write("MAIL FROM:<>\r\nRCPT TO:<c@d.example>\r\nBDAT 2\r\nxxBDAT 2\r\nxxBDAT 2 LAST\r\nxxRSET\r\n");
    await raw.play("S: 250 …\nS: 250 …\nS: 451 …\nS: 503 …\nS: 503 …\nS: 250 …");
    expect(server.messageCount).toBe(0);
  });

  test("the end of a message is the command '.': lost reply, closed before, refused, silent", async () => {
    fault({ loseReply: { command: "." } });
    await raw.play(`${DATA}C: x\nC: .\nS: `);
    expect(server.messageCount).toBe(1);

    raw = await open();
    fault({ loseReply: undefined, closeBeforeCommand: { command: "." } });
    await raw.play(`${MESSAGE}S: 250 …\nS: 250 …\nS: `);
    expect(server.messageCount).toBe(1);

    raw = await open();
    fault({ closeBeforeCommand: undefined, refuse: { command: ".", reply: "554 5.6.0 No" } });
    await raw.play(`${DATA}C: x\nC: .\nS: 554 5.6.0 No\n${MESSAGE}${TAKEN}`);
    expect(server.messageCount).toBe(2);

    fault({ closeAfterCommand: { command: "." } });
    await raw.play(`${MESSAGE}${TAKEN}S: `);
    expect(server.messageCount).toBe(3);

    raw = await open();
    fault({ hang: "." });
    await raw.play(`${MESSAGE}S: 250 …\nS: 250 …`);
    expect(await quiet(raw)).toBe("silence");
    expect(server.messageCount).toBe(3);
  });

  test.each(["DATA", "BDAT"])("the final reply to %s is that to its message: lost, or the last", async (command) => {
    const message = command === "DATA" ? `${DATA}C: x\nC: .\n` : `${MESSAGE}S: 250 …\nS: 250 …\n`;
    fault({ loseReply: { command } });
    await raw.play(`${message}S: `);
    expect(server.messageCount).toBe(1);
    server.clearFaults();
    raw = await open();
    fault({ closeAfterCommand: { command } });
    await raw.play(`${message}S: 250 2.0.0 …\nS: `);
    expect(server.messageCount).toBe(2);
  });

  test("replyLines: every reply has several", async () => {
    fault({ replyLines: 3 });
    await raw.play("C: NOOP\nS: 250-2.0.0 Nothing done\nS: 250-2.0.0 Nothing done\nS: 250 2.0.0 Nothing done");
  });

  test("reply: in place of doing the command", async () => {
    fault({ reply: { DATA: { reply: "451 4.3.0-x", times: 1 } } });
    await raw.play(
      "C: MAIL FROM:<>\nC: RCPT TO:<c@d.example>\nC: DATA\nS: 250 …\nS: 250 …\nS: 451 …\nC: DATA\nS: 354 …",
    );
  });
});

describe("content", () => {
  test("cutData: at this byte of the n-th message", async () => {
    fault({ cutData: { at: 5, nth: 2 } });
    await raw.play(`${DATA}C: 1234567\nC: .\nS: 250 …\n${DATA}C: 1234567\nC: .\nS: `);
    expect(server.messageCount).toBe(1);
    raw = await open();
    fault({ cutData: { at: 5 } });
    await raw.play("C: MAIL FROM:<>\nC: RCPT TO:<c@d.example>\nC: BDAT 9\nC: 1234567\nS: 250 …\nS: 250 …\nS: ");
    expect(server.messageCount).toBe(1);
  });

  test("slowReader: pieces of so many bytes; the client is held up", async () => {
    fault({ slowReader: { bytes: 100_000, delay: 1 } });
    await raw.play(DATA.trimEnd());
    const content = `${"x".repeat(78)}\r\n`.repeat(50_000);
    raw.write(`${content}.\r\n`);
    await raw.play("S: 250 2.0.0 …");
    expect(server.messages[0]?.content.toString()).toBe(content);
  });
});

test("content cut anywhere comes out the same, with the same blemishes", () => {
  const word = fc.constantFrom("\r\n", "\r\n.", "\r", "\n", ".", "..", "a", "\0", "\xff", "text");
  fc.assert(
    fc.property(fc.array(word), fc.array(fc.nat(60)), (words, cuts) => {
      const content = Buffer.from(`${words.join("")}\r\n.\r\nNOOP`, "latin1");
      const read = (at: number[]) => {
        const pieces: Buffer[] = [];
        const reader = new ContentReader(true, (piece) => pieces.push(piece));
        let taken = 0;
        for (const end of [...at, content.length]) if (end > taken) taken += reader.feed(content.subarray(taken, end));
        return {
          taken,
          done: reader.done,
          text: Buffer.concat(pieces).toString("latin1"),
          blemishes: [...reader.blemishes],
        };
      };
      const whole = read([]);
      expect(whole.done).toBe(true);
      expect(read(cuts.sort((a, b) => a - b))).toEqual(whole);
    }),
  );
});

test("dots doubled by RFC 5321 4.5.2 are undoubled, whatever the text", () => {
  const line = fc.string({ unit: fc.constantFrom(".", "a", " ", "\t"), maxLength: 6 });
  fc.assert(
    fc.property(fc.array(line), (lines) => {
      const sent = [...lines.map((each) => each.replace(/^\./, "..")), "."].map((each) => `${each}\r\n`).join("");
      const pieces: Buffer[] = [];
      const reader = new ContentReader(true, (piece) => pieces.push(piece));
      expect(reader.feed(Buffer.from(sent))).toBe(sent.length);
      expect(Buffer.concat(pieces).toString()).toBe(lines.map((each) => `${each}\r\n`).join(""));
      expect([...reader.blemishes]).toEqual([]);
    }),
  );
});
