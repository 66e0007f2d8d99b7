/** Files from one real server to another, straight: every two makes, allowed and not, and what is left behind a failure. */
import { expect, test } from "vitest";
import { AbortedError, ReplyError } from "../../../src/client/errors.js";
import { FxpError } from "../../../src/ftp/fxp-pair.js";
import { errorOf, expectUsable, pattern } from "./bed.js";
import { bytesSeen, describeMakes, PAIRS } from "./fxp-bed.js";

const LARGE = pattern(3_000_000);

describeMakes("servers that allow FXP", { allowFxp: true }, (yards) => {
  test.each(PAIRS)("send files from %s to %s, of which no byte comes here", async (from, to) => {
    const [one, other] = [yards[from], yards[to]];
    one.put("a.dat", LARGE);
    one.put("empty.dat", "");
    other.clear("b.dat", "c.dat", "empty.dat");
    const seen = await bytesSeen(async () => {
      const [source, target] = await Promise.all([one.ready(), other.ready()]);
      expect(await source.fxp("a.dat", target, "b.dat")).toMatchObject({
        bytes: LARGE.length,
        passive: from === "pyftpdlib" ? "source" : "target",
      });
      // Once more, as it worked before.
      expect(await source.fxp("a.dat", target, "c.dat")).toMatchObject({ bytes: LARGE.length });
      expect(await source.fxp("empty.dat", target, "empty.dat")).toMatchObject({ bytes: 0 });
      for (const client of [source, target]) await expectUsable(client);
    });
    expect(seen).toBeLessThan(10_000);
    expect(other.read("b.dat")?.equals(LARGE)).toBe(true);
    expect(other.read("c.dat")?.equals(LARGE)).toBe(true);
    expect(other.read("empty.dat")).toHaveLength(0);
  });

  test.each(PAIRS)("%s and %s transfer with us before and behind", async (from, to) => {
    const [one, other] = [yards[from], yards[to]];
    one.put("a.dat", LARGE);
    other.clear("b.dat", "c.dat");
    const [source, target] = await Promise.all([one.ready(), other.ready()]);
    expect((await source.retr("a.dat")).equals(LARGE)).toBe(true);
    await target.stor("c.dat", Buffer.from("small"));
    for (const name of ["b.dat", "c.dat"]) {
      await source.fxp("a.dat", target, name);
      expect((await target.retr(name)).equals(LARGE)).toBe(true);
      expect((await source.retr("a.dat")).equals(LARGE)).toBe(true);
    }
    await target.stor("c.dat", Buffer.from("small"));
    expect(other.read("c.dat")?.toString()).toBe("small");
  });

  test.each(PAIRS)("a file that %s has not, and one that %s does not take, leave both usable", async (from, to) => {
    const [one, other] = [yards[from], yards[to]];
    one.put("a.dat", LARGE);
    other.clear("b.dat");
    const [source, target] = await Promise.all([one.ready(), other.ready()]);
    // In a way that is not known yet, and in one that is.
    for (const _ of [1, 2]) {
      const gone = await errorOf(source.fxp("gone.dat", target, "b.dat"));
      expect(gone).toBeInstanceOf(ReplyError);
      expect(gone).toMatchObject({ code: "550", server: `${one.server.host}:${one.server.port}`, clientUsable: true });
      const refused = await errorOf(source.fxp("a.dat", target, "no/such/folder/b.dat"));
      expect(refused).toBeInstanceOf(ReplyError);
      expect(refused.message).toMatch(/55[03]/);
      expect(refused).toMatchObject({ server: `${other.server.host}:${other.server.port}`, clientUsable: true });
      for (const client of [source, target]) await expectUsable(client);
      other.clear("b.dat");
      await source.fxp("a.dat", target, "b.dat");
      expect(other.read("b.dat")?.equals(LARGE)).toBe(true);
    }
  });
});

describeMakes("servers that do not allow FXP", { allowFxp: false }, (yards) => {
  test.each(PAIRS)("%s and %s say so, and both clients go on", async (from, to) => {
    const [one, other] = [yards[from], yards[to]];
    one.put("a.dat", LARGE);
    other.clear("b.dat");
    const [source, target] = await Promise.all([one.ready(), other.ready()]);
    for (const _ of [1, 2]) {
      const error = await errorOf(source.fxp("a.dat", target, "b.dat"));
      expect(error).toBeInstanceOf(FxpError);
      for (const role of ["target", "source"])
        expect(error.message).toMatch(new RegExp(`with the ${role} listening, [^;]*PORT [^;]* by 50[01]`));
      expect(error.clientUsable).toBe(true);
    }
    for (const client of [source, target]) await expectUsable(client);
    expect(other.read("b.dat")).toBeUndefined();
    await target.stor("b.dat", source.read("a.dat"));
    expect(other.read("b.dat")?.equals(LARGE)).toBe(true);
  });
});

describeMakes("slow servers that allow FXP", { allowFxp: true, rate: 500_000 }, (yards) => {
  test.each(PAIRS)("%s and %s break a transfer off, and both clients go on", { timeout: 60_000 }, async (from, to) => {
    const [one, other] = [yards[from], yards[to]];
    one.put("a.dat", pattern(30_000_000));
    one.put("small.dat", "small");
    other.clear("b.dat", "c.dat");
    const [source, target] = await Promise.all([one.ready(), other.ready()]);
    const abort = new AbortController();
    const call = source.fxp("a.dat", target, "b.dat", { signal: abort.signal });
    setTimeout(() => abort.abort(), 700);
    const error = await errorOf(call);
    expect(error).toBeInstanceOf(AbortedError);
    expect(error.clientUsable).toBe(true);
    for (const client of [source, target]) await expectUsable(client);
    await source.fxp("small.dat", target, "c.dat");
    expect(other.read("c.dat")?.toString()).toBe("small");
  });
});
