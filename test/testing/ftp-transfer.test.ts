/** The data connection of the in-memory FTP server: files and listings, passive and active, pipelined and aborted. */
import { createServer, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FtpServer, type FtpServerOptions } from "../../src/testing/index.js";
import { RawClient, readAll } from "./raw-client.js";

let server: FtpServer;
let raw: RawClient;

async function start(options: FtpServerOptions = {}): Promise<void> {
  await server?.close();
  server = await FtpServer.start({ files: { "/in/a.txt": "hello", "/in/b.txt": "" }, ...options });
  raw = await RawClient.open(server.port).login();
}

beforeEach(() => start());
afterEach(async () => {
  raw.close();
  await server.close();
});

const OPENED = expect.stringMatching(/^150 /);
const DONE = "226 Transfer complete";

test("RETR, also of an empty file and from an offset", async () => {
  expect(await raw.receive("RETR in/a.txt")).toEqual({ text: "hello", replies: [OPENED, DONE] });
  expect(await raw.receive("RETR in/b.txt")).toEqual({ text: "", replies: [OPENED, DONE] });
  await raw.ask("REST 2");
  expect((await raw.receive("RETR in/a.txt")).text).toBe("llo");
  expect((await raw.receive("RETR in/a.txt")).text).toBe("hello"); // REST holds for one transfer
  await raw.ask("REST 6");
  expect(await raw.receive("RETR in/a.txt")).toEqual({ text: "", replies: ["554 Invalid REST argument"] });
  expect((await raw.receive("RETR in")).replies[0]).toMatch(/^550/);
  expect((await raw.receive("RETR in/a.txt")).text).toBe("hello");
  expect(await raw.ask("RETR in/a.txt")).toBe("425 Use PORT or PASV first.");
});

test("STOR, APPE, REST and STOR, STOU", async () => {
  expect(await raw.send("STOR in/c", "0123456789")).toEqual([OPENED, DONE]);
  await raw.send("APPE in/c", "ab");
  await raw.send("APPE in/d", "new");
  await raw.ask("REST 4");
  await raw.send("STOR in/c", "XY");
  expect(server.tree.read("/in/c").toString()).toBe("0123XY");
  expect(server.tree.read("/in/d").toString()).toBe("new");
  expect((await raw.send("STOU", "unique"))[0]).toBe("150 FILE: ftp.1");
  expect((await raw.send("STOU", "unique"))[0]).toBe("150 FILE: ftp.2");
  expect((await raw.send("STOR no/where", ""))[0]).toMatch(/^550/);
  expect((await raw.send("STOR in", ""))[0]).toMatch(/^550/);
  const large = Buffer.alloc(5_000_000, "0123456789abcdef\n");
  await raw.send("STOR large", large);
  expect(server.tree.read("/large").equals(large)).toBe(true);
  expect((await raw.receive("RETR large")).text).toBe(large.toString("latin1"));
  expect(server.tree.bytes).toBe(5 + 6 + 3 + 6 + 6 + large.length);
});

test("TYPE A converts where the server does", async () => {
  await start({ features: { ascii: true } });
  await raw.ask("TYPE A");
  await raw.send("STOR t", "a\r\nb\r\n");
  expect(server.tree.read("/t").toString()).toBe("a\nb\n");
  expect((await raw.receive("RETR t")).text).toBe("a\r\nb\r\n");
  expect(server.tree.bytes).toBe(9);
});

test("MLSD, NLST and LIST", async () => {
  server.tree.write("/in/old", "x", { modified: new Date("2020-02-03T04:05:06Z") });
  server.tree.mkdir("/in/dir");
  const rows = async (line: string) => (await raw.receive(line)).text.split("\r\n").slice(0, -1);
  expect(
    (await rows("MLSD in")).map((row) => row.replace(/;unique.*;/, ";").replace(/modify=2[1-9]?0?2[1-9]\d*/, "")),
  ).toEqual([
    expect.stringMatching(/^type=cdir;.* \.$/),
    expect.stringMatching(/^type=pdir;.* \.\.$/),
    expect.stringMatching(/^type=file;size=5;.* a\.txt$/),
    expect.stringMatching(/^type=file;size=0;.* b\.txt$/),
    "type=file;size=1;modify=20200203040506;perm=adfrw;unix.mode=0644; old",
    expect.stringMatching(/^type=dir;.* dir$/),
  ]);
  expect(await rows("NLST in")).toEqual(["in/a.txt", "in/b.txt", "in/old", "in/dir"]);
  expect(await rows("NLST -1 in")).toEqual(["a.txt", "b.txt", "old", "dir"]);
  expect(await rows("NLST in/*.txt")).toEqual(["in/a.txt", "in/b.txt"]);
  expect((await rows("LIST -la in"))[2]).toBe("-rw-r--r--   1 test     test                1 Feb  3  2020 old");
  expect(await rows("LIST in/a.txt")).toHaveLength(1);
  expect((await raw.receive("LIST nowhere")).replies[0]).toMatch(/^450/);
  expect((await raw.receive("MLSD nowhere")).replies[0]).toMatch(/^550/);
  expect((await raw.receive("MLSD in/a.txt")).replies[0]).toMatch(/^501/);
});

test("LIST as IIS writes it, and listings that are cut", async () => {
  await start({ listStyle: "dos", limits: { maxEntriesListed: 1, announceTruncation: true } });
  server.tree.write("/in/a.txt", "x", { modified: new Date("2020-02-03T16:05:06Z") });
  const { text, replies } = await raw.receive("LIST in");
  expect(text).toBe("02-03-20  04:05PM                    1 a.txt\r\n");
  expect(replies[1]).toBe("226 Output truncated to 1 matches");
});

test("PASV, EPSV and EPSV ALL", async () => {
  const numbers =
    /\((.*)\)/
      .exec(await raw.ask("PASV"))?.[1]
      ?.split(",")
      .map(Number) ?? [];
  const socket = new RawClient(await connected((numbers[4] ?? 0) * 256 + (numbers[5] ?? 0)));
  expect(await raw.ask("NLST in")).toMatch(/^150/);
  expect(await raw.reply()).toBe(DONE);
  socket.close();
  expect(await raw.ask("EPSV 2")).toMatch(/^522/);
  expect(await raw.ask("EPSV 1")).toMatch(/^229/);
  expect(await raw.ask("EPSV ALL")).toMatch(/^200/);
  expect(await raw.ask("PASV")).toMatch(/^501/);
  expect((await raw.receive("RETR in/a.txt")).text).toBe("hello");
});

test.each(["PORT", "EPRT"])("active mode: %s", async (verb) => {
  const listener = createServer();
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const port = (listener.address() as { port: number }).port;
  const arrived = new Promise<Socket>((resolve) => listener.once("connection", resolve));
  const line = verb === "PORT" ? `PORT 127,0,0,1,${port >> 8},${port & 255}` : `EPRT |1|127.0.0.1|${port}|`;
  expect(await raw.ask(line)).toBe(`200 ${verb} command successful`);
  raw.write("RETR in/a.txt\r\n");
  expect(await readAll(await arrived)).toBe("hello");
  expect([await raw.reply(), await raw.reply()]).toEqual([OPENED, DONE]);
  listener.close();
  expect(await raw.ask("PORT 10,0,0,1,9,9")).toMatch(/^500/);
  expect(await raw.ask("PORT 1,2")).toMatch(/^501/);
  expect(await raw.ask("EPRT |1|nowhere|9|")).toMatch(/^501/);
});

test("a transfer without a connection is given up after dataTimeout", async () => {
  await start({ dataTimeout: 50 });
  await raw.ask("EPSV");
  expect(await raw.ask("RETR in/a.txt")).toBe("425 Unable to build data connection.");
  expect((await raw.receive("RETR in/a.txt")).text).toBe("hello");
});

test("EPSV and RETR in one write, and commands behind it wait for the 226", async () => {
  raw.write("EPSV\r\nRETR in/a.txt\r\nNOOP\r\n");
  const port = Number(/\|(\d+)\|/.exec(await raw.reply())?.[1]);
  expect(await readAll(await connected(port))).toBe("hello");
  expect([await raw.reply(), await raw.reply(), await raw.reply()]).toEqual([OPENED, DONE, "200 NOOP ok."]);
});

test("ABOR ends a download: 426, then 226", async () => {
  server.tree.write("/big", Buffer.alloc(50_000_000));
  const socket = await raw.passive();
  expect(await raw.ask("RETR big")).toMatch(/^150/);
  raw.write("\xff\xf4\xffABOR\r\nNOOP\r\n"); // with telnet's interrupt in front, as curl and others send it
  expect(await raw.reply()).toBe("426 Connection closed; transfer aborted.");
  expect([await raw.reply(), await raw.reply()]).toEqual(["226 Abort successful", "200 NOOP ok."]);
  socket.destroy();
  expect(await raw.ask("ABOR")).toBe("226 Abort successful");
});

test("ABOR while the data connection is still awaited", async () => {
  await raw.ask("EPSV");
  raw.write("RETR in/a.txt\r\n");
  await new Promise((resolve) => setTimeout(resolve, 20));
  raw.write("ABOR\r\n");
  expect([await raw.reply(), await raw.reply()]).toEqual([expect.stringMatching(/^426/), "226 Abort successful"]);
});

test("a client that is cut off in mid upload leaves the part", async () => {
  const socket = await raw.passive();
  await raw.ask("STOR part");
  socket.write("12345");
  while (server.tree.stat("/part")?.size !== 5) await new Promise((resolve) => setTimeout(resolve, 1));
  socket.resetAndDestroy();
  expect(await raw.reply()).toMatch(/^426/);
  expect(server.tree.read("/part").toString()).toBe("12345");
});

test("a disk that is full: 552, and the part is kept", async () => {
  await start({ limits: { diskBytes: 10 } });
  expect((await raw.send("STOR big", "x".repeat(20)))[1]).toBe("552 No space left on device");
  expect(server.tree.stat("/big")?.size).toBe(5);
});

test("close() leaves nothing behind, in the middle of a transfer", async () => {
  server.tree.write("/big", Buffer.alloc(50_000_000));
  const socket = await raw.passive();
  await raw.ask("RETR big");
  raw.write("EPSV\r\n");
  await server.close();
  await raw.hungUp();
  expect(server.connections).toBe(0);
  socket.destroy();
});

async function connected(port: number): Promise<Socket> {
  const { connect } = await import("node:net");
  return connect({ port, host: "127.0.0.1" });
}
