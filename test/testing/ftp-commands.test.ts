/** Every command of the in-memory FTP server, in raw lines. */
import { createHash } from "node:crypto";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FtpServer, type FtpServerOptions } from "../../src/testing/index.js";
import { RawClient } from "./raw-client.js";

let server: FtpServer;
let raw: RawClient;

async function start(options: FtpServerOptions = {}): Promise<void> {
  await server?.close();
  server = await FtpServer.start(options);
  raw = await RawClient.open(server.port).login();
}

beforeEach(() => start({ files: { "/in/a.txt": "hello" } }));
afterEach(async () => {
  raw.close();
  await server.close();
});

async function expectDialogue(script: string): Promise<void> {
  const lines = script
    .trim()
    .split("\n")
    .map((line) => line.trimStart());
  for (const [index, line] of lines.entries()) {
    if (line.startsWith("S: ")) continue;
    const answer = await raw.ask(line.slice(3));
    expect(`${line} → ${answer}`).toBe(`${line} → ${lines[index + 1]?.slice(3)}`);
  }
}

test("settings", () =>
  expectDialogue(`
    C: SYST
    S: 215 UNIX Type: L8
    C: NOOP
    S: 200 NOOP ok.
    C: noop
    S: 200 NOOP ok.
    C: TYPE A
    S: 200 Type set to A
    C: TYPE X
    S: 504 TYPE X not understood
    C: MODE S
    S: 200 Mode set to S
    C: MODE Z
    S: 504 'Z' is not supported
    C: STRU F
    S: 200 Structure set to F
    C: ALLO 5
    S: 202 No storage allocation necessary.
    C: LANG en
    S: 200 Using default language en_US
    C: CLNT x
    S: 200 Noted.
    C: OPTS UTF8 ON
    S: 200 UTF8 set to on
    C: OPTS MLST type;size;nonsense;
    S: 200 MLST OPTS type;size;
    C: OPTS WHAT
    S: 501 Option not understood.
    C: AUTH TLS
    S: 500 AUTH not understood
    C: WHAT
    S: 500 WHAT not understood
    C: SITE WHAT
    S: 500 'SITE WHAT' not understood
    C: SITE CHMOD 600 in/a.txt
    S: 200 SITE CHMOD command successful
    C: SITE UTIME 202601020304 in/a.txt
    S: 200 UTIME command successful
    C: SITE UTIME in/a.txt 20260102030405 20260102030405 20260102030405 UTC
    S: 200 UTIME command successful
    C: SITE UTIME soon in/a.txt
    S: 501 Invalid time.`));

test("MLST shows the facts that OPTS MLST asked for", async () => {
  expect(await raw.ask("OPTS MLST size;type;nonsense;")).toBe("200 MLST OPTS type;size;");
  const facts = "250-Start of list for in/a.txt\r\n type=file;size=5; /in/a.txt\r\n250 End of list";
  expect(await raw.ask("MLST in/a.txt")).toBe(facts);
});

test("directories and names", () =>
  expectDialogue(`
    C: PWD
    S: 257 "/" is the current directory
    C: CWD in
    S: 250 CWD command successful
    C: CWD nowhere
    S: 550 nowhere: No such file or directory
    C: CWD a.txt
    S: 550 a.txt: Not a directory
    C: MKD a "b"
    S: 257 "/in/a ""b""" - Directory successfully created
    C: MKD a "b"
    S: 550 a "b": File exists
    C: MKD no/where
    S: 550 no/where: No such file or directory
    C: CWD a "b"
    S: 250 CWD command successful
    C: PWD
    S: 257 "/in/a ""b""" is the current directory
    C: CDUP
    S: 250 CDUP command successful
    C: RMD /in
    S: 550 /in: Directory not empty
    C: RMD a "b"
    S: 250 RMD command successful
    C: RMD a.txt
    S: 550 a.txt: Not a directory
    C: RNTO b.txt
    S: 503 Bad sequence of commands: RNFR first
    C: RNFR a.txt
    S: 350 File or directory exists, ready for destination name
    C: RNTO  b.txt 
    S: 250 Rename successful
    C: SIZE  b.txt 
    S: 213 5
    C: RNFR a.txt
    S: 550 a.txt: No such file or directory
    C: RNFR /in
    S: 350 File or directory exists, ready for destination name
    C: RNTO /in/in
    S: 550 /in/in: Rename failed
    C: DELE /in
    S: 550 /in: Is a directory
    C: DELE  b.txt 
    S: 250 DELE command successful
    C: DELE  b.txt 
    S: 550  b.txt : No such file or directory`));

test("a rename goes over an existing file, not over a directory", async () => {
  server.tree.write("/in/b.txt", "old");
  server.tree.mkdir("/in/d");
  expect(await raw.pack("RNFR /in/a.txt", "RNTO /in/b.txt")).toEqual([
    expect.stringMatching(/^350/),
    "250 Rename successful",
  ]);
  expect(server.tree.read("/in/b.txt").toString()).toBe("hello");
  expect((await raw.pack("RNFR /in/b.txt", "RNTO /in/d"))[1]).toMatch(/^550/);
  expect((await raw.pack("RNFR /in/b.txt", "RNTO /in/b.txt"))[1]).toMatch(/^250/);
  expect((await raw.pack("RNFR /in", "RNTO /out"))[1]).toMatch(/^250/);
  expect(server.tree.list("/out")).toEqual(["b.txt", "d"]);
});

test("names are bytes, 0xFF doubled as telnet wants", async () => {
  server.tree.write("/\xff\xfe\x01 x", "1");
  expect(await raw.ask("SIZE /\xff\xff\xfe\x01 x")).toBe("213 1");
  expect(await raw.ask("MLST /\xff\xff\xfe\x01 x")).toContain(" /\xff\xff\xfe\x01 x\r\n");
});

test("facts, and setting them", async () => {
  await start({ files: { "/a": "hello" }, features: { mdtmSet: true } });
  await expectDialogue(`
    C: SIZE a
    S: 213 5
    C: SIZE /
    S: 550 /: not a regular file
    C: MFMT 20260102030405 a
    S: 213 Modify=20260102030405; a
    C: MDTM a
    S: 213 20260102030405
    C: MDTM 20250102030405 a
    S: 213 File modification time set.
    C: MDTM a
    S: 213 20250102030405
    C: MFMT 20260231000000 a
    S: 501 20260231000000: invalid time
    C: MFMT 20260102030405
    S: 501 Syntax error in parameters
    C: MFF modify=20240102030405;UNIX.mode=0600; a
    S: 213 modify=20240102030405;UNIX.mode=0600; a
    C: MFF create=20240102030405; a
    S: 504 create: fact not supported
    C: TYPE A
    S: 200 Type set to A
    C: SIZE a
    S: 550 SIZE not allowed in ASCII mode`);
  expect(server.tree.stat("/a")).toEqual({
    type: "file",
    size: 5,
    modified: new Date("2024-01-02T03:04:05Z"),
    mode: 0o600,
  });
});

test("checksums, of a whole file and of a range", async () => {
  const digest = (name: string, text: string) => createHash(name).update(text).digest("hex");
  expect(await raw.ask("HASH in/a.txt")).toBe(`213 SHA-256 0-4 ${digest("sha256", "hello")} in/a.txt`);
  expect(await raw.ask("OPTS HASH md5")).toBe("200 MD5");
  expect(await raw.ask("RANG 1 3")).toBe("350 Restarting at 1. End byte range at 3.");
  expect(await raw.ask("HASH in/a.txt")).toBe(`213 MD5 1-3 ${digest("md5", "ell")} in/a.txt`);
  expect(await raw.ask("XCRC in/a.txt")).toBe("250 3610A686");
  expect(await raw.ask("XMD5 in/a.txt")).toBe(`250 ${digest("md5", "hello").toUpperCase()}`);
  expect(await raw.ask('XSHA1 "in/a.txt" 1 4')).toBe(`250 ${digest("sha1", "ell").toUpperCase()}`);
  expect(await raw.ask("XSHA256 in/a.txt")).toMatch(/^250 [0-9A-F]{64}$/);
  expect(await raw.ask("XSHA512 in/a.txt")).toMatch(/^250 [0-9A-F]{128}$/);
  expect(await raw.ask("HASH in/b.txt")).toMatch(/^550/);
});

test("FEAT, STAT and HELP have several lines", async () => {
  const features = await raw.ask("FEAT");
  expect(features).toMatch(/^211-Features:\r\n/);
  expect(features).toContain("\r\n MLST type*;size*;modify*;perm*;unix.mode*;unique*;\r\n");
  expect(features).toMatch(/\r\n211 End$/);
  expect(await raw.ask("STAT")).toContain("\r\n Logged in as test\r\n");
  expect(await raw.ask("STAT in")).toMatch(/^213-Status of in:\r\n-rw-r--r-- .* a\.txt\r\n213 End of status$/);
  expect(await raw.ask("HELP")).toMatch(/^214-/);
  expect(await raw.ask("SITE HELP")).toMatch(/^214-/);
});

test("ten thousand commands in one write are answered in order", async () => {
  const lines = Array.from({ length: 12_000 }, (_, i) => (i % 3 ? `SIZE in/a.txt` : `CWD nowhere${i}`));
  const replies = await raw.pack(...lines);
  expect(replies.filter((reply) => reply === "213 5")).toHaveLength(8_000);
  expect(replies[11_997]).toBe("550 nowhere11997: No such file or directory");
});
