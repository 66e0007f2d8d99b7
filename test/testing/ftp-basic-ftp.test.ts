/** The in-memory FTP server, seen by basic-ftp: a client written by others. */
import { Readable, Writable } from "node:stream";
import { Client } from "basic-ftp";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FtpServer, type FtpServerOptions } from "../../src/testing/index.js";

let server: FtpServer;
let client: Client;

async function start(options: FtpServerOptions = {}): Promise<void> {
  server = await FtpServer.start(options);
  client = new Client();
  await client.access({ host: server.host, port: server.port, user: "test", password: "test" });
}

beforeEach(() => start());
afterEach(async () => {
  client.close();
  await server.close();
});

async function download(path: string): Promise<string> {
  const chunks: Buffer[] = [];
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
  await client.downloadTo(sink, path);
  return Buffer.concat(chunks).toString();
}

test("a day's work", async () => {
  await client.ensureDir("/in/deep");
  expect(await client.pwd()).toBe("/in/deep");
  await client.uploadFrom(Readable.from([Buffer.from("hello")]), "a.txt");
  await client.appendFrom(Readable.from([Buffer.from(" world")]), "a.txt");
  expect(await client.size("a.txt")).toBe(11);
  expect(Math.abs((await client.lastMod("a.txt")).getTime() - Date.now())).toBeLessThan(5_000);
  expect(await download("a.txt")).toBe("hello world");
  await client.rename("a.txt", "../b.txt");
  expect((await client.list("/in")).map(({ name, isDirectory, size }) => ({ name, isDirectory, size }))).toEqual([
    { name: "deep", isDirectory: true, size: 4096 },
    { name: "b.txt", isDirectory: false, size: 11 },
  ]);
  await client.remove("/in/b.txt");
  await client.removeDir("/in");
  expect(server.tree.list()).toEqual([]);
});

test.each(["unix", "dos"] as const)("old listings: %s", async (listStyle) => {
  client.close();
  await server.close();
  await start({ listStyle, features: { mlsd: false }, files: { "/a b.txt": "123", "/dir/x": "" } });
  const rows = await client.list();
  expect(rows.map(({ name, isDirectory, size }) => [name, isDirectory, isDirectory ? 0 : size])).toEqual([
    ["a b.txt", false, 3],
    ["dir", true, 0],
  ]);
});

test("a server without EPSV is used by PASV", async () => {
  client.close();
  await server.close();
  await start({ features: { epsv: false }, files: { "/a": "1" } });
  expect(await download("/a")).toBe("1");
  expect(server.commands).toContain("PASV");
});

test("300 files up and down on one connection", async () => {
  for (let i = 0; i < 300; i++) await client.uploadFrom(Readable.from([Buffer.from(`file ${i}`)]), `f${i}`);
  expect(await client.list()).toHaveLength(300);
  for (let i = 0; i < 300; i += 7) expect(await download(`f${i}`)).toBe(`file ${i}`);
});
