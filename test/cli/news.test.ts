/** groups, article, post and threads, each as a process against one news server in memory. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ahead } from "../../src/cli/news/ahead.js";
import { moment } from "../../src/cli/news/moment.js";
import { articleId, newsPlace, wantedArticles } from "../../src/cli/news/place.js";
import { articleName, safeName } from "../../src/cli/news/save.js";
import { encodeYenc, parseMessage, parseNzb } from "../../src/message/index.js";
import { NntpServer } from "../../src/testing/index.js";
import { cleanUp, folder, PASSWORD, PLAIN, polywire, testTls, USERS } from "./polywire.js";

const DATE = "Tue, 3 Feb 2026 10:11:12 +0100";
const DATA = Buffer.from(Array.from({ length: 3000 }, (_, i) => (i * 7) % 256));

/** A line that would clear the screen, a header that would forge another one, names that would lead elsewhere. */
const EVIL = [
  "From: =?utf-8?Q?J=C3=BCrgen?= <j@example.org>",
  "Newsgroups: misc.test",
  "Subject: =?utf-8?Q?red=1B[31m=0ASubject:_forged?=",
  `Date: ${DATE}`,
  "Message-ID: <evil@news.example>",
  "MIME-Version: 1.0",
  'Content-Type: multipart/mixed; boundary="b"',
  "",
  "--b",
  "Content-Type: text/plain; charset=utf-8",
  "Content-Transfer-Encoding: quoted-printable",
  "",
  "Gr=C3=BC=C3=9Fe=09tab=1B[2J=C2=9B=E2=80=AE",
  "--b",
  "Content-Type: image/png",
  'Content-Disposition: attachment; filename="../../out.png"',
  "Content-Transfer-Encoding: base64",
  "",
  "aGVsbG8=",
  "--b",
  "Content-Type: image/png",
  'Content-Disposition: attachment; filename="out.png"',
  "",
  "two",
  "--b--",
  "",
].join("\n");

function part(number: number, begin: number, end: number) {
  const data = encodeYenc(DATA.subarray(begin, end), {
    name: "../fox.bin",
    part: number,
    total: 2,
    begin: begin + 1,
    size: DATA.length,
  });
  const subject = `"fox.bin" yEnc (${number}/2)`;
  return { subject, date: DATE, messageId: `<fox${number}@x>`, body: Buffer.concat([Buffer.from("a fox\r\n"), data]) };
}

let server: NntpServer;
beforeAll(async () => {
  server = await NntpServer.start({
    ...USERS,
    groups: {
      "misc.test": {
        description: "Testing\tof things",
        articles: [
          { subject: "hello", date: DATE, messageId: "<1@news.example>", body: "Hi\n.dot\n" },
          EVIL,
          part(1, 0, 1500),
          part(2, 1500, 3000),
        ],
      },
      "misc.talk": {
        articles: [
          { subject: "Who is here?", messageId: "<top@x>", references: ["<gone@x>"], newsgroups: "misc.talk" },
        ],
      },
      "misc.post": { created: new Date() },
      "comp.lang.c": { generate: 5000, description: "The language C" },
      "comp.empty": { description: "", status: "m" },
    },
  });
});
afterAll(async () => {
  await server.close();
  await cleanUp();
});

const urlOf = (path = "", of = server) => `${of.url.replace(`:${PASSWORD}`, "")}/${path}`;
const run = (...args: string[]) => polywire([...args, "--plain"], PLAIN);
const lines = (text: string) => text.split("\n").filter((line) => line !== "");
const jsonLines = (text: string) => lines(text).map((line) => JSON.parse(line));

/** Stdout as bytes, which may be anything. */
function bytesOf(args: readonly string[], input = ""): Promise<Buffer> {
  const main = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
  return new Promise((resolve, reject) => {
    const env = { PATH: process.env.PATH ?? "", HOME: folder, ...PLAIN.env };
    const child = execFile(process.execPath, [main, ...args, "--plain"], { env, encoding: "buffer" }, (error, out) =>
      error ? reject(error) : resolve(out),
    );
    child.stdin?.end(input);
  });
}

describe.concurrent("groups", () => {
  test("name, articles, description", async () => {
    const { stdout, code } = await run("groups", urlOf());
    expect(lines(stdout).map((line) => line.replace(/ +/g, " "))).toEqual([
      "comp.empty 0",
      "comp.lang.c 5000 The language C",
      expect.stringMatching(/^misc\.post \d+ A group for tests$/),
      expect.stringMatching(/^misc\.talk \d+ A group for tests$/),
      "misc.test 4 Testing of things",
    ]);
    expect(code).toBe(0);
  });

  test("a wildmat as an argument, or as the path of the URL; -l has marks and status", async () => {
    expect(lines((await run("groups", urlOf(), "*,!misc.*")).stdout)).toHaveLength(2);
    const { stdout } = await run("groups", "-l", urlOf("comp.*"));
    expect(stdout).toMatch(/^comp\.empty +0 +1 +0 {2}m$/m);
    expect(stdout).toMatch(/^comp\.lang\.c +5000 +1 +5000 {2}y {2}The language C$/m);
    expect((await run("groups", urlOf("comp.*"), "misc.*")).code).toBe(64);
  });

  test("--json: an object per line; --new-since by NEWGROUPS", async () => {
    const { stdout } = await run("groups", "--json", urlOf(), "--new-since", "1d");
    expect(jsonLines(stdout)).toEqual([expect.objectContaining({ name: "misc.post", status: "y", estimated: false })]);
    expect(await run("groups", urlOf(), "comp.*", "--new-since", "1d")).toMatchObject({ code: 0, stdout: "" });
    expect((await run("groups", urlOf(), "--new-since", "yesterday")).code).toBe(64);
  });

  test("an old server, without counts and descriptions: estimates", async () => {
    const features = { lists: ["ACTIVE"] };
    await using old = await NntpServer.start({ groups: { "a.b": { generate: 1234 } }, features });
    const { stdout, code } = await run("groups", urlOf("", old));
    expect(stdout).toMatch(/^a\.b +~1234\n$/);
    expect(code).toBe(0);
  });
});

describe.concurrent("article", () => {
  test("by number: what a reader wants to know, then the text", async () => {
    const { stdout, code } = await run("article", urlOf("misc.test"), "1");
    expect(stdout).toBe(
      [
        "From:        Alice <alice@example.org>",
        "Newsgroups:  misc.test",
        "Subject:     hello",
        "Date:        2026-02-03 09:11 UTC",
        "Message-ID:  <1@news.example>",
        "",
        "Hi",
        ".dot",
        "",
      ].join("\n"),
    );
    expect(code).toBe(0);
  });

  test("by message-id, with or without brackets, without a group; by the path of the URL", async () => {
    for (const args of [[urlOf(), "<1@news.example>"], [urlOf(), "1@news.example"], [urlOf("misc.test/1")]]) {
      expect((await run("article", ...args)).stdout).toContain("Subject:     hello");
    }
  });

  test("nothing in an article controls the terminal, or forges a header", async () => {
    const { stdout } = await run("article", urlOf("misc.test"), "2");
    expect(stdout).toContain("From:        Jürgen <j@example.org>\n");
    expect(stdout).toContain("Subject:     red\\x1b[31m\\nSubject: forged\n");
    expect(stdout).toContain("\nGrüße   tab\\x1b[2J\\x9b\\u202e\n");
    expect(stdout).toContain("[attached: ../../out.png, image/png, 5 B]");
    const json = (await run("article", "--json", urlOf("misc.test"), "2")).stdout;
    expect(json).not.toMatch(/[\x80-\x9f\u202e]/);
    expect(JSON.parse(json)).toMatchObject({
      number: 2,
      messageId: "<evil@news.example>",
      subject: "red\x1b[31m\nSubject: forged",
      date: "2026-02-03T09:11:12.000Z",
      text: "Grüße\ttab\x1b[2J\x9b\u202e",
      attachments: [{ filename: "../../out.png", size: 5 }, { size: 3 }],
    });
  });

  test("yEnc is told, not shown", async () => {
    const { stdout } = await run("article", urlOf("misc.test"), "3");
    expect(stdout).toMatch(/\n\na fox\n\n\[attached: \.\.\/fox\.bin, yEnc part 1 of 2, 1\.5 KiB\]\n$/);
  });

  test("--head: all headers, decoded; --body: the text alone", async () => {
    const head = (await run("article", urlOf("misc.test"), "2", "--head")).stdout;
    expect(head).toMatch(/^From: Jürgen <j@example\.org>\nNewsgroups: misc\.test\n/m);
    expect(head).not.toContain("Grüße");
    expect((await run("article", urlOf("misc.test"), "1", "--body")).stdout).toBe("Hi\n.dot\n");
  });

  test("--raw: the bytes as they are, also of the head or the body alone", async () => {
    const whole = await bytesOf(["article", urlOf("misc.test"), "3", "--raw"]);
    const body = await bytesOf(["article", urlOf("misc.test"), "3", "--raw", "--body"]);
    const head = await bytesOf(["article", urlOf("misc.test"), "3", "--raw", "--head"]);
    expect(body.equals(part(1, 0, 1500).body)).toBe(true);
    expect(Buffer.concat([head, Buffer.from("\r\n"), body]).equals(whole)).toBe(true);
  });

  test("one that is not there is told, the others are read", async () => {
    const { stdout, stderr, code } = await run("article", urlOf("misc.test"), "99", "1", "--body");
    expect(stdout).toBe("Hi\n.dot\n");
    expect(stderr).toMatch(/^polywire: .*423.*\n$/);
    expect(code).toBe(1);
    const json = await run("article", "--json", urlOf(), "<no@where>", "<1@news.example>");
    expect(jsonLines(json.stdout)).toMatchObject([{ error: { code: "430" }, article: "<no@where>" }, { number: 0 }]);
  });

  test("--to a folder, or a file, that is never overwritten", async () => {
    const kept = join(folder, "kept");
    const { stdout, code } = await run("article", urlOf("misc.test"), "1", "<fox1@x>", "--to", `${kept}/`);
    expect(code).toBe(0);
    expect(lines(stdout)).toHaveLength(2);
    const bytes = await bytesOf(["article", urlOf("misc.test"), "1", "--raw"]);
    expect((await readFile(join(kept, "1.eml"))).equals(bytes)).toBe(true);
    expect((await readdir(kept)).sort()).toEqual(["1.eml", "fox1@x.eml"]);
    const again = await run("article", urlOf("misc.test"), "1", "99", "2", "--to", kept);
    expect(again.code).toBe(74);
    expect(again.stderr).toMatch(/EEXIST.*\n.*423/);
    expect((await readdir(kept)).sort()).toEqual(["1.eml", "2.eml", "fox1@x.eml"]);
    expect((await run("article", urlOf("misc.test"), "1", "2", "--to", join(folder, "one"))).code).toBe(64);
  });

  test("--attachments: safe names, all in the folder, parts put together", async () => {
    const inside = join(folder, "deep/attached");
    await mkdir(inside, { recursive: true });
    await writeFile(join(inside, "fox.bin"), "mine");
    const { stdout, code } = await run("article", urlOf("misc.test"), "4", "2", "3", "--attachments", inside);
    expect(code).toBe(0);
    expect(lines(stdout)).toEqual(["out.png", "out-2.png", "fox-2.bin"].map((name) => join(inside, name)));
    expect(await readFile(join(inside, "fox.bin"), "utf8")).toBe("mine");
    expect((await readFile(join(inside, "fox-2.bin"))).equals(DATA)).toBe(true);
    expect(await readFile(join(inside, "out.png"), "utf8")).toBe("hello");
    expect(existsSync(join(folder, "out.png"))).toBe(false);
  });

  test("--attachments: a part without the others has a name of its own, and exit code 1", async () => {
    const inside = join(folder, "parts");
    const { stderr, code } = await run("article", urlOf("misc.test"), "4", "--attachments", inside);
    expect(code).toBe(1);
    expect(stderr).toContain("only part 2 of 2 is here");
    expect((await readFile(join(inside, "fox.bin.part0002"))).equals(DATA.subarray(1500))).toBe(true);
  });

  test("what cannot be meant is refused before anything is sent", async () => {
    const cases = [
      [urlOf("misc.test")],
      [urlOf(), "1"],
      [urlOf("misc.test"), "one"],
      [urlOf("a/1/2"), "1"],
      [urlOf("misc.test"), "1", "--raw", "--json"],
      [urlOf("misc.test"), "1", "--attachments", "x", "--to", "y"],
      ["ftp://127.0.0.1/misc.test", "1"],
    ];
    for (const args of cases) expect((await run("article", ...args)).code, args.join(" ")).toBe(64);
  });

  test("a group that is not there, a refused login, a server without TLS", async () => {
    expect(await run("article", urlOf("no.such"), "1")).toMatchObject({ code: 1, stderr: /411/ });
    const other = urlOf("misc.test").replace("alice", "mallory");
    expect((await run("article", other, "1")).code).toBe(77);
    expect((await polywire(["article", urlOf("misc.test"), "1"], PLAIN)).code).toBe(76);
  });

  test("by TLS", async () => {
    const ca = join(folder, "ca.pem");
    await writeFile(ca, testTls.ca);
    for (const tls of ["implicit", "starttls"] as const) {
      await using safe = await NntpServer.start({ tls, groups: { "a.b": { articles: [{ subject: "safe" }] } } });
      const { stdout } = await polywire(["article", urlOf("a.b", safe), "1", "--ca", ca]);
      expect(stdout).toContain("Subject:     safe");
    }
  });
});

describe("post", () => {
  const from = ["--from", "Jürgen <j@example.org>"];
  const post = (args: string[], input: string) => polywire(["post", ...args, "--plain"], { ...PLAIN, input });
  const posts = () => server.commands.filter((line) => line === "POST").length;

  test("composed from options and stdin, with a file", async () => {
    await writeFile(join(folder, "r.csv"), "1;2\n");
    const args = [urlOf(), ...from, "--group", "misc.post", "--subject", "Grüße", "--attach", join(folder, "r.csv")];
    const { stdout, code } = await post(args, "Hallo, Jürgen\n.\nend\n");
    expect(code).toBe(0);
    const id = /^posted (<.*>)\n$/.exec(stdout)?.[1] as string;
    const message = await parseMessage(await bytesOf(["article", urlOf(), id, "--raw"]));
    expect(message).toMatchObject({ subject: "Grüße", newsgroups: ["misc.post"], from: [{ name: "Jürgen" }] });
    expect(message.text?.trim()).toBe("Hallo, Jürgen\n.\nend");
    expect(message.attachments).toMatchObject([{ filename: "r.csv", content: Buffer.from("1;2\n") }]);
  });

  test("an answer: groups, subject and references of the article above it", async () => {
    const { stdout } = await post([urlOf(), ...from, "--json", "--reply-to-article", "top@x"], "me too\n");
    const { posted, code } = JSON.parse(stdout);
    expect(code).toBe("240");
    const message = await parseMessage(await bytesOf(["article", urlOf(), posted, "--raw"]));
    expect(message).toMatchObject({
      subject: "Re: Who is here?",
      newsgroups: ["misc.talk"],
      references: ["<gone@x>", "<top@x>"],
      inReplyTo: "<top@x>",
    });
  });

  test("--dry-run says what would be sent, and --raw sends that once only", async () => {
    const before = posts();
    const args = ["post", urlOf("misc.post"), ...from, "--subject", "later", "--dry-run"];
    const article = (await bytesOf(args, "text\n")).toString();
    expect(article).toMatch(/^Newsgroups: misc\.post\r\n/m);
    expect(article).toMatch(/\r\n\r\ntext\r\n$/);
    expect(posts()).toBe(before);
    expect((await post([urlOf(), "--raw"], article)).code).toBe(0);
    const again = await post([urlOf(), "--raw"], article);
    expect(again).toMatchObject({ code: 1, stderr: /441/ });
    expect(posts()).toBe(before + 2);
  });

  test("a connection lost on the way: not tried again, the error names the message-id", async () => {
    await using broken = await NntpServer.start({ groups: { "a.b": {} } });
    broken.faults.loseReply = { command: "POST" };
    const { code, stderr } = await post([urlOf("a.b", broken), ...from, "--subject", "x"], "text\n");
    expect(code).toBe(69);
    expect(stderr).toMatch(/look for <\S+@example\.org>/);
    expect(broken.commands.filter((line) => line === "POST")).toHaveLength(1);
  });

  test("what is no article is refused before anything is sent", async () => {
    const before = server.commandCount;
    const cases: [string[], string, RegExp][] = [
      [["--group", "a.b", "--subject", "x"], "t", /--from is missing/],
      [[...from, "--subject", "x"], "t", /--group is missing/],
      [[...from, "--group", "a.b"], "t", /--subject is missing/],
      [[...from, "--group", "a.b", "--subject", "x"], " \n", /no text on stdin/],
      [["--raw", "--subject", "x"], "t", /--raw takes the whole article/],
      [[...from, "--group", "a.b", "--subject", "x", "--password-stdin"], "t", /stdin cannot hold both/],
      [[...from, "--group", "a.b", "--subject", "x\r\nControl: cancel"], "t", /without CR, LF/],
      [[...from, "--group", "a b", "--subject", "x", "--dry-run"], "t", /newsgroup/],
    ];
    for (const [args, input, says] of cases) {
      const { code, stderr } = await post([urlOf(), ...args], input);
      expect(stderr).toMatch(says);
      expect(code).toBe(64);
    }
    expect(server.commands.slice(before).filter((line) => /^POST/.test(line))).toEqual([]);
    const missing = await post([urlOf(), ...from, "--group", "a.b", "--subject", "x", "--attach", "/no/such"], "t");
    expect(missing.code).toBe(74);
  });
});

describe.concurrent("threads", () => {
  const row = (number: number, subject: string, from: string, date: string, references: string[] = []) =>
    JSON.stringify({ group: "a.b", number, subject, from, date, messageId: `<${number}@x>`, references, bytes: 9 });
  const RECORDS = [
    row(1, "Which \x1b[2Jparser?", "Alice <a@x>", "2026-02-03T09:11:00.000Z"),
    row(2, "Re: Which parser?", "Bob <b@x>", "2026-02-03T10:00:00.000Z", ["<1@x>"]),
    row(3, "Alone", "Carol <c@x>", "2026-02-01T00:00:00.000Z"),
    row(4, '"f.bin" yEnc (1/2)', "Bob <b@x>", "2026-02-05T00:00:00.000Z"),
    row(5, '"f.bin" yEnc (2/2)', "Bob <b@x>", "2026-02-05T00:00:00.000Z"),
  ];
  const plain = join(folder, "headers.ndjson");
  const gzipped = join(folder, "headers.ndjson.gz");
  beforeAll(async () => {
    const all = `${RECORDS.join("\n")}\n`;
    await writeFile(plain, all);
    await writeFile(gzipped, gzipSync(all));
    expect(gunzipSync(await readFile(gzipped)).toString()).toBe(all);
  });

  test("a tree, the oldest thread first; gzipped or not, or from stdin", async () => {
    const { stdout, code } = await polywire(["threads", plain]);
    const tree = lines(stdout);
    expect(tree[0]).toMatch(/^2026-02-01 00:00 {2}Carol +Alone$/);
    expect(tree[1]).toMatch(/^2026-02-03 09:11 {2}Alice +\(2\) Which .*parser\?$/);
    expect(tree[2]).toMatch(/^2026-02-03 10:00 {2}Bob +└─>/);
    expect(code).toBe(0);
    expect((await polywire(["threads", gzipped])).stdout).toBe(stdout);
    expect((await polywire(["threads", "-"], { input: await readFile(plain, "utf8") })).stdout).toBe(stdout);
  });

  test("--top: the longest; --json: a line for each article", async () => {
    const { stdout } = await polywire(["threads", plain, "--top", "1", "--json"]);
    expect(jsonLines(stdout)).toMatchObject([
      { thread: 1, depth: 0, number: 1, from: "Alice <a@x>" },
      { thread: 1, depth: 1, number: 2 },
    ]);
  });

  test("--days and --authors", async () => {
    const { stdout } = await polywire(["threads", plain, "--days", "--authors", "--top", "1"]);
    expect(stdout).toMatch(/^2026-02-03 {2}█+ {2}2$/m);
    expect(stdout).toContain("5 articles");
    expect(stdout).toMatch(/^ +3 {2}Bob <b@x>\n3 authors$/m);
    const json = JSON.parse((await polywire(["threads", plain, "--days", "--authors", "--json"])).stdout);
    expect(json).toMatchObject({ total: 5, undated: 0, days: [{ count: 1 }, { count: 2 }, { count: 2 }] });
    expect(json.authors[0]).toMatchObject({ address: "b@x", count: 3 });
  });

  test("--nzb: files of the parts", async () => {
    const path = join(folder, "found.nzb");
    const { stdout } = await polywire(["threads", plain, "--nzb", path]);
    expect(stdout).toBe(`${path}: 1 file, 1 complete\n`);
    const { files } = parseNzb(await readFile(path));
    expect(files).toMatchObject([{ groups: ["a.b"], segments: [{ messageId: "<4@x>" }, { messageId: "<5@x>" }] }]);
  });

  test("lines that are no records are told; a file that is not there is exit code 74", async () => {
    const path = join(folder, "cut.ndjson");
    await writeFile(path, `${RECORDS[0]}\n{"number":`);
    const { stdout, stderr, code } = await polywire(["threads", path]);
    expect(lines(stdout)).toHaveLength(1);
    expect(stderr).toMatch(/^polywire: 1 line left out: line 2 /);
    expect(code).toBe(1);
    expect((await polywire(["threads", "/no/such"])).code).toBe(74);
  });
});

test("request works in a newsgroup", async () => {
  const { stdout, code } = await run("request", urlOf("misc.test"), "STAT", "1");
  expect(stdout).toMatch(/^223 1 <1@news\.example>/);
  expect(code).toBe(0);
});

describe("names of files", () => {
  test.each([
    ["../../etc/passwd", "passwd"],
    ["C:\\temp\\a.txt", "a.txt"],
    [".bashrc", "bashrc"],
    ["-rf", "rf"],
    ["a\x1b[31m\u202egnp.exe", "a[31mgnp.exe"],
    ['a:b|c?.txt"', "a_b_c_.txt_"],
    ["größe.txt", "größe.txt"],
    ["..", "fallback"],
    ["", "fallback"],
    ["con.txt", "fallback"],
    ["a/", "fallback"],
  ])("%j → %j", (written, safe) => {
    expect(safeName(written, "fallback")).toBe(safe);
  });

  test("a long name keeps its extension", () => {
    const name = safeName(`${"ä".repeat(300)}.jpeg`, "x");
    expect(Buffer.byteLength(name)).toBeLessThanOrEqual(200);
    expect(name).toMatch(/ä\.jpeg$/);
  });

  test("articles by number and by message-id", () => {
    expect(articleName("123")).toBe("123.eml");
    expect(articleName("<a/../b@x.example>")).toBe("a%2f..%2fb@x.example.eml");
    expect(articleName("<..@x>")).toBe("@x.eml");
  });
});

describe("what a command line names", () => {
  test("the path of a URL: group, group and number, message-id", () => {
    expect(newsPlace("nntps://h/", {})).toEqual({ group: undefined, article: undefined });
    expect(newsPlace("nntps://h/a.b/", {})).toEqual({ group: "a.b", article: undefined });
    expect(newsPlace("nntps://h/a.b/7", {})).toEqual({ group: "a.b", article: "7" });
    expect(newsPlace("nntps://h/x@y", {})).toEqual({ group: undefined, article: "<x@y>" });
    expect(() => newsPlace("nntps://h/a.b/c", {})).toThrow(/neither/);
    expect(() => articleId("<a b@c>")).toThrow(/neither/);
    expect(wantedArticles({ group: "a.b", article: undefined }, ["<x@y>"]).group).toBeUndefined();
  });

  test("a moment", () => {
    expect(moment("2026-02-03").toISOString()).toBe("2026-02-03T00:00:00.000Z");
    expect(moment("2026-02-03T10:00").toISOString()).toBe("2026-02-03T10:00:00.000Z");
    expect(moment("2026-02-03 10:00+01:00").toISOString()).toBe("2026-02-03T09:00:00.000Z");
    expect(Date.now() - moment("2d").getTime()).toBeCloseTo(2 * 86_400_000, -4);
    for (const text of ["", "2026", "2026-13-01", "7", "7y", "now"]) expect(() => moment(text)).toThrow();
  });

  test("the next articles are asked for while one is read, in their order, failures too", async () => {
    let most = 0;
    let open = 0;
    const ask = async (n: number) => {
      most = Math.max(most, ++open);
      await new Promise((done) => setTimeout(done, 5 - (n % 5)));
      open--;
      if (n === 3) throw new Error("three");
      return n * 2;
    };
    const seen: unknown[] = [];
    for await (const each of ahead([1, 2, 3, 4, 5, 6], ask, 3)) seen.push("value" in each ? each.value : "failed");
    expect(seen).toEqual([2, 4, "failed", 8, 10, 12]);
    expect(most).toBe(3);
  });
});
