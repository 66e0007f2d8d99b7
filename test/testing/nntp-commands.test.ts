/** Each command of the in-memory NNTP server, as a dialogue. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { NntpServer } from "../../src/testing/index.js";
import { RawLines } from "./raw-lines.js";

const DATE = "Tue, 03 Feb 2026 10:11:12 +0000";
let server: NntpServer;
let raw: RawLines;

beforeEach(async () => {
  server = await NntpServer.start({
    now: () => new Date("2026-02-03T10:11:12Z"),
    groups: {
      "comp.test": {
        description: "Tests, größere",
        articles: [
          { subject: "one", body: "first\n.dot\n..two\n" },
          { subject: "two\r\n folded", references: ["<1@news.example>"], headers: { "X-Tab": "a\tb" } },
          { subject: "three", from: "Bob <bob@example.org>" },
        ],
      },
      "comp.empty": { status: "n", created: new Date("2026-02-01T00:00:00Z"), creator: "bob@example.org" },
      "alt.mod": { status: "m", low: 7 },
    },
  });
  raw = await RawLines.open(server.port).play("S: 200 polywire test server ready");
});
afterEach(async () => {
  raw.close();
  await server.close();
});

const ROW_1 = `1\tone\tAlice <alice@example.org>\t${DATE}\t<1@news.example>\t\t213\t3\tXref: news.example comp.test:1`;
const ROW_3 = `3\tthree\tBob <bob@example.org>\t${DATE}\t<3@news.example>\t\t198\t1\tXref: news.example comp.test:3`;

describe("the server", () => {
  test("CAPABILITIES", async () => {
    await raw.play(`
      C: CAPABILITIES
      S: 101 Capability list:
      S: VERSION 2
      S: IMPLEMENTATION polywire test server
      S: READER
      S: POST
      S: OVER MSGID
      S: HDR
      S: XPAT
      S: NEWNEWS
      S: LIST ACTIVE ACTIVE.TIMES COUNTS DISTRIB.PATS HEADERS MODERATORS MOTD NEWSGROUPS OVERVIEW.FMT SUBSCRIPTIONS
      S: IHAVE
      S: STREAMING
      S: COMPRESS DEFLATE
      S: .
      C: CAPABILITIES AUTOUPDATE
      S: 101 Capability list:
    `);
  });

  test("MODE READER, MODE STREAM, DATE, HELP, QUIT; verbs in any case, blanks and TABs between words", async () => {
    await raw.play(`
      C: mode \t reader
      S: 200 Reader mode, posting permitted
      C: MODE STREAM
      S: 203 Streaming permitted
      C: MODE ODD
      S: 501 MODE ODD is unknown
      C: DATE
      S: 111 20260203101112
    `);
    expect(await raw.list("HELP")).toContain("  LISTGROUP");
    await raw.play("C: QUIT\nC: DATE\nS: 205 Bye!\nS: ");
    expect(server.connections).toBe(0);
  });

  test("unknown commands are 500, wrong arguments 501, too long a line 501", async () => {
    await raw.play(`
      C: NOISE
      S: 500 What?
      C:  
      S: 500 What?
      C: GROUP
      S: 501 Syntax error
      C: GROUP a b
      S: 501 Syntax error
      C: GROUP ${"x".repeat(9000)}
      S: 501 Line too long
    `);
  });

  test("pipelined commands are answered in order, in one segment", async () => {
    raw.segments = [];
    await raw.play(`
      C: GROUP comp.test
      C: STAT
      C: NEXT
      C: STAT 9
      S: 211 3 1 3 comp.test
      S: 223 1 <1@news.example>
      S: 223 2 <2@news.example> retrieved
      S: 423 No article with that number
    `);
    expect(raw.segments).toHaveLength(1);
    expect(server.commands).toEqual(["GROUP comp.test", "STAT", "NEXT", "STAT 9"]);
    expect(server.commandCount).toBe(4);
  });
});

describe("groups", () => {
  test("GROUP and what it selects", async () => {
    await raw.play(`
      C: GROUP no.such
      S: 411 No such group no.such
      C: STAT
      S: 412 No newsgroup selected
      C: GROUP comp.empty
      S: 211 0 1 0 comp.empty
      C: STAT
      S: 420 Current article number is invalid
      C: GROUP alt.mod
      S: 211 0 7 6 alt.mod
    `);
  });

  test("LISTGROUP: this group, another, a range; it selects the first article", async () => {
    await raw.play(`
      C: LISTGROUP
      S: 412 No newsgroup selected
      C: LISTGROUP no.such
      S: 411 No such group no.such
      C: LISTGROUP comp.test
      S: 211 3 1 3 comp.test list follows
      S: 1
      S: 2
      S: 3
      S: .
      C: NEXT
      S: 223 2 <2@news.example> retrieved
      C: LISTGROUP comp.test 2-
      S: 211 3 1 3 comp.test list follows
      S: 2
      S: 3
      S: .
      C: STAT
      S: 223 1 <1@news.example>
      C: LISTGROUP comp.test 9-8
      S: 211 3 1 3 comp.test list follows
      S: .
      C: LISTGROUP comp.test x
      S: 501 Not a range: x
    `);
  });

  test("NEXT and LAST step over what is gone", async () => {
    server.groups.get("comp.test").cancel(2);
    await raw.play(`
      C: NEXT
      S: 412 No newsgroup selected
      C: GROUP comp.empty
      S: 211 0 1 0 comp.empty
      C: NEXT
      S: 420 Current article number is invalid
      C: GROUP comp.test
      S: 211 2 1 3 comp.test
      C: NEXT
      S: 223 3 <3@news.example> retrieved
      C: NEXT
      S: 421 No next article in this group
      C: LAST
      S: 223 1 <1@news.example> retrieved
      C: LAST
      S: 422 No previous article in this group
    `);
  });
});

describe("articles", () => {
  test("ARTICLE HEAD BODY STAT by number, by message-id, and the current one", async () => {
    await raw.play(`
      C: GROUP comp.test
      S: 211 …
      C: ARTICLE 1
      S: 220 1 <1@news.example>
      S: Path: not-for-mail
      S: From: Alice <alice@example.org>
      S: Newsgroups: comp.test
      S: Subject: one
      S: Date: ${DATE}
      S: Message-ID: <1@news.example>
      S: Xref: news.example comp.test:1
      S: 
      S: first
      S: ..dot
      S: ...two
      S: .
      C: BODY
      S: 222 1 <1@news.example>
      S: first
      S: ..dot
      S: ...two
      S: .
      C: HEAD <3@news.example>
      S: 221 0 <3@news.example>
      S: Path: not-for-mail
      S: From: Bob <bob@example.org>
      S: Newsgroups: comp.test
      S: Subject: three
      S: Date: ${DATE}
      S: Message-ID: <3@news.example>
      S: Xref: news.example comp.test:3
      S: .
      C: STAT 2
      S: 223 2 <2@news.example>
      C: STAT
      S: 223 2 <2@news.example>
      C: STAT <no@such>
      S: 430 No article with that message-id
      C: HEAD 4
      S: 423 No article with that number
      C: STAT
      S: 223 2 <2@news.example>
      C: STAT x
      S: 501 Not a number or message-id
    `);
  });

  test("the current article may go while it is selected: 420", async () => {
    await raw.play("C: GROUP comp.test\nS: 211 …");
    server.groups.cancel("<1@news.example>");
    await raw.play("C: STAT\nS: 420 …\nC: OVER\nS: 420 …\nC: HDR Subject\nS: 420 …\nC: NEXT\nS: 223 2 …");
  });
});

describe("overviews", () => {
  test("OVER: ranges, the current article, a message-id; folded headers and TABs become blanks", async () => {
    await raw.play(`
      C: OVER 1-3
      S: 412 No newsgroup selected
      C: GROUP comp.test
      S: 211 …
      C: OVER 1-
      S: 224 Overview information follows
      S: ${ROW_1}
      S: 2\ttwo folded\tAlice <alice@example.org>\t${DATE}\t<2@news.example>\t<1@news.example>\t251\t1\tXref: news.example comp.test:2
      S: ${ROW_3}
      S: .
      C: XOVER 3
      S: 224 Overview information follows
      S: ${ROW_3}
      S: .
      C: OVER
      S: 224 Overview information follows
      S: ${ROW_1}
      S: .
      C: OVER <1@news.example>
      S: 224 Overview information follows
      S: ${ROW_1.replace(/^1/, "0")}
      S: .
      C: OVER <no@such>
      S: 430 No article with that message-id
      C: XOVER <1@news.example>
      S: 501 No message-ids here
    `);
  });

  test("ranges without articles: OVER 423, XOVER 420; no range at all: 501", async () => {
    await raw.play(`
      C: GROUP comp.test
      S: 211 …
      C: OVER 4-
      S: 423 No articles in that range
      C: OVER 3-1
      S: 423 …
      C: XOVER 4-9
      S: 420 No articles in that range
      C: OVER 1-2-3
      S: 501 Not a range: 1-2-3
      C: OVER 12345678901234567
      S: 501 …
      C: HDR Subject 4
      S: 423 …
      C: XHDR Subject 4
      S: 420 …
    `);
  });

  test("HDR, XHDR, XPAT: headers, :bytes and :lines", async () => {
    await raw.play(`
      C: GROUP comp.test
      S: 211 …
      C: HDR subject 1-2
      S: 225 Headers follow
      S: 1 one
      S: 2 two folded
      S: .
      C: HDR X-Tab 1-2
      S: 225 Headers follow
      S: 1 
      S: 2 a b
      S: .
      C: HDR :bytes <1@news.example>
      S: 225 Headers follow
      S: 0 213
      S: .
      C: HDR :lines
      S: 225 Headers follow
      S: 1 3
      S: .
      C: HDR :odd 1
      S: 503 No metadata :odd here
      C: XHDR Bytes 1
      S: 221 Headers follow
      S: 1 213
      S: .
      C: XHDR X-Tab 1
      S: 221 Headers follow
      S: 1 (none)
      S: .
      C: XPAT Subject 1- o* *ee
      S: 221 Header follows
      S: 1 one
      S: 3 three
      S: .
      C: XPAT Subject <2@news.example> two*
      S: 221 Header follows
      S: 0 two folded
      S: .
    `);
  });
});

describe("lists", () => {
  test("LIST ACTIVE, with and without a wildmat; LIST alone is the same", async () => {
    await raw.play(`
      C: LIST
      S: 215 list of newsgroups follows
      S: alt.mod 6 7 m
      S: comp.empty 0 1 n
      S: comp.test 3 1 y
      S: .
      C: LIST ACTIVE comp.*,!*.empty
      S: 215 list of newsgroups follows
      S: comp.test 3 1 y
      S: .
      C: list active [a-b]*,comp.t??t
      S: 215 list of newsgroups follows
      S: alt.mod 6 7 m
      S: comp.test 3 1 y
      S: .
      C: LIST ACTIVE no*
      S: 215 list of newsgroups follows
      S: .
    `);
  });

  test("the other keywords of RFC 3977 and RFC 6048", async () => {
    await raw.play(`
      C: LIST NEWSGROUPS comp.t*
      S: 215 descriptions of newsgroups follows
      S: comp.test\tTests, gr\xc3\xb6\xc3\x9fere
      S: .
      C: LIST ACTIVE.TIMES *.empty
      S: 215 creation times follows
      S: comp.empty 1769904000 bob@example.org
      S: .
      C: LIST COUNTS comp.*
      S: 215 newsgroups with counts follows
      S: comp.empty 0 1 0 n
      S: comp.test 3 1 3 y
      S: .
      C: LIST DISTRIB.PATS
      S: 215 distribution patterns follows
      S: 10:local.*:local
      S: 5:*:world
      S: .
      C: LIST HEADERS
      S: 215 headers supported by HDR follows
      S: :
      S: :bytes
      S: :lines
      S: .
      C: LIST HEADERS MSGID
      S: 215 …
      S: :
      S: :bytes
      S: :lines
      S: .
      C: LIST MODERATORS
      S: 215 submission templates follows
      S: local.*:%s@local.example
      S: *:%s@example.org
      S: .
      C: LIST MOTD
      S: 215 message of the day follows
      S: This is a server for tests.
      S: .
      C: LIST OVERVIEW.FMT
      S: 215 order of fields in overview follows
      S: Subject:
      S: From:
      S: Date:
      S: Message-ID:
      S: References:
      S: :bytes
      S: :lines
      S: Xref:full
      S: .
      C: LIST SUBSCRIPTIONS comp.t*
      S: 215 recommended subscriptions follows
      S: comp.test
      S: .
      C: LIST DISTRIBUTIONS
      S: 501 LIST DISTRIBUTIONS: syntax error
      C: LIST MOTD x
      S: 501 LIST MOTD: syntax error
    `);
  });

  test("NEWGROUPS and NEWNEWS, years of two and of four digits", async () => {
    await raw.play(`
      C: NEWGROUPS 20260131 000000 GMT
      S: 231 List of new newsgroups follows
      S: comp.empty 0 1 n
      S: .
      C: NEWGROUPS 991231 235959
      S: 231 List of new newsgroups follows
      S: alt.mod 6 7 m
      S: comp.empty 0 1 n
      S: comp.test 3 1 y
      S: .
      C: NEWNEWS comp.*,!comp.e* 260203 101112 GMT
      S: 230 List of new articles follows
      S: <1@news.example>
      S: <2@news.example>
      S: <3@news.example>
      S: .
      C: NEWNEWS * 20260203 101113
      S: 230 List of new articles follows
      S: .
      C: NEWNEWS * 20261303 101113
      S: 501 Not a date
      C: NEWGROUPS 2026 0
      S: 501 Not a date
    `);
  });

  test("an article in two groups is one article, with one Xref, and once in NEWNEWS", async () => {
    server.groups.post({ newsgroups: ["comp.test", "comp.empty", "no.such"], messageId: "<x@y>" });
    await raw.play(`
      C: NEWNEWS comp.e*,comp.t* 20260203 101112
      S: 230 …
      S: <x@y>
      S: <1@news.example>
      S: <2@news.example>
      S: <3@news.example>
      S: .
      C: HDR Xref <x@y>
      S: 225 …
      S: 0 news.example comp.empty:1 comp.test:4
      S: .
    `);
    server.groups.get("comp.test").cancel(4);
    await raw.play("C: STAT <x@y>\nS: 223 0 <x@y>");
    server.groups.cancel("<x@y>");
    await raw.play("C: STAT <x@y>\nS: 430 …");
  });
});

describe("articles from the client", () => {
  const article = (headers: string) =>
    `C: From: a@b.example\nC: Newsgroups: comp.test\n${headers}C: \nC: text\nC: ..dot\nC: .\n`;

  test("POST fills in Date, Message-ID and Path, and keeps the bytes", async () => {
    await raw.play(`
      C: POST
      S: 340 Send article to be posted
      ${article("C: Subject: caf\xc3\xa9\n")}
      S: 240 Article received <4@news.example>
      C: GROUP comp.test
      S: 211 4 1 4 comp.test
      C: ARTICLE 4
      S: 220 4 <4@news.example>
      S: From: a@b.example
      S: Newsgroups: comp.test
      S: Subject: caf\xc3\xa9
      S: Path: news.example!not-for-mail
      S: Date: ${DATE}
      S: Message-ID: <4@news.example>
      S: Xref: news.example comp.test:4
      S: 
      S: text
      S: ..dot
      S: .
    `);
    expect(server.groups.get("comp.test").article(4)?.body).toBe("text\r\n.dot\r\n");
  });

  test.each([
    ["a header is missing", "From: a@b\r\nNewsgroups: comp.test\r\n\r\nx\r\n", /Subject/],
    ["no group of it is here", "From: a@b\r\nNewsgroups: x.y\r\nSubject: s\r\n\r\nx\r\n", /newsgroup/],
    ["the group is closed", "From: a@b\r\nNewsgroups: comp.empty\r\nSubject: s\r\n\r\nx\r\n", /not allowed/],
    ["the group is moderated", "From: a@b\r\nNewsgroups: alt.mod\r\nSubject: s\r\n\r\nx\r\n", /moderated/],
    [
      "it is here",
      "From: a@b\r\nNewsgroups: comp.test\r\nSubject: s\r\nMessage-ID: <1@news.example>\r\n\r\n",
      /Duplicate/,
    ],
    ["its id is none", "From: a@b\r\nNewsgroups: comp.test\r\nSubject: s\r\nMessage-ID: x\r\n\r\n", /message-id/],
    ["a line end is half", "From: a@b\r\nNewsgroups: comp.test\r\nSubject: s\nt\r\n\r\nx\r\n", /Bare/],
    ["it is empty", "", /From/],
  ])("441 where %s", async (_name, text, why) => {
    await raw.play("C: POST\nS: 340 …");
    raw.write(`${text}.\r\n`);
    const reply = await raw.line();
    expect(reply).toMatch(/^441 /);
    expect(reply).toMatch(why);
    await raw.play("C: DATE\nS: 111 …");
  });

  test("a moderated group takes what is approved", async () => {
    await raw.play("C: POST\nS: 340 …");
    raw.write("From: a@b\r\nNewsgroups: alt.mod\r\nSubject: s\r\nApproved: me@b\r\n\r\nx\r\n.\r\n");
    expect(await raw.line()).toMatch(/^240/);
    expect(server.groups.get("alt.mod").count).toBe(1);
  });

  const whole = (id: string) => article(`C: Subject: s\nC: Date: ${DATE}\nC: Path: x!y\nC: Message-ID: ${id}\n`);

  test("IHAVE: 335 and 235, 435 for what is here, 437 for what is no article", async () => {
    await raw.play(`
      C: IHAVE <1@news.example>
      S: 435 Article not wanted
      C: IHAVE <new@b.example>
      S: 335 Send it
      ${whole("<new@b.example>")}
      S: 235 Article transferred OK
      C: IHAVE <other@b.example>
      S: 335 Send it
      ${article("")}
      S: 437 Required Subject header is missing
      C: IHAVE <other@b.example>
      S: 335 Send it
      ${whole("<third@b.example>")}
      S: 437 Another message-id than announced
    `);
    expect(server.groups.get("comp.test").count).toBe(4);
  });

  test("CHECK and TAKETHIS, all in one write", async () => {
    await raw.play(`
      C: CHECK <1@news.example>
      C: CHECK <new@b.example>
      C: TAKETHIS <new@b.example>
      ${whole("<new@b.example>")}
      C: TAKETHIS <new@b.example>
      ${whole("<new@b.example>")}
      C: CHECK <new@b.example>
      S: 438 <1@news.example>
      S: 238 <new@b.example>
      S: 239 <new@b.example>
      S: 439 <new@b.example>
      S: 438 <new@b.example>
    `);
  });

  test("an article cut at every byte on the way is the same article", async () => {
    const text =
      "From: a@b\r\nNewsgroups: comp.test\r\nSubject: s\r\nMessage-ID: <cut@b>\r\n\r\n..a\r\n.b\r\n\r\n.\r\n";
    for (let at = 1; at < text.length; at++) {
      await raw.play("C: POST\nS: 340 …");
      raw.write(text.slice(0, at));
      await new Promise((resolve) => setImmediate(resolve));
      raw.write(text.slice(at));
      expect(await raw.line()).toBe("240 Article received <cut@b>");
      expect(server.groups.find("<cut@b>")?.body).toBe(".a\r\nb\r\n\r\n");
      server.groups.cancel("<cut@b>");
    }
  });

  test("a client that goes in the middle of an article leaves none", async () => {
    await raw.play("C: POST\nS: 340 …");
    raw.socket.end("From: a@b\r\nNewsgroups: comp.test\r\nSubject: s\r\n\r\nx\r\n");
    await raw.hungUp();
    expect(server.groups.get("comp.test").count).toBe(3);
  });
});
