/** What real news servers know: their lists, their clock, what is new; and commands sent as they are. */
import { expect, it } from "vitest";
import { ReplyError, UsageError } from "../../../src/client/errors.js";
import type { ListKeyword } from "../../../src/nntp/parse-list.js";
import { GROUPS, idOf } from "../servers/news-seed.js";
import { type Bed, describeNews, errorOf, expectUsable, numbersOf, seeded } from "./bed.js";

/** Those that come with INN. */
const OWN = ["control", "control.cancel", "junk"];
const day = 86_400_000;

/** A description as a reader should see it: UTF-8, or what it is if it is none. */
function readable(raw: string): string {
  const utf8 = Buffer.from(raw, "latin1").toString("utf8");
  return utf8.includes("\ufffd") ? raw : utf8;
}

describeNews("inn", { seed: true }, "inn", (bed) => {
  everywhere(bed);

  const all = GROUPS.map(({ name }) => name);

  it("lists its groups, in order, with their numbers and status", async () => {
    const nntp = await bed.ready();
    const rows = GROUPS.map(({ name, count, status }) => ({ name, high: count, low: 1, status }));
    const active = await nntp.list().toArray();
    expect(active.slice(0, 3).map(({ name, status }) => [name, status])).toEqual(OWN.map((name) => [name, "n"]));
    expect(active.slice(3)).toEqual(rows);
    expect(await nntp.list("ACTIVE", "polywire.*").toArray()).toEqual(rows);
    const counts = rows.map((row) => ({ ...row, count: row.high }));
    expect(await nntp.list("COUNTS", "polywire.*").toArray()).toEqual(counts);
  });

  it("lists what they are about: UTF-8 as text, latin1 without harm to the rows around it", async () => {
    const nntp = await bed.ready();
    const rows = await nntp.list("NEWSGROUPS").toArray();
    expect(rows.map(({ name }) => name)).toEqual(all);
    const about = new Map(rows.map(({ name, description }) => [name, description]));
    for (const { name, description } of GROUPS.filter(({ name }) => name !== "polywire.latin")) {
      expect(about.get(name)).toBe(readable(description));
    }
    expect(about.get("polywire.umlaut")).toBe("Grüße, 日本語 und Ähnliches");
    const latin = about.get("polywire.latin") as string;
    expect(latin).toMatch(/^Gr.+e in latin1$/);
    // What was no UTF-8 can be had back: a lone surrogate for each octet.
    expect(latin.replace(/[\udc80-\udcff]/g, (byte) => String.fromCharCode(byte.charCodeAt(0) & 0xff))).toBe(
      "Gr\xfc\xdfe in latin1",
    );
  });

  it("lists when they were made, and by whom", async () => {
    const nntp = await bed.ready();
    expect(await nntp.list("ACTIVE.TIMES").toArray()).toEqual(
      GROUPS.map(({ name, created }) => ({
        name,
        created: new Date(created * 1000),
        creator: "news@polywire.example",
      })),
    );
  });

  it("lists everything else that it announces", async () => {
    const nntp = await bed.ready();
    expect(await nntp.list("DISTRIB.PATS").toArray()).toEqual([
      { weight: 1, wildmat: "polywire.*", distribution: "world" },
    ]);
    expect(await nntp.list("HEADERS").toArray()).toEqual([":"]);
    expect(await nntp.list("MODERATORS").toArray()).toEqual([{ wildmat: "*", address: "moderator@polywire.example" }]);
    expect((await nntp.list("MOTD").toArray()).map((line) => line.trim())).toEqual(["Tests only."]);
    expect(await nntp.list("SUBSCRIPTIONS").toArray()).toEqual(["polywire.small"]);
    const format = ["Subject:", "From:", "Date:", "Message-ID:", "References:", "Bytes:", "Lines:", "Xref:full"];
    expect(await nntp.list("OVERVIEW.FMT").toArray()).toEqual(format);
  });

  it("has a typed list for every keyword that it announces", async () => {
    const nntp = await bed.ready();
    const announced = nntp.capabilities.get("LIST") ?? [];
    expect(announced).toEqual(bed.has.list);
    for (const keyword of announced) {
      expect((await nntp.list(keyword as ListKeyword).toArray()).length).toBeGreaterThan(0);
    }
    expect(await nntp.list("DISTRIBUTIONS").toArray()).toEqual([{ name: "world", description: "Everybody" }]);
  });

  it.each([
    ["polywire.*", all],
    ["polywire.c*", ["polywire.cross", "polywire.closed", "polywire.c++", "polywire.cancelled"]],
    ["*,!polywire.*", OWN],
    ["polywire.[bs]*,!*.big", ["polywire.small"]],
    ["polywire.?????", ["polywire.small", "polywire.cross", "polywire.latin", "polywire.empty"]],
    ["no.such.*", []],
  ])("takes the wildmat %s", async (wildmat, names) => {
    const nntp = await bed.ready();
    expect((await nntp.list("ACTIVE", wildmat).toArray()).map(({ name }) => name)).toEqual(names);
    const described = await nntp.list("NEWSGROUPS", wildmat).toArray();
    expect(described.map(({ name }) => name)).toEqual(names.filter((name) => !OWN.includes(name)));
  });

  it("tells which groups are new since a moment", async () => {
    const nntp = await bed.ready();
    const names = async (since: Date) => (await nntp.newgroups(since).toArray()).map(({ name }) => name);
    expect(await names(new Date("2019-12-31T23:59:59Z"))).toEqual(all);
    expect(await nntp.newgroups(new Date("2020-06-01T00:00:00Z")).toArray()).toEqual([
      { name: "polywire.test", high: 0, low: 1, status: "y" },
    ]);
    expect(await names(new Date(Date.now() + day))).toEqual([]);
    await bed.server.control("newgroup", "polywire.made", "y", "tester@example.org");
    expect(await names(new Date(Date.now() - day))).toEqual(["polywire.made"]);
    const made = await nntp.list("ACTIVE.TIMES", "polywire.made").toArray();
    expect(made).toMatchObject([{ name: "polywire.made", creator: "tester@example.org" }]);
    expect(Math.abs(made[0]!.created.getTime() - Date.now())).toBeLessThan(60_000);
    await bed.server.control("rmgroup", "polywire.made");
    expect(await errorOf(nntp.group("polywire.made"))).toMatchObject({ code: "411" });
  });

  it("tells which articles are new since a moment, in the groups that are meant", async () => {
    const nntp = await bed.ready();
    const long = new Date("2020-01-01T00:00:00Z");
    const ids = (short: string) => numbersOf(seeded(short)).map((number) => idOf(`polywire.${short}`, number));
    expect(new Set(await nntp.newnews("polywire.umlaut,polywire.latin", long).toArray())).toEqual(
      new Set([...ids("umlaut"), ...ids("latin")]),
    );
    expect(await nntp.newnews("*", new Date(Date.now() + day)).toArray()).toEqual([]);
    const { messageId } = await nntp.post({
      from: "a@b.example",
      newsgroups: "polywire.test",
      subject: "s",
      text: "t\n",
    });
    // nnrpd looks once into the overview of a group.
    const another = await bed.ready();
    expect(await another.newnews("polywire.test", new Date(Date.now() - 60_000)).toArray()).toEqual([messageId]);
    expect(() => nntp.newnews("a b", long)).toThrow(UsageError);
  });

  it("takes LIST commands that overlap with all others", async () => {
    const nntp = await bed.ready();
    const [active, group, described, date, times] = await Promise.all([
      nntp.list("ACTIVE", "polywire.*").toArray(),
      nntp.group("polywire.umlaut"),
      nntp.list("NEWSGROUPS").toArray(),
      nntp.date(),
      nntp.list("ACTIVE.TIMES").toArray(),
    ]);
    expect([active.length, described.length, times.length].every((length) => length >= GROUPS.length)).toBe(true);
    expect([group.count, date.getUTCFullYear()]).toEqual([10, new Date().getUTCFullYear()]);
  });

  it("takes lines whose code alone says that more lines follow", async () => {
    const nntp = await bed.ready();
    const { code, body } = await nntp.request("XGTITLE polywire.umlaut");
    expect([code, String(body)]).toEqual(["282", "polywire.umlaut\tGrüße, 日本語 und Ähnliches\r\n"]);
    await expectUsable(nntp);
  });
});

describeNews("cyrus", { seed: true }, "cyrus", (bed) => {
  everywhere(bed);

  it("lists its groups by name; those that were deleted from leave no gap", async () => {
    const nntp = await bed.ready();
    const rows = GROUPS.map(({ name, count }) => {
      if (name === "polywire.big") return { name, high: 0, low: 1, status: "y" };
      const high = { "polywire.small": 498, "polywire.cross": 9 }[name] ?? count;
      return { name, high, low: name === "polywire.cancelled" ? 21 : 1, status: "y" };
    });
    const sorted = rows.sort((a, b) => (a.name < b.name ? -1 : 1));
    expect(await nntp.list("ACTIVE", "polywire.*").toArray()).toEqual(sorted);
    expect((await nntp.list().toArray()).slice(1)).toEqual(sorted);
    expect((await nntp.list("ACTIVE", "*umlaut").toArray()).map(({ name }) => name)).toEqual(["polywire.umlaut"]);
  });

  it("lists everything else that it announces, and refuses the rest", async () => {
    const nntp = await bed.ready();
    expect(nntp.capabilities.get("LIST")).toEqual(bed.has.list);
    expect(await nntp.list("HEADERS").toArray()).toEqual([":", ":bytes", ":lines"]);
    expect(await nntp.list("NEWSGROUPS").toArray()).toEqual([]);
    expect((await nntp.list("OVERVIEW.FMT").toArray()).slice(5)).toEqual([":bytes", ":lines", "Xref:full"]);
    for (const keyword of ["COUNTS", "ACTIVE.TIMES", "MOTD", "SUBSCRIPTIONS", "DISTRIB.PATS", "MODERATORS"] as const) {
      const error = await errorOf(nntp.list(keyword).toArray());
      expect(error).toBeInstanceOf(ReplyError);
      expect(error).toMatchObject({ clientUsable: true, transient: false });
    }
    expect(await errorOf(nntp.newgroups(new Date(0)).toArray())).toMatchObject({ code: "503", clientUsable: true });
    expect(await nntp.newnews("polywire.*", new Date(0)).toArray()).toEqual([]); // it counts what came by NNTP only
    await expectUsable(nntp);
  });
});

/** What all of them answer alike. */
function everywhere(bed: Bed): void {
  it("tells the time, and how it is to be spoken to", async () => {
    const nntp = await bed.ready();
    expect(Math.abs((await nntp.date()).getTime() - Date.now())).toBeLessThan(2_000);
    expect(await nntp.help()).toMatch(/^\s*ARTICLE .*\n(.*\n)*\s*XPAT /m);
  });

  it("refuses a list that there is none of, before anything is sent", async () => {
    const nntp = await bed.ready();
    expect(() => nntp.list("EVERYTHING" as ListKeyword)).toThrow(UsageError);
    expect(() => nntp.list("ACTIVE", "a b")).toThrow(UsageError);
    expect((await nntp.list("active" as "ACTIVE", "polywire.empty").toArray()).length).toBe(1);
  });

  it("takes any command: with lines behind the reply, and without", async () => {
    const nntp = await bed.ready();
    const date = await nntp.request("DATE");
    expect(date).toMatchObject({ ok: true, code: "111", text: expect.stringMatching(/^20\d{12}$/) });
    expect(date.body).toBeUndefined();
    expect(await nntp.request("GROUP polywire.umlaut")).toMatchObject({ code: "211", text: "10 1 10 polywire.umlaut" });
    const { code, body } = await nntp.request("LISTGROUP polywire.umlaut 2-3");
    expect([code, String(body)]).toEqual(["211", "2\r\n3\r\n"]);
    const replies = await Promise.all([
      nntp.request("STAT 1"),
      nntp.request("HDR Message-ID 1-2"),
      nntp.request("help"),
      nntp.request("LIST ACTIVE polywire.c++"),
      nntp.request("CAPABILITIES"),
      nntp.request("BODY 1"),
    ]);
    expect(replies.map((reply) => [reply.code, reply.body !== undefined])).toEqual([
      ["223", false],
      ...["225", "100", "215", "101", "222"].map((each) => [each, true]),
    ]);
    expect(String(replies[3]?.body)).toMatch(/^polywire\.c\+\+ 0*5 0*1 y\r\n$/);
    expect(String(replies[4]?.body)).toMatch(/^VERSION 2\r\n/);
    await expectUsable(nntp);
  });

  it("gives refusals back where they are asked for", async () => {
    const nntp = await bed.ready();
    expect(await errorOf(nntp.request("GROUP no.such"))).toMatchObject({ name: "ReplyError", code: "411" });
    expect(await nntp.request("GROUP no.such", { expect: "any" })).toMatchObject({ ok: false, code: "411" });
    expect(await errorOf(nntp.request("XYZZY"))).toMatchObject({ code: "500", clientUsable: true });
    await expectUsable(nntp);
  });

  it("leaves to methods what changes the connection, and sends no second command", async () => {
    const nntp = await bed.ready();
    const raw = ["POST", "quit", "MODE READER", "mode  reader", "AUTHINFO USER x", "STARTTLS", "COMPRESS DEFLATE"];
    for (const command of [...raw, "IHAVE <a@b>", "TAKETHIS <a@b>", "DATE\r\nQUIT", "DATE\nQUIT", "DA\0TE"]) {
      expect(await errorOf(nntp.request(command)), command).toBeInstanceOf(UsageError);
    }
    await expectUsable(nntp);
  });

  it("takes UTF-8 in the names of groups", async () => {
    const nntp = await bed.ready();
    expect(await errorOf(nntp.group("polywire.grüße"))).toMatchObject({ name: "ReplyError", clientUsable: true });
    expect(await nntp.list("ACTIVE", "polywire.größe").toArray()).toEqual([]);
    await expectUsable(nntp);
  });
}
