/** Files from one real server to another under TLS: where one of them knows SSCN, and never in the clear. */
import { expect, test } from "vitest";
import { FxpError } from "../../../src/ftp/fxp-pair.js";
import { errorOf, expectUsable, pattern } from "./bed.js";
import { bytesSeen, describeMakes, type Make } from "./fxp-bed.js";

const LARGE = pattern(3_000_000);

describeMakes("servers that allow FXP, under TLS", { allowFxp: true, tls: "explicit" }, (yards) => {
  // ProFTPD begins the handshake, and looks at the certificate of the other one.
  test.each<[Make, Make]>([
    ["proftpd", "pureftpd"],
    ["vsftpd", "proftpd"],
    ["pureftpd", "proftpd"],
    ["pyftpdlib", "proftpd"],
  ])("%s sends files to %s, encrypted", async (from, to) => {
    const [one, other] = [yards[from], yards[to]];
    one.put("a.dat", LARGE);
    other.clear("b.dat", "c.dat", "d.dat");
    const [source, target] = await Promise.all([one.ready(), other.ready()]);
    const seen = await bytesSeen(async () => {
      for (const name of ["b.dat", "c.dat"]) await source.fxp("a.dat", target, name);
    });
    expect(seen).toBe(0);
    for (const name of ["b.dat", "c.dat"]) expect(other.read(name)?.equals(LARGE)).toBe(true);
    // Whoever began handshakes takes them from us again.
    await target.stor("d.dat", source.read("a.dat"));
    expect(other.read("d.dat")?.equals(LARGE)).toBe(true);
    for (const client of [source, target]) await expectUsable(client);
  });

  // It confirms uploads whose end it has lost.
  test("what pyftpdlib says is whole is believed only where it has the size", { timeout: 60_000 }, async () => {
    const [one, other] = [yards.proftpd, yards.pyftpdlib];
    one.put("a.dat", LARGE);
    for (let i = 0; i < 5; i++) {
      other.clear("b.dat");
      const [source, target] = await Promise.all([one.ready(), other.ready()]);
      const done = await source.fxp("a.dat", target, "b.dat").catch((error) => error);
      if (done instanceof Error) expect(done.message).toMatch(/of 3000000 bytes arrived/);
      else expect(other.read("b.dat")?.equals(LARGE)).toBe(true);
      for (const client of [source, target]) await expectUsable(client);
    }
  });

  test("vsftpd takes no upload whose TLS ends as ProFTPD ends it: it does not work, and nothing is left", async () => {
    const [one, other] = [yards.proftpd, yards.vsftpd];
    one.put("a.dat", LARGE);
    other.clear("b.dat");
    const [source, target] = await Promise.all([one.ready(), other.ready()]);
    const error = await errorOf(source.fxp("a.dat", target, "b.dat"));
    expect(error).toBeInstanceOf(FxpError);
    expect(error.message).toMatch(/426/);
    expect(other.read("b.dat")).toBeUndefined();
    for (const client of [source, target]) await expectUsable(client);
  });

  test.each<[Make, Make]>([
    ["vsftpd", "pureftpd"],
    ["pureftpd", "pyftpdlib"],
    ["pyftpdlib", "vsftpd"],
  ])("%s and %s know no way, and nothing is sent", async (from, to) => {
    const [source, target] = await Promise.all([yards[from].ready(), yards[to].ready()]);
    const error = await errorOf(source.fxp("a.dat", target, "b.dat"));
    expect(error).toBeInstanceOf(FxpError);
    expect(error.message).toContain("SSCN or CPSV");
    for (const client of [source, target]) await expectUsable(client);
  });

  test("where one side alone is encrypted, nothing is sent; where neither is, all is", async () => {
    const [one, other] = [yards.proftpd, yards.pureftpd];
    one.put("a.dat", LARGE);
    other.clear("b.dat");
    const [source, clear] = await Promise.all([one.ready(), other.ready({ protection: "clear" })]);
    const error = await errorOf(source.fxp("a.dat", clear, "b.dat"));
    expect(error).toBeInstanceOf(FxpError);
    expect(error.message).toContain("of the source alone are encrypted");
    expect(other.read("b.dat")).toBeUndefined();
    await (await one.ready({ protection: "clear" })).fxp("a.dat", clear, "b.dat");
    expect(other.read("b.dat")?.equals(LARGE)).toBe(true);
  });
});
