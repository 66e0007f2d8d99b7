/** Parameters of MAIL and RCPT, and what the server must announce for them. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { UsageError } from "../../src/client/errors.js";
import type { MailParameters, RcptParameters } from "../../src/smtp/options.js";
import { mailCommand, rcptCommand, xtext } from "../../src/smtp/parameters.js";
import { parseEhlo, parseLimits } from "../../src/smtp/parse-ehlo.js";
import { NULL_PATH, parsePath } from "../../src/smtp/path.js";

const announced = (...lines: string[]) =>
  parseEhlo({ ok: true, code: "250", text: "", lines: ["250-host", ...lines.map((line) => `250-${line}`)] });
const ALL = announced(
  "SIZE 1000",
  "8BITMIME",
  "SMTPUTF8",
  "CHUNKING",
  "BINARYMIME",
  "DSN",
  "AUTH PLAIN",
  "REQUIRETLS",
  "DELIVERBY 60",
  "MT-PRIORITY MIXER",
  "FUTURERELEASE 3600 2030-01-01T00:00:00Z",
);
const FROM = parsePath("a@example.org", "x");

describe("MAIL", () => {
  const cases: [MailParameters, string, string][] = [
    [{ size: 1000 }, "SIZE=1000", ""],
    [{ body: "8bitmime" }, "BODY=8BITMIME", "8BITMIME"],
    [{ body: "7bit" }, "BODY=7BIT", ""],
    [{ body: "binarymime" }, "BODY=BINARYMIME", "BINARYMIME"],
    [{ smtputf8: true }, "SMTPUTF8", "SMTPUTF8"],
    [{ auth: "e+mc2@example.com" }, "AUTH=e+2Bmc2@example.com", "AUTH"],
    [{ auth: "" }, "AUTH=<>", "AUTH"],
    [{ ret: "full" }, "RET=FULL", "DSN"],
    [{ ret: "hdrs" }, "RET=HDRS", "DSN"],
    [{ envid: "QQ=314 159" }, "ENVID=QQ+3D314+20159", "DSN"],
    [{ requireTls: true }, "REQUIRETLS", "REQUIRETLS"],
    [{ deliverBy: { seconds: 120, mode: "return" } }, "BY=120;R", "DELIVERBY"],
    [{ deliverBy: { seconds: -5, mode: "notify", trace: true } }, "BY=-5;NT", "DELIVERBY"],
    [{ priority: -9 }, "MT-PRIORITY=-9", "MT-PRIORITY"],
    [{ hold: 60 }, "HOLDFOR=60", "FUTURERELEASE"],
    [{ hold: new Date("2029-12-31T23:59:59.500Z") }, "HOLDUNTIL=2029-12-31T23:59:59Z", "FUTURERELEASE"],
  ];

  test.each(cases)("%j is %s", (parameters, words) => {
    expect(mailCommand(FROM, parameters, ALL)).toBe(`MAIL FROM:<a@example.org> ${words}`);
  });

  test.each(cases.filter(([, , needs]) => needs !== ""))(
    "%j is refused where the server lacks it",
    (parameters, _, needs) => {
      const without = new Map([...ALL].filter(([name]) => name !== needs));
      expect(() => mailCommand(FROM, parameters, without)).toThrow(new RegExp(`does not announce ${needs}`));
    },
  );

  test.each([
    { size: 1001 },
    { size: -1 },
    { body: "8bit" },
    { ret: "all" },
    { envid: "" },
    { envid: "a\r\nb" },
    { envid: "é" },
    { envid: "x".repeat(101) },
    { auth: "a@b\r\nDATA" },
    { deliverBy: { seconds: 0, mode: "return" } },
    { deliverBy: { seconds: 59, mode: "return" } },
    { deliverBy: { seconds: 1.5, mode: "notify" } },
    { deliverBy: { seconds: 60, mode: "later" } },
    { priority: 10 },
    { priority: 0.5 },
    { hold: 0 },
    { hold: 3601 },
    { hold: new Date("2031-01-01") },
    { hold: new Date(Number.NaN) },
  ] as unknown as MailParameters[])("%j is a usage error", (parameters) => {
    expect(() => mailCommand(FROM, parameters, ALL)).toThrow(UsageError);
  });

  test("the size is left out, and 7bit with it, where the server would not know what they are", () => {
    expect(mailCommand(FROM, { size: 5, body: "7bit" }, new Map())).toBe("MAIL FROM:<a@example.org>");
  });

  test("a SIZE without a number, and one of 0, is no limit", () => {
    for (const size of ["SIZE", "SIZE 0"]) {
      expect(mailCommand(NULL_PATH, { size: 1e12 }, announced(size))).toBe("MAIL FROM:<> SIZE=1000000000000");
    }
  });

  test("a sender that is not ASCII asks for SMTPUTF8 by itself", () => {
    const path = parsePath("jürgen@example.org", "x");
    expect(mailCommand(path, {}, ALL)).toBe("MAIL FROM:<jürgen@example.org> SMTPUTF8");
    expect(() => mailCommand(path, {}, new Map())).toThrow(/SMTPUTF8, which the address jürgen@example.org needs/);
  });
});

describe("RCPT", () => {
  const to = parsePath("b@example.net", "x");

  test.each([
    [{ notify: "never" }, "NOTIFY=NEVER"],
    [{ notify: ["success", "delay", "success"] }, "NOTIFY=SUCCESS,DELAY"],
    [{ orcpt: "bob+x@example.net" }, "ORCPT=rfc822;bob+2Bx@example.net"],
    [{ orcpt: "x400;/C=de/" }, "ORCPT=x400;/C+3Dde/"],
    [{ orcpt: "jürgen@example.net" }, "ORCPT=utf-8;j\\x{FC}rgen@example.net"],
  ] as [RcptParameters, string][])("%j is %s", (parameters, words) => {
    expect(rcptCommand(to, parameters, ALL)).toBe(`RCPT TO:<b@example.net> ${words}`);
    expect(() => rcptCommand(to, parameters, new Map())).toThrow(/does not announce DSN/);
  });

  test.each([
    { notify: [] },
    { notify: ["never"] },
    { notify: "always" },
    { orcpt: "" },
    { orcpt: "a\r\nb" },
  ] as unknown as RcptParameters[])("%j is a usage error", (parameters) => {
    expect(() => rcptCommand(to, parameters, ALL)).toThrow(UsageError);
  });
});

test("xtext is printable, and gives back what it was made of", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      const encoded = xtext(text);
      expect(encoded).toMatch(/^(?:[!-*,-<>-~]|\+[0-9A-F]{2})*$/);
      const bytes = encoded.replace(/\+(..)/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
      expect(Buffer.from(bytes, "latin1").toString()).toBe(Buffer.from(text).toString());
    }),
  );
});

describe("EHLO", () => {
  test("extensions in any case, arguments as they are, AUTH as it was written once", () => {
    const found = announced(
      "size 1024",
      "Auth=login PLAIN",
      "AUTH PLAIN cram-md5",
      "X-ODD a  b",
      "",
      "not:one",
      "8bitmime",
    );
    expect([...found]).toEqual([
      ["SIZE", ["1024"]],
      ["AUTH", ["LOGIN", "PLAIN", "CRAM-MD5"]],
      ["X-ODD", ["a", "b"]],
      ["8BITMIME", []],
    ]);
  });

  test("limits are the smallest numbers above 0", () => {
    const none = Number.POSITIVE_INFINITY;
    expect(parseLimits(["RCPTMAX=10", "rcptmax=5", "MAILMAX=0", "RCPTDOMAINMAX=x", "OTHER=1"])).toEqual({
      mails: none,
      recipients: 5,
      domains: none,
    });
    expect(parseLimits()).toEqual({ mails: none, recipients: none, domains: none });
  });
});
