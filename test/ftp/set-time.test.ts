/** Setting times by whatever the server has, and asking for many digests: what is tried, remembered and told. */
import { createHash } from "node:crypto";
import { afterEach, describe, expect, test } from "vitest";
import { ReplyError, UsageError } from "../../src/client/errors.js";
import { FtpClient } from "../../src/ftp/client.js";
import type { FtpServerOptions } from "../../src/testing/ftp/options.js";
import { FtpServer } from "../../src/testing/index.js";

const TIME = new Date("2001-02-03T04:05:06.789Z");
const T = "20010203040506";

let server: FtpServer;
let ftp: FtpClient;

async function start(options: FtpServerOptions): Promise<void> {
  server = await FtpServer.start({ ...options, files: { "/a.dat": "abc", "/b c.dat": "b c", ...options.files } });
  ftp = new FtpClient({
    host: server.host,
    port: server.port,
    security: "plain",
    credentials: { user: "test", password: "test" },
  });
  await ftp.connect();
  await ftp.login();
}
afterEach(async () => {
  await ftp.quit();
  await server.close();
});

const said = () => server.commands.filter((line) => /^(MFMT|MFF|MDTM|SITE)/.test(line));
const old = { mfmt: false, mff: false };

describe("the way to set a time", () => {
  test("what is announced first is tried first, and to the second", async () => {
    await start({});
    await ftp.setModified("/a.dat", TIME);
    expect(said()).toEqual([`MFMT ${T} /a.dat`]);
    expect(server.tree.stat("/a.dat")?.modified.toISOString()).toBe("2001-02-03T04:05:06.000Z");
  });

  test("one that is announced and not there is left out from then on", async () => {
    await start({ faults: { reply: { MFMT: "500 No." } } });
    await ftp.setModified("/a.dat", TIME);
    await ftp.setModified("/b c.dat", TIME);
    expect(said()).toEqual([`MFMT ${T} /a.dat`, `MFF Modify=${T}; /a.dat`, `MFF Modify=${T}; /b c.dat`]);
    expect(ftp.modifiedCommand("/x", TIME)).toBe(`MFF Modify=${T}; /x`);
  });

  test("where MDTM takes no time, SITE UTIME does, in the form that names the time zone; that is remembered", async () => {
    await start({ features: old });
    await ftp.setModified("/b c.dat", TIME);
    await ftp.setModified("/a.dat", TIME);
    expect(said()).toEqual([
      `MDTM ${T} /b c.dat`,
      `SITE UTIME /b c.dat ${T} ${T} ${T} UTC`,
      `SITE UTIME /a.dat ${T} ${T} ${T} UTC`,
    ]);
    expect(server.tree.stat("/b c.dat")?.modified.toISOString()).toBe("2001-02-03T04:05:06.000Z");
  });

  test("the other form of SITE UTIME is tried where that one is refused", async () => {
    await start({ features: { ...old, mdtm: false }, faults: { reply: { "SITE UTIME /a.dat": "501 Invalid time." } } });
    await ftp.setModified("/a.dat", TIME);
    expect(said().at(-1)).toBe(`SITE UTIME ${T} /a.dat`);
    expect(server.tree.stat("/a.dat")?.modified.toISOString()).toBe("2001-02-03T04:05:06.000Z");
  });

  test("a server that takes the time for a part of a name, and finds such a file, has set nothing", async () => {
    await start({ features: old, files: { [`/x/${T} a.dat`]: "odd", "/x/a.dat": "abc" } });
    await ftp.cwd("/x");
    await ftp.setModified("a.dat", TIME);
    expect(said().at(-1)).toBe(`SITE UTIME a.dat ${T} ${T} ${T} UTC`);
    expect(server.tree.stat("/x/a.dat")?.modified.toISOString()).toBe("2001-02-03T04:05:06.000Z");
  });

  test("a server without any is told from a file that is not there", async () => {
    await start({ features: { ...old, site: false } });
    await expect(ftp.setModified("/a.dat", TIME)).rejects.toThrow(UsageError);
    const missing = ftp.setModified("/none.dat", TIME);
    await expect(missing).rejects.toThrow(ReplyError);
    await expect(missing).rejects.toMatchObject({ code: "550" });
    expect(ftp.state).toBe("ready");
  });

  test("a time that is refused is no missing command", async () => {
    await start({ faults: { reply: { MFMT: { reply: "501 Invalid argument", times: 1 } } } });
    await expect(ftp.setModified("/a.dat", TIME)).rejects.toMatchObject({ code: "501" });
    await ftp.setModified("/a.dat", TIME);
    expect(said()).toEqual([`MFMT ${T} /a.dat`, `MFMT ${T} /a.dat`]);
  });
});

describe("digests of many files", () => {
  const sha1 = (text: string) => createHash("sha1").update(text).digest("hex");

  test("in one pack, in order, with the error of each that was refused", async () => {
    await start({});
    const found = await ftp.hashes(["/a.dat", "/none.dat", "/b c.dat"], "SHA-1");
    expect([found[0], found[2]]).toEqual([
      { algorithm: "SHA-1", digest: sha1("abc") },
      { algorithm: "SHA-1", digest: sha1("b c") },
    ]);
    expect(found[1]).toBeInstanceOf(ReplyError);
    expect(server.commands.filter((line) => /HASH/.test(line))[0]).toBe("OPTS HASH SHA-1");
  });

  test("by the older commands where HASH is not announced", async () => {
    await start({ faults: { reply: { FEAT: "211-Features:\r\n XSHA256\r\n XMD5\r\n SIZE\r\n211 End" } } });
    expect(ftp.hashAlgorithms).toEqual(["SHA-256", "MD5"]);
    const [found] = await ftp.hashes(["/a.dat"], "MD5");
    expect(found).toEqual({ algorithm: "MD5", digest: createHash("md5").update("abc").digest("hex") });
    await expect(ftp.hashes(["/a.dat"], "SHA-1")).rejects.toThrow(/computes no SHA-1.*it has SHA-256, MD5/);
  });
});
