/** TLS of the in-memory FTP server: explicit, implicit, on data connections, with and without a resumed session. */
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from "node:tls";
import { Client } from "basic-ftp";
import { expect, test } from "vitest";
import { FtpServer, testTls } from "../../src/testing/index.js";
import { RawClient, readAll } from "./raw-client.js";

const files = { "/a.txt": "hello", "/empty": "", "/big": Buffer.alloc(3_000_000, "x") };

async function protectedData(raw: RawClient, line: string, options: ConnectionOptions & { send?: string } = {}) {
  const plain = await raw.passive();
  expect(await raw.ask(line)).toMatch(/^150/);
  const { send, ...tls } = options;
  const socket = connectTls({ socket: plain, ca: testTls.ca, host: "127.0.0.1", ...tls });
  let reused = false;
  socket.on("error", () => {});
  socket.once("secureConnect", () => (reused = socket.isSessionReused()));
  const all = readAll(socket);
  if (send !== undefined) socket.end(send);
  return { text: await all, reply: await raw.reply(), reused };
}

async function secureLogin(raw: RawClient): Promise<void> {
  const replies = await raw.pack("USER test", "PASS test", "PBSZ 0", "PROT P", "TYPE I");
  expect(replies.map((reply) => reply.slice(0, 3))).toEqual(["331", "230", "200", "200", "200"]);
}

test.each(["TLSv1.2", "TLSv1.3"] as const)("explicit, files both ways: %s", async (version) => {
  await using server = await FtpServer.start({ tls: "explicit", files });
  const raw = RawClient.open(server.port);
  await raw.reply();
  expect((await raw.startTls({ maxVersion: version })).getProtocol()).toBe(version);
  await secureLogin(raw);
  expect(await protectedData(raw, "RETR a.txt")).toMatchObject({ text: "hello", reply: "226 Transfer complete" });
  expect(await protectedData(raw, "RETR empty")).toMatchObject({ text: "", reply: "226 Transfer complete" });
  expect((await protectedData(raw, "RETR big")).text).toHaveLength(3_000_000);
  expect(await protectedData(raw, "STOR b.txt", { send: "up" })).toMatchObject({ reply: "226 Transfer complete" });
  expect(server.tree.read("/b.txt").toString()).toBe("up");
  expect(await raw.ask("PROT C")).toMatch(/^200/);
  expect((await raw.receive("RETR a.txt")).text).toBe("hello");
  expect([await raw.ask("AUTH TLS"), await raw.ask("CCC"), await raw.ask("PROT E")]).toEqual([
    expect.stringMatching(/^503/),
    expect.stringMatching(/^533/),
    expect.stringMatching(/^536/),
  ]);
  raw.close();
});

test("implicit", async () => {
  await using server = await FtpServer.start({ tls: "implicit", files });
  expect(server.url).toMatch(/^ftps:/);
  const raw = RawClient.open(server.port, {});
  await raw.reply();
  await secureLogin(raw);
  expect((await protectedData(raw, "RETR a.txt")).text).toBe("hello");
  raw.close();
});

test("requireTls: no USER in plain text, no transfer without PROT P", async () => {
  await using server = await FtpServer.start({ tls: "explicit", requireTls: true, files });
  const raw = RawClient.open(server.port);
  await raw.reply();
  expect(await raw.pack("USER test", "PBSZ 0", "PROT P", "AUTH X")).toEqual([
    "530 Sessions must use encryption.",
    expect.stringMatching(/^503/),
    expect.stringMatching(/^503/),
    expect.stringMatching(/^504/),
  ]);
  await raw.startTls();
  await raw.pack("USER test", "PASS test");
  expect((await raw.receive("RETR a.txt")).replies[0]).toMatch(/^522/);
  raw.close();
});

test.each(["TLSv1.2", "TLSv1.3"] as const)("requireReuse: %s", async (version) => {
  await using server = await FtpServer.start({ tls: "explicit", requireReuse: true, files });
  const raw = RawClient.open(server.port);
  await raw.reply();
  let session: Buffer | undefined;
  const secure: TLSSocket = await raw.startTls({ maxVersion: version });
  secure.on("session", (ticket) => {
    session ??= ticket;
  });
  await secureLogin(raw);
  session ??= secure.getSession();
  for (let turn = 0; turn < 3; turn++) {
    const resumed = await protectedData(raw, "RETR a.txt", { maxVersion: version, ...(session && { session }) });
    expect(resumed).toEqual({ text: "hello", reply: "226 Transfer complete", reused: true });
  }
  const fresh = await protectedData(raw, "RETR a.txt");
  expect(fresh).toEqual({ text: "", reply: "522 SSL connection failed: session reuse required", reused: false });
  raw.close();
});

test("injectAfterAuth travels in the segment of the 234", async () => {
  await using server = await FtpServer.start({ tls: "explicit", faults: { injectAfterAuth: "230 logged in\r\n" } });
  const raw = RawClient.open(server.port);
  await raw.reply();
  raw.segments = [];
  await raw.ask("AUTH TLS");
  expect(raw.segments).toEqual(["234 AUTH TLS successful\r\n230 logged in\r\n"]);
  raw.close();
});

test("what a client pipelines behind AUTH TLS in plain text is thrown away", async () => {
  await using server = await FtpServer.start({ tls: "explicit" });
  const raw = RawClient.open(server.port);
  await raw.reply();
  raw.write("AUTH TLS\r\nUSER test\r\nPASS test\r\n");
  expect(await raw.reply()).toMatch(/^234/);
  expect(server.commands).toEqual(["AUTH TLS"]);
  raw.close();
});

test.each([
  ["expired", testTls.expired, "CERT_HAS_EXPIRED"],
  ["wrongHost", testTls.wrongHost, "ERR_TLS_CERT_ALTNAME_INVALID"],
  ["unknown authority", testTls.server, "UNABLE_TO_VERIFY_LEAF_SIGNATURE"],
])("certificates: %s", async (name, certificate, code) => {
  await using server = await FtpServer.start({ tls: "explicit", certificate });
  const raw = RawClient.open(server.port);
  await raw.reply();
  const ca = name === "unknown authority" ? {} : { ca: testTls.ca };
  await expect(raw.startTls(name === "unknown authority" ? { ca: [] } : ca)).rejects.toMatchObject({ code });
});

test("replies byte by byte also over TLS, and through the upgrade", async () => {
  await using server = await FtpServer.start({ tls: "explicit", faults: { byteByByte: true }, files });
  const raw = RawClient.open(server.port);
  await raw.reply();
  await raw.startTls();
  await secureLogin(raw);
  expect((await protectedData(raw, "RETR a.txt")).text).toBe("hello");
  raw.close();
});

test("basic-ftp over TLS with reuse required", async () => {
  await using server = await FtpServer.start({ tls: "explicit", requireTls: true, requireReuse: true, files });
  const client = new Client();
  const { host, port } = server;
  await client.access({ host, port, user: "test", password: "test", secure: true, secureOptions: { ca: testTls.ca } });
  expect((await client.list()).map((entry) => [entry.name, entry.size])).toEqual([
    ["a.txt", 5],
    ["empty", 0],
    ["big", 3_000_000],
  ]);
  client.close();
});
