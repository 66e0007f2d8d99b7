/** Files from one real server to another over IPv6: EPSV and EPRT, which name no address of IPv4 (RFC 2428). */
import { networkInterfaces } from "node:os";
import { describe, expect, test } from "vitest";
import { expectUsable, pattern } from "./bed.js";
import { bytesSeen, describeMakes, type Make, PAIRS } from "./fxp-bed.js";

const LARGE = pattern(3_000_000);
const HAS_SIX = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === "::1"));

const tests = () => {
  describeMakes("servers on IPv6", { ipv6: true, allowFxp: true }, (yards) => {
    test.each(PAIRS)("%s sends files to %s", async (from, to) => {
      const [one, other] = [yards[from], yards[to]];
      one.put("a.dat", LARGE);
      other.clear("b.dat", "c.dat");
      const seen = await bytesSeen(async () => {
        const [source, target] = await Promise.all([one.ready(), other.ready()]);
        // In a way that is not known yet, and in one that is.
        for (const name of ["b.dat", "c.dat"])
          expect(await source.fxp("a.dat", target, name)).toMatchObject({ bytes: LARGE.length });
        for (const client of [source, target]) await expectUsable(client);
      });
      expect(seen).toBeLessThan(10_000);
      for (const name of ["b.dat", "c.dat"]) expect(other.read(name)?.equals(LARGE)).toBe(true);
    });

    // Its log has every command.
    test("no address of IPv4 is told to anyone", async () => {
      const [one, other] = [yards.vsftpd, yards.pureftpd];
      one.put("a.dat", LARGE);
      const [source, target] = await Promise.all([one.ready(), other.ready()]);
      await source.fxp("a.dat", target, "b.dat");
      await target.fxp("b.dat", source, "c.dat");
      const log = one.server.log();
      expect(log).toMatch(/"EPRT \|2\|::1\|\d+\|"/);
      expect(log).toContain('"EPSV"');
      expect(log).not.toMatch(/"(PASV|PORT .*)"/);
    });
  });

  describeMakes("servers on IPv6, under TLS", { ipv6: true, allowFxp: true, tls: "explicit" }, (yards) => {
    test.each<[Make, Make]>([
      ["proftpd", "pureftpd"],
      ["vsftpd", "proftpd"],
    ])("%s sends files to %s, encrypted", async (from, to) => {
      const [one, other] = [yards[from], yards[to]];
      one.put("a.dat", LARGE);
      other.clear("b.dat");
      const [source, target] = await Promise.all([one.ready(), other.ready()]);
      await source.fxp("a.dat", target, "b.dat");
      expect(other.read("b.dat")?.equals(LARGE)).toBe(true);
      for (const client of [source, target]) await expectUsable(client);
    });
  });
};

if (HAS_SIX) tests();
else {
  process.stderr.write("SKIPPED: this machine has no ::1 (FXP over IPv6)\n");
  describe.skip("FXP over IPv6", () => test("needs ::1"));
}
