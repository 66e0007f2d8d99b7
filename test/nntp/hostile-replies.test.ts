/** What servers, and posters through them, may say to do harm: long lists, odd names, control characters, consent to nothing. */
import { describe, expect, test } from "vitest";
import { LoginError, ProtocolError, ReplyError } from "../../src/client/errors.js";
import { ListParser } from "../../src/nntp/parse-list.js";
import { parseArticleName, parseCapabilities } from "../../src/nntp/parse-reply.js";
import { refusal } from "../../src/nntp/refusal.js";
import { readable } from "../../src/wire/text.js";
import { failure } from "../net/loopback.js";
import { ALICE, connected, hello, talk } from "./dialogue.js";

const reply = (code: string, text: string) => ({ ok: false, code, text, lines: [`${code} ${text}`] });

// With its square, each would run into the time-out of a test.
describe("time grows with the length of what comes, not with its square", () => {
  test("one capability on a hundred thousand lines, and in a line of as many words", () => {
    const lines = parseCapabilities({ ...reply("101", ""), body: Buffer.from("A B\r\n".repeat(100_000)) });
    expect(lines.get("A")).toHaveLength(100_000);
    const words = parseCapabilities({ ...reply("101", ""), body: Buffer.from(`A${" B".repeat(250_000)}\r\nA C`) });
    expect(words.get("A")).toHaveLength(250_001);
  });

  test("a description of bare CRs", () => {
    const parser = new ListParser(1 << 20, "NEWSGROUPS");
    const [row] = parser.push(Buffer.from(`a.b${"\r".repeat(500_000)}x\ry\r\n`));
    expect(row).toEqual({ name: "a.b", description: "x\ry" });
    const name = "a".repeat(400_000);
    expect(parser.push(Buffer.from(`${name}\rx\ry\r\n`))).toEqual([{ name, description: "x\ry" }]);
  });

  test("refusals, and names of articles", () => {
    for (const word of ["maximum ", "limit ", "connections ", "load ", "x", " "]) {
      refusal(reply("502", word.repeat(500_000 / word.length)), "GROUP a");
      parseArticleName(`5 <${word.repeat(500_000 / word.length)}`);
      parseArticleName(word.repeat(500_000 / word.length));
    }
  });

  test("lines of a list that are none", () => {
    const read = (line: string) => new ListParser(1 << 20, "NEWSGROUPS").push(Buffer.from(`${line}\r\n`));
    expect(read("a.b")).toEqual([{ name: "a.b", description: "" }]);
    expect(read(" a.b")).toEqual([]);
  });
});

describe("names of articles", () => {
  test.each([
    ["5 <5 b@x> article", "5", { number: 5, messageId: "<5 b@x>" }],
    ["5 <5@x>> article", "5", { number: 5, messageId: "<5@x>>" }],
    ["5 <5@x", "5", { number: 5, messageId: "<5@x" }],
    ["5 5@x follows", "5", { number: 5, messageId: "5@x" }],
    ["5", "<a@b>", { number: 5, messageId: "<a@b>" }],
    ["<a@b> article", "5", { number: 5, messageId: "<a@b>" }],
    ["article follows", "<a@b>", { number: 0, messageId: "<a@b>" }],
    ["article follows", "5", undefined],
    ["", undefined, undefined],
  ])("%j, asked for by %s", (text, asked, name) => {
    expect(parseArticleName(text, asked)).toEqual(name);
  });

  test("an id that is none closes nothing", async () => {
    const { nntp } = await connected("C: ARTICLE 5\nS: 220 5 <5 b@x>\nS: x\nS: .\nC: STAT 5\nS: 223 5 <5 b@x>\n");
    expect(await nntp.article(5)).toMatchObject({ number: 5, messageId: "<5 b@x>" });
    expect(await nntp.stat(5)).toEqual({ number: 5, messageId: "<5 b@x>" });
  });
});

describe("control characters do not reach an error's message", () => {
  test("of a refusal", async () => {
    const { nntp } = await connected("C: GROUP a\nS~ NDExIBtdMDtvd25lZAebMm0IDQo=\n");
    const error = await failure(nntp.group("a"));
    expect(error).toBeInstanceOf(ReplyError);
    expect(error.message).toContain("\\x1b]0;owned\\x07\\x9b2m\\x08");
    expect(error.message).not.toMatch(/\p{Cc}/u);
  });

  test("of an answer that cannot be read", async () => {
    const { nntp } = await connected("C: GROUP a\nS: 211 \x1b[2J\n");
    const error = await failure(nntp.group("a"));
    expect(error).toBeInstanceOf(ProtocolError);
    expect(error.message).toContain("\\x1b[2J");
  });

  test("text stays text", () => {
    expect(readable("Größe 5 €, a\tb\u202ec")).toBe("Größe 5 €, a\\x09b\\u202ec");
  });
});

describe("a refusal holds for now where a limit of connections is meant", () => {
  test.each([
    "too many connections from your address",
    "Maximum number of connections exceeded",
    "connection limit reached",
    "limit of 20 sessions per user",
    "server is busy",
    "server overloaded",
    "load too high",
    "please try again later",
  ])("%s", (text) => {
    expect(refusal(reply("502", text), "GROUP a").transient).toBe(true);
  });

  test.each([
    "you may not download",
    "uploads are not allowed",
    "business accounts only",
    "this group is off limits",
    "unlimited access only",
    "download limit exceeded",
  ])("not: %s", (text) => {
    expect(refusal(reply("502", text), "GROUP try again later").transient).toBe(false);
  });
});

describe("consent to something else is none", () => {
  test.each(["381 more", "350 more", "100 hm"])("a password that is answered by %s is not accepted", async (line) => {
    const { nntp } = await connected(`C: AUTHINFO USER alice\nS: 381 more\nC: AUTHINFO PASS ***\nS: ${line}\n`);
    const error = await failure(nntp.login(ALICE));
    expect(error).toBeInstanceOf(ProtocolError);
    expect(error).not.toBeInstanceOf(LoginError);
    expect(nntp.state).toBe("closed");
  });

  test("a SASL response that is asked for twice is not accepted", async () => {
    const { nntp } = await talk(
      `${hello("AUTHINFO SASL", "SASL PLAIN")}C: AUTHINFO SASL PLAIN ***\nS: 383 \nC: ***\nS: 383 \n`,
    );
    await nntp.connect();
    expect(await failure(nntp.login(ALICE))).toBeInstanceOf(ProtocolError);
    expect(nntp.state).toBe("closed");
  });
});
