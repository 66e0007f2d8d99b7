/** Each fault of the in-memory FTP server, in raw lines. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Faults, FtpServer } from "../../src/testing/index.js";
import { RawClient, readAll } from "./raw-client.js";

let server: FtpServer;
let raw: RawClient;

beforeEach(async () => {
  server = await FtpServer.start({ files: { "/a.txt": "hello", "/b.txt": "x".repeat(100_000) } });
  raw = await RawClient.open(server.port).login();
});
afterEach(async () => {
  raw.close();
  await server.close();
});

const fault = (faults: Faults) => Object.assign(server.faults, faults);
const DONE = "226 Transfer complete";

describe("replies as bytes", () => {
  test("replyDelay", async () => {
    fault({ replyDelay: 50 });
    const started = performance.now();
    expect(await raw.ask("NOOP")).toBe("200 NOOP ok.");
    expect(performance.now() - started).toBeGreaterThan(45);
  });

  test("byteByByte, also of pipelined commands", async () => {
    fault({ byteByByte: true });
    raw.segments = [];
    expect(await raw.pack("NOOP", "PWD")).toEqual(["200 NOOP ok.", '257 "/" is the current directory']);
    expect(raw.segments.every((segment) => segment.length === 1)).toBe(true);
    expect((await raw.receive("RETR a.txt")).text).toBe("hello");
  });

  test("splitReplyAt", async () => {
    fault({ splitReplyAt: 6 });
    raw.segments = [];
    expect(await raw.ask("SIZE b.txt")).toBe("213 100000");
    expect(raw.segments).toEqual(["213 10", "0000\r\n"]);
  });

  test("closeAtByte cuts there, once", async () => {
    fault({ closeAtByte: server.controlBytes + 15 });
    raw.segments = [];
    raw.write("NOOP\r\nNOOP\r\nNOOP\r\n");
    await raw.hungUp();
    expect(raw.segments.join("")).toBe("200 NOOP ok.\r\n2");
    expect(server.faults.closeAtByte).toBeUndefined();
    raw = await RawClient.open(server.port).login();
    expect(await raw.ask("NOOP")).toBe("200 NOOP ok.");
    fault({ closeAtByte: 0 });
    expect(await raw.ask("NOOP")).toBe("200 NOOP ok."); // that byte has passed
  });

  test("closeAtByte 0 of a new server: not even a greeting", async () => {
    await using other = await FtpServer.start({ faults: { closeAtByte: 0 } });
    const client = RawClient.open(other.port);
    expect(await client.reply()).toBe("");
  });
});

describe("replies", () => {
  test("greeting421: so many times, or always", async () => {
    fault({ greeting421: 1 });
    const refused = RawClient.open(server.port);
    expect(await refused.reply()).toMatch(/^421 /);
    await refused.hungUp();
    const welcome = RawClient.open(server.port);
    expect(await welcome.reply()).toMatch(/^220 /);
    welcome.close();
  });

  test("idle421 after that many commands", async () => {
    fault({ idle421: 4 });
    expect(await raw.pack("NOOP", "NOOP", "NOOP")).toEqual(["200 NOOP ok.", expect.stringMatching(/^421 /), ""]);
  });

  test("reply: always, or a number of times, and the command is not done", async () => {
    fault({ reply: { NOOP: "250-odd\r\n250 one", DELE: { reply: "450 Busy", times: 1 }, "SITE CHMOD": "500 no" } });
    expect(await raw.ask("NOOP")).toBe("250-odd\r\n250 one");
    expect(await raw.ask("DELE a.txt")).toBe("450 Busy");
    expect(server.tree.exists("/a.txt")).toBe(true);
    expect(await raw.ask("SITE CHMOD 644 a.txt")).toBe("500 no");
    expect(await raw.ask("SITE HELP")).toMatch(/^214/);
    expect(await raw.ask("DELE a.txt")).toMatch(/^250/);
    server.clearFaults();
    expect(await raw.ask("NOOP")).toBe("200 NOOP ok.");
  });

  test("hang", async () => {
    fault({ hang: "PWD" });
    raw.write("PWD\r\nNOOP\r\n");
    expect(await Promise.race([raw.reply(), new Promise((resolve) => setTimeout(resolve, 50, "silence"))])).toBe(
      "silence",
    );
    await server.close();
  });

  test("closeBeforeCommand: not done; closeAfterCommand: answered; loseReply: done and not answered", async () => {
    fault({ closeBeforeCommand: { command: "DELE" } });
    expect(await raw.ask("DELE a.txt")).toBe("");
    expect(server.tree.exists("/a.txt")).toBe(true);

    raw = await RawClient.open(server.port).login();
    fault({ closeAfterCommand: { command: "dele" } });
    expect(await raw.pack("DELE a.txt", "NOOP")).toEqual(["250 DELE command successful", ""]);

    raw = await RawClient.open(server.port).login();
    fault({ loseReply: { command: "RNTO", times: 1 } });
    expect(await raw.pack("RNFR b.txt", "RNTO c.txt")).toEqual([expect.stringMatching(/^350/), ""]);
    expect(server.tree.list()).toEqual(["c.txt"]);

    raw = await RawClient.open(server.port).login();
    expect(await raw.pack("RNFR c.txt", "RNTO d.txt")).toEqual([expect.any(String), "250 Rename successful"]);
  });

  test("loseReply of STOR: 150, all the data, no 226", async () => {
    fault({ loseReply: { command: "STOR" } });
    expect(await raw.send("STOR c.txt", "data")).toEqual([expect.stringMatching(/^150/), ""]);
    expect(server.tree.read("/c.txt").toString()).toBe("data");
  });

  test("prematureReplies: 450 before the 226, then 503", async () => {
    fault({ prematureReplies: true });
    const socket = await raw.passive();
    await raw.ask("STOR c.txt");
    raw.write("RNFR c.txt\r\nRNTO d.txt\r\n");
    expect(await raw.reply()).toBe("450 RNFR: data transfer in progress");
    expect(await raw.ask("SIZE a.txt")).toBe("213 5");
    socket.resume().end("x");
    expect([await raw.reply(), await raw.reply()]).toEqual([DONE, "503 Bad sequence of commands: RNFR first"]);
  });

  test("without it, commands wait for the 226", async () => {
    const socket = await raw.passive();
    await raw.ask("STOR c.txt");
    raw.write("RNFR c.txt\r\nRNTO d.txt\r\n");
    socket.resume().end("x");
    expect([await raw.reply(), await raw.reply(), await raw.reply()]).toEqual([
      DONE,
      expect.stringMatching(/^350/),
      "250 Rename successful",
    ]);
  });

  test("end226Code, extraPreliminary, wrongPasvHost", async () => {
    fault({ end226Code: "250", extraPreliminary: true, wrongPasvHost: "10.0.0.1" });
    const { replies } = await raw.receive("RETR a.txt");
    expect([...replies, await raw.reply()]).toEqual([
      expect.stringMatching(/^150/),
      expect.stringMatching(/^150/),
      "250 Transfer complete",
    ]);
    expect(await raw.ask("PASV")).toMatch(/\(10,0,0,1,\d+,\d+\)\.$/);
  });
});

describe("the data connection", () => {
  test("refuseData", async () => {
    fault({ refuseData: true });
    expect((await raw.receive("RETR a.txt")).replies).toEqual(["425 Unable to build data connection."]);
    expect((await raw.send("STOR c.txt", "x"))[0]).toMatch(/^425/);
    expect(server.tree.exists("/c.txt")).toBe(false);
  });

  test("cutDataAt of a download: 426, or 226 when cleanly", async () => {
    fault({ cutDataAt: 70_000 });
    const cut = await raw.receive("RETR b.txt");
    expect([cut.text.length, cut.replies[1]]).toEqual([70_000, "426 Connection closed; transfer aborted."]);
    fault({ cutDataCleanly: true });
    const clean = await raw.receive("RETR b.txt");
    expect([clean.text.length, clean.replies[1]]).toEqual([70_000, DONE]);
  });

  test("cutDataAt of an upload: the part is kept", async () => {
    fault({ cutDataAt: 3 });
    expect((await raw.send("STOR c.txt", "12345"))[1]).toMatch(/^426/);
    fault({ cutDataCleanly: true });
    expect((await raw.send("STOR d.txt", "12345"))[1]).toBe(DONE);
    expect([server.tree.read("/c.txt").toString(), server.tree.read("/d.txt").toString()]).toEqual(["123", "123"]);
  });

  test("stallDataAt: silence, until ABOR or the end of the client", async () => {
    fault({ stallDataAt: 2 });
    const socket = await raw.passive();
    const all = readAll(socket);
    await raw.ask("RETR a.txt");
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(await raw.ask("ABOR")).toMatch(/^426/);
    expect(await raw.reply()).toMatch(/^226/);
    expect(await all).toBe("he");
    const upload = await raw.passive();
    await raw.ask("STOR c.txt");
    upload.write("12345");
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(server.tree.read("/c.txt").toString()).toBe("12");
    const second = raw.reply();
    await server.close();
    expect(await second).toBe("");
  });

  test("diskFullAfter: 552 or 452 in the middle, the part is kept", async () => {
    fault({ diskFullAfter: 3 });
    expect((await raw.send("STOR c.txt", "12345"))[1]).toMatch(/^552/);
    expect(server.tree.read("/c.txt").toString()).toBe("123");
    fault({ diskFullCode: "452" });
    expect((await raw.send("APPE c.txt", "12345"))[1]).toMatch(/^452/);
    expect(server.tree.read("/c.txt").toString()).toBe("123123");
  });

  test("truncateListingAt, still 226", async () => {
    fault({ truncateListingAt: 1 });
    expect(await raw.receive("NLST")).toEqual({ text: "a.txt\r\n", replies: [expect.any(String), DONE] });
  });

  test("dataFaultsOn and dataFaultsTimes", async () => {
    fault({ cutDataAt: 1, dataFaultsOn: "RETR", dataFaultsTimes: 1 });
    expect((await raw.receive("NLST")).replies[1]).toBe(DONE);
    expect((await raw.receive("RETR a.txt")).text).toBe("h");
    expect((await raw.receive("RETR a.txt")).text).toBe("hello");
  });
});
