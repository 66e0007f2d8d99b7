/** The bed of news servers itself: each starts in every mode it has, says what the tables tell, and goes. No client of ours. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { describeLive } from "./available.js";
import { certificates } from "./servers/certs.js";
import {
  type LiveNews,
  NEWS_ABILITIES,
  NEWS_KINDS,
  type NewsKind,
  type NewsOptions,
  startNews,
} from "./servers/news.js";
import { feed } from "./servers/news-feed.js";
import { articleOf, GROUPS, idOf } from "./servers/news-seed.js";
import { RawTalk } from "./servers/raw.js";

const running: LiveNews[] = [];
const talking: RawTalk[] = [];

async function live(kind: NewsKind, options?: NewsOptions): Promise<LiveNews> {
  const server = await startNews(kind, options);
  running.push(server);
  return server;
}

/** A conversation whose greeting has been read; with `login`, logged in. */
async function talk(server: { host: string; port: number }, login?: LiveNews, ca?: string): Promise<RawTalk> {
  const raw = await RawTalk.open(server, ca);
  talking.push(raw);
  expect(await raw.line()).toMatch(/^200 /);
  if (login) {
    expect(await raw.ask(`AUTHINFO USER ${login.user}`)).toMatch(/^381 /);
    expect(await raw.ask(`AUTHINFO PASS ${login.password}`)).toMatch(/^281 /);
  }
  return raw;
}

afterEach(async () => {
  for (const raw of talking.splice(0)) raw.close();
  await Promise.all(running.splice(0).map((server) => server.stop()));
});

const article = (id: string, group: string, more = ""): string =>
  `From: a@example.org\r\nNewsgroups: ${group}\r\nSubject: s\r\n` +
  `Date: Tue, 3 Feb 2026 10:11:12 +0000\r\nMessage-ID: ${id}\r\n${more}\r\nHello.\r\n`;

const plain = ({ user, password }: LiveNews): string =>
  `AUTHINFO SASL PLAIN ${Buffer.from(`\0${user}\0${password}`).toString("base64")}`;

for (const kind of NEWS_KINDS) {
  describeLive(kind, kind, () => {
    it("can do what the table says", async () => {
      const has = NEWS_ABILITIES[kind];
      const server = await live(kind, { tls: "starttls" });
      const before = await (await talk(server)).list("CAPABILITIES", "101");
      const after = await (await talk(server, server)).list("CAPABILITIES", "101");
      expect(/^READER\r$/m.test(before)).toBe(has.anonymous);
      expect(/^STARTTLS\r$/m.test(before)).toBe(has.starttls);
      expect(/^AUTHINFO .*USER/m.test(before)).toBe(has.user);
      expect(/^SASL .*PLAIN/m.test(before)).toBe(has.plain);
      expect(/^COMPRESS DEFLATE\r$/m.test(before)).toBe(has.compress);
      for (const name of ["hdr", "xpat", "newnews", "streaming"] as const) {
        expect([name, new RegExp(`^${name.toUpperCase()}\\r$`, "m").test(after)]).toEqual([name, has[name]]);
      }
      expect(/^LIST (.*)\r$/m.exec(after)?.[1]?.split(" ")).toEqual(has.list);
      expect(after).toMatch(/^READER\r$/m);
      expect(after).not.toMatch(/^(STARTTLS|AUTHINFO)/m);
    });

    it("speaks TLS after STARTTLS", async () => {
      const { ca } = await certificates();
      const raw = await talk(await live(kind, { tls: "starttls" }));
      expect(await raw.ask("STARTTLS")).toMatch(/^382 /);
      await raw.startTls(ca);
      expect(await raw.list("CAPABILITIES", "101")).not.toMatch(/^STARTTLS/m);
    });

    it("speaks TLS from the first octet", async () => {
      const { ca } = await certificates();
      const server = await live(kind, { tls: "implicit" });
      expect(await (await talk(server, server, ca)).ask("DATE")).toMatch(/^111 20\d{12}$/);
    });

    it.each(["expired", "wrongHost"] as const)("shows the %s certificate", async (name) => {
      const { ca, ...pairs } = await certificates();
      const server = await live(kind, { tls: "implicit", certificate: pairs[name] });
      await expect(RawTalk.open(server, ca)).rejects.toThrow(/certificate/);
    });

    it("takes AUTHINFO SASL PLAIN, and refuses a wrong password", async () => {
      const server = await live(kind, { auth: "groups" });
      const raw = await talk(server);
      expect(await raw.ask("GROUP polywire.test")).toMatch(/^480 /);
      expect(/polywire.test/.test(await raw.list("LIST", "215"))).toBe(kind === "cyrus");
      expect(await raw.ask(plain({ ...server, password: "wrong" }))).toMatch(/^481 /);
      expect(await raw.ask(plain(server))).toMatch(/^281 /);
      expect(await raw.ask("GROUP polywire.test")).toMatch(/^211 0 /);
      const another = await talk(server);
      await another.ask(`AUTHINFO USER ${server.user}`);
      expect(await another.ask("AUTHINFO PASS wrong")).toMatch(/^481 /);
    });

    it("compresses both ways", async () => {
      const raw = await talk(await live(kind));
      expect(await raw.ask("COMPRESS DEFLATE")).toMatch(/^206 /);
      raw.startDeflate();
      expect(await raw.list("CAPABILITIES", "101")).not.toMatch(/^COMPRESS/m);
    });

    it("is gone after stop(), with its sessions and folders", async () => {
      const server = await live(kind);
      const raw = await talk(server);
      expect(server.processes()).toContain(server.pid);
      await server.stop();
      await server.stop();
      await raw.ended();
      expect(server.processes()).toEqual([]);
      expect(existsSync(server.home)).toBe(false);
    });

    it("comes back after a crash on the same port, with the same articles", async () => {
      const home = await mkdtemp(join(tmpdir(), "polywire-news-"));
      const first = await live(kind, { home, seed: true });
      first.signal("SIGKILL");
      await first.stop();
      const second = await live(kind, { home, seed: true, port: first.port });
      const raw = await talk(second, second);
      expect(await raw.ask("GROUP polywire.umlaut")).toBe("211 10 1 10 polywire.umlaut");
      expect(await raw.list("BODY 10", "222")).not.toBe("");
      await second.stop();
      await rm(home, { recursive: true });
    }, 60_000); // it may be the one that makes the seeded news
  });
}

describeLive("inn", "inn with the seeded news", () => {
  let server: LiveNews;
  beforeAll(async () => {
    server = await startNews("inn", { seed: true, nodelay: true });
  });
  afterAll(() => server.stop());

  it("has the groups, with their numbers and descriptions as they were written", async () => {
    const raw = await talk(server);
    const counts = GROUPS.map(({ name, count, status }) => `${name} ${count} 1 ${count} ${status}\r\n`);
    expect(await raw.list("LIST COUNTS polywire.*", "215")).toBe(counts.join(""));
    const descriptions = GROUPS.map(({ name, description }) => `${name}\t${description}\r\n`);
    expect(await raw.list("LIST NEWSGROUPS", "215")).toBe(descriptions.join(""));
    expect(await raw.ask("GROUP polywire.big")).toBe("211 100000 1 100000 polywire.big");
  });

  it.each(GROUPS.filter(({ count }) => count))("has the overview of $name, row by row", async (group) => {
    const { name, count, cancelled } = group;
    const raw = await talk(server);
    await raw.ask(`GROUP ${name}`);
    const numbers = Array.from({ length: count }, (_, index) => index + 1).filter((each) => !cancelled.includes(each));
    if (!numbers.length) return expect(await raw.ask("OVER 1-")).toMatch(/^423 /);
    const expected = numbers.map((number) => `${articleOf(name, number).overview}\r\n`).join("");
    // toBe would compute the difference of 30 MB
    expect((await raw.list("OVER 1-", "224")) === expected).toBe(true);
  });

  it.each([1, 97, 101, 103, 107, 109, 171, 5000, 100_000])("has article %i byte for byte", async (number) => {
    const raw = await talk(server);
    await raw.ask("GROUP polywire.big");
    const { served } = articleOf("polywire.big", number);
    const stuffed = served.toString("latin1").replaceAll("\r\n.", "\r\n..");
    expect(await raw.list(`ARTICLE ${number}`, `220 ${number} ${idOf("polywire.big", number)}`)).toBe(stuffed);
  });

  it("has cancelled articles no more, and crossposted ones twice", async () => {
    const raw = await talk(server);
    await raw.ask("GROUP polywire.small");
    expect(await raw.ask("STAT 7")).toMatch(/^423 /);
    expect(await raw.ask(`STAT ${idOf("polywire.small", 7)}`)).toMatch(/^430 /);
    await raw.ask("GROUP polywire.cross");
    expect(await raw.ask("STAT 2")).toMatch(`223 2 ${idOf("polywire.small", 100)}`);
  });
});

describeLive("inn", "inn as others need it", () => {
  it("wants a login for what the option says", async () => {
    const [post, read] = await Promise.all([live("inn", { auth: "post" }), live("inn", { auth: "read" })]);
    const [poster, reader] = [await talk(post), await talk(read)];
    expect(await poster.ask("GROUP polywire.test")).toMatch(/^211 /);
    expect(await poster.ask("POST")).toMatch(/^480 /);
    for (const line of ["GROUP polywire.test", "LIST", "POST", "ARTICLE <a@b>"]) {
      expect(await reader.ask(line)).toMatch(/^480 /);
    }
    expect(await (await talk(post, post)).ask("POST")).toMatch(/^340 /);
    expect(await (await talk(read, read)).ask("GROUP polywire.test")).toMatch(/^211 /);
  });

  it("takes posts, mails those to moderated groups, and refuses those to closed ones", async () => {
    const server = await live("inn");
    const raw = await talk(server);
    const post = async (id: string, group: string): Promise<string> => {
      expect(await raw.ask("POST")).toMatch(/^340 /);
      return raw.ask(`${article(id, group)}.`);
    };
    expect(await post("<p1@example.org>", "polywire.test")).toMatch(/^240 /);
    expect(await post("<p2@example.org>", "polywire.moderated")).toMatch(/^240 /);
    expect(await post("<p3@example.org>", "polywire.closed")).toMatch(/^441 /);
    expect(await raw.ask("GROUP polywire.test")).toBe("211 1 1 1 polywire.test");
    expect(await raw.list("BODY 1", "222")).toBe("Hello.\r\n");
    await expect.poll(() => server.mail()).toContain("<p2@example.org>");
  });

  it("takes feeds on the other port, where MODE READER hands over to a reader's session", async () => {
    const server = await live("inn");
    const feedPort = server.feedPort!;
    const [good, bad] = ["<f1@example.org>", "<f2@example.org>"];
    const fed = (id: string, group: string) => ({ id, bytes: Buffer.from(`Path: x\r\n${article(id, group)}`) });
    const refused = await feed(server.host, feedPort, [fed(good, "polywire.test"), fed(bad, "no.such.group")]);
    expect([...refused.keys()]).toEqual([bad]);
    const raw = await talk({ host: server.host, port: feedPort });
    expect(await raw.list("CAPABILITIES", "101")).toMatch(/^MODE-READER\r$/m);
    expect(await raw.ask("GROUP polywire.test")).toMatch(/^(401|500) /);
    expect(await raw.ask("MODE READER")).toMatch(/^200 /);
    expect(await raw.ask("GROUP polywire.test")).toBe("211 1 1 1 polywire.test");
    await server.control("cancel", good);
    await server.control("newgroup", "polywire.new", "y", "news@example.org");
    expect(await raw.ask(`STAT ${good}`)).toMatch(/^430 /);
    expect(await (await talk(server)).ask("GROUP polywire.new")).toMatch(/^211 0 /);
  });

  it("turns away whom it has no room for, waits no longer than told, and keeps to its rate", async () => {
    const server = await live("inn", { maxClients: 1, idleTimeout: 1, rate: 10_000 });
    const one = await talk(server);
    const two = await RawTalk.open(server);
    expect(await two.line()).toMatch(/^400 Too many connections$/);
    await one.ended();
    const again = await talk(server);
    expect(await again.ask("POST")).toMatch(/^340 /);
    const lines = `${"x".repeat(60)}\r\n`.repeat(300);
    expect(await again.ask(`${article("<r@example.org>", "polywire.test")}${lines}.`)).toMatch(/^240 /);
    const start = performance.now();
    expect(await again.list("BODY <r@example.org>", "222")).toHaveLength(lines.length + 8);
    expect(performance.now() - start).toBeGreaterThan(1000);
  });

  it("ends with the process that started it, and its folder goes", async () => {
    const module = new URL("servers/news.ts", import.meta.url);
    const script = `import(${JSON.stringify(module)}).then((m) => m.startNews("inn")).then((s) => {
      console.log(s.processes().join() + " " + s.home); setTimeout(() => process.kill(process.pid, "SIGKILL"), 50) })`;
    const failed = await promisify(execFile)(process.execPath, ["--import", "tsx", "-e", script]).catch(
      (error) => error,
    );
    const [pids, home] = String(failed.stdout).trim().split(" ");
    const there = () => existsSync(home!) || pids!.split(",").some((pid) => existsSync(`/proc/${pid}`));
    await expect.poll(there, { timeout: 5000 }).toBe(false);
  });
});

describeLive("cyrus", "cyrus with the seeded news", () => {
  it("shows nothing before the login, and then the articles without those that were cancelled", async () => {
    const server = await live("cyrus", { seed: true });
    const raw = await talk(server, server);
    expect(await raw.ask("GROUP polywire.small")).toBe("211 492 1 498 polywire.small");
    const { bytes } = articleOf("polywire.small", 97);
    const stuffed = bytes.toString("latin1").replaceAll("\r\n.", "\r\n..");
    const expected = stuffed.replace("\r\n\r\n", "\r\nXref: cyrus.example\r\n\r\n");
    expect(await raw.list("ARTICLE 97", "220")).toBe(expected);
    expect(await raw.list("LISTGROUP polywire.umlaut", "211")).toBe("1 2 3 4 5 6 7 8 9 10 ".replaceAll(" ", "\r\n"));
    expect(await raw.ask("STAT 11")).toMatch(/^423 /);
  });

  it("takes a post", async () => {
    const server = await live("cyrus");
    const raw = await talk(server, server);
    expect(await raw.ask("POST")).toMatch(/^340 /);
    expect(await raw.ask(`${article("<p@example.org>", "polywire.test")}.`)).toMatch(/^240 /);
    expect(await raw.ask("GROUP polywire.test")).toBe("211 1 1 1 polywire.test");
  });
});

it("says which option a server cannot do", async () => {
  await expect(startNews("cyrus", { maxClients: 3, auth: "none" })).rejects.toThrow(
    "cyrus cannot do: maxClients, auth: none",
  );
});
