/** Transfers whose commands leave in one write, hundreds of them on one connection, at every real server. */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { Transcript } from "../../../src/client/transcript.js";
import { describeRows, errorOf, expectUsable, pattern, ROWS, sha256 } from "./bed.js";

const CONTENT = pattern(64 * 1024);

describeRows(
  ROWS.filter(([, tls]) => tls === "none"),
  {},
  (bed) => {
    it("300 small files go up and come back, byte for byte", async () => {
      const ftp = await bed.ready();
      for (let i = 0; i < 300; i++) {
        const content = CONTENT.subarray(i, i + ((i * 217) % 65_000));
        await ftp.stor(`small-${i % 20}`, content);
        expect(sha256(readFileSync(bed.local(`small-${i % 20}`)))).toBe(sha256(content));
        expect(sha256(await ftp.retr(`small-${i % 20}`))).toBe(sha256(content));
      }
      expect(ftp.serial).toBe(false);
      await expectUsable(ftp);
    });

    it("what is refused in between is that file's own, and both commands leave together", async () => {
      const transcript = new Transcript();
      const ftp = await bed.ready({ transcript });
      await ftp.stor("there", CONTENT);
      for (let i = 0; i < 20; i++) {
        expect(await errorOf(ftp.retr("not-there"))).toMatchObject({ code: "550", clientUsable: true });
        expect(await errorOf(ftp.stor("no-folder/file", CONTENT))).toMatchObject({ clientUsable: true });
        expect((await ftp.retr("there")).equals(CONTENT)).toBe(true);
      }
      const together = transcript.lines.filter(({ who, text }, i) => {
        const before = transcript.lines[i - 1];
        return who === "C" && text === "RETR there" && before?.who === "C" && /^(EPSV|PASV)$/.test(before.text);
      });
      expect(together.length).toBeGreaterThanOrEqual(19);
      await expectUsable(ftp);
    });

    it("with pipelining: 1 every command waits for the reply before it", async () => {
      const transcript = new Transcript();
      const ftp = await bed.ready({ transcript, pipelining: 1 });
      await ftp.stor("one", CONTENT);
      await ftp.rename("one", "other");
      expect((await ftp.retr("other")).equals(CONTENT)).toBe(true);
      expect(await ftp.stats(["other", "none"])).toMatchObject([{ size: CONTENT.length }, undefined]);
      const ways = transcript.lines.flatMap(({ who }) => (who === "#" ? [] : [who]));
      expect(ways.filter((who) => who === "C").length).toBeGreaterThan(10);
      expect(ways.join("")).not.toContain("CC");
    });
  },
);
