/** Dates as they are found in headers. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { UsageError } from "../../src/client/errors.js";
import { formatDate, parseDate } from "../../src/message/date.js";

const iso = (raw: string) => parseDate(raw)?.toISOString();
const AT = "2026-02-03T10:11:12.000Z";

describe("as Python's email.utils.parsedate_to_datetime reads them", () => {
  test.each([
    ["Tue, 3 Feb 2026 10:11:12 +0100", "2026-02-03T09:11:12.000Z"],
    ["Tue, 03 Feb 2026 10:11:12 GMT", "2026-02-03T10:11:12.000Z"],
    ["3 Feb 2026 10:11:12 -0800", "2026-02-03T18:11:12.000Z"],
    ["Tue, 3 Feb 2026 10:11 +0000", "2026-02-03T10:11:00.000Z"],
    ["Tue, 3 Feb 26 10:11:12 EST", "2026-02-03T15:11:12.000Z"],
    ["Thu, 3 Feb 94 10:11:12 PDT", "1994-02-03T17:11:12.000Z"],
    ["Tue, 3 Feb 2026 10:11:12 UT", "2026-02-03T10:11:12.000Z"],
    ["Tue, 3 Feb 2026 10:11:12 +0530 (IST)", "2026-02-03T04:41:12.000Z"],
    ["Tuesday, 03-Feb-26 10:11:12 GMT", "2026-02-03T10:11:12.000Z"],
    ["Tue Feb  3 10:11:12 2026", "2026-02-03T10:11:12.000Z"],
    ["Tue, 3 Feb 2026 10.11.12 +0100", "2026-02-03T09:11:12.000Z"],
    ["Tue, 29 Feb 2000 23:59:59 -0330", "2000-03-01T03:29:59.000Z"],
    ["Sat, 31 Dec 2005 23:59:59 CST", "2006-01-01T05:59:59.000Z"],
    ["Fri, 1 Jan 1999 00:00:00 MST", "1999-01-01T07:00:00.000Z"],
    ["Tue,3 Feb 2026 10:11:12 +0100", "2026-02-03T09:11:12.000Z"],
    [" Tue,  3  Feb  2026  10:11:12  -0000", "2026-02-03T10:11:12.000Z"],
    ["3 February 2026 10:11:12 ADT", "2026-02-03T13:11:12.000Z"],
    ["Tue, 3 FEB 2026 10:11:12 +1245", "2026-02-02T21:26:12.000Z"],
  ])("%s", (raw, expected) => expect(iso(raw)).toBe(expected));
});

describe("forms", () => {
  test.each([
    ["no weekday, no zone", "3 Feb 2026 10:11:12"],
    ["a weekday that is wrong", "Fri, 3 Feb 2026 10:11:12 GMT"],
    ["a full weekday with a dot", "Tues. 3 Feb 2026 10:11:12 GMT"],
    ["comments anywhere, nested", "Tue (a (b\\)) c), 3 (x)Feb 2026 10:11:12 (Z)"],
    ["a comment that does not end", "Tue, 3 Feb 2026 10:11:12 +0000 (UTC"],
    ["folded", "Tue, 3 Feb 2026\r\n\t10:11:12 +0000"],
    ["asctime with a zone", "Tue Feb  3 10:11:12 UTC 2026"],
    ["JavaScript's own", "Tue Feb 03 2026 11:11:12 GMT+0100 (Central European Standard Time)"],
    ["American", "Feb 3, 2026 10:11:12 AM"],
    ["in the afternoon", "3 Feb 2026 12:11:12pm +0200"],
    ["dashes", "03-Feb-2026 10:11:12 GMT"],
    ["glued together", "3Feb2026 10:11:12GMT"],
    ["ISO 8601", "2026-02-03T10:11:12Z"],
    ["ISO 8601 with an offset", "2026-02-03T11:11:12+01:00"],
    ["ISO 8601 with blanks", "2026-02-03 11:11:12 +0100"],
    ["ISO 8601 without a zone", "2026-02-03 10:11:12"],
    ["slashes", "2026/02/03 10:11:12"],
    ["a year of three digits", "Tue, 3 Feb 126 10:11:12 GMT"],
    ["a year of two digits", "3 Feb 26 10:11:12 GMT"],
  ])("%s: %j", (_, raw) => expect(iso(raw)).toBe(AT));

  test("fractions are kept, missing times are midnight, second 60 is the next minute", () => {
    expect(iso("2026-02-03T10:11:12.57Z")).toBe("2026-02-03T10:11:12.570Z");
    expect(iso("3 Feb 2026")).toBe("2026-02-03T00:00:00.000Z");
    expect(iso("Sat, 31 Dec 2016 23:59:60 +0000")).toBe("2017-01-01T00:00:00.000Z");
  });

  test("years of two digits turn at 50 (RFC 5322 section 4.3)", () => {
    expect(iso("1 Jan 49 00:00 GMT")).toBe("2049-01-01T00:00:00.000Z");
    expect(iso("1 Jan 50 00:00 GMT")).toBe("1950-01-01T00:00:00.000Z");
  });
});

describe("zones", () => {
  test.each([
    ["GMT UT UTC Z WET A M Y FOO +0000 -0000 GMT+0 UTC", 0],
    ["CET MET MEZ BST +0100 +01:00 GMT+1 UTC+0100 GMT+01:00 +1", 60],
    ["CEST MEST MESZ EET +0200", 120],
    ["EDT -0400", -240],
    ["EST CDT -0500", -300],
    ["CST MDT", -360],
    ["MST PDT", -420],
    ["PST -0800 GMT-8", -480],
    ["JST", 540],
    ["NZDT +1300", 780],
  ])("%s", (names, minutes) => {
    for (const name of names.split(" ")) {
      const expected = Date.parse(AT) - minutes * 60_000;
      expect([name, parseDate(`Tue, 3 Feb 2026 10:11:12 ${name}`)?.getTime()]).toEqual([name, expected]);
    }
  });

  test("a number wins over a name, the first over the second", () => {
    expect(iso("3 Feb 2026 11:11:12 +0100 EST")).toBe(AT);
    expect(iso("3 Feb 2026 11:11:12 GMT +0100")).toBe(AT);
    expect(iso("3 Feb 2026 12:11:12 MET DST")).toBe(AT);
    expect(iso('3 Feb 2026 11:11:12 +0100 "W. Europe Standard Time"')).toBe(AT);
  });

  test("a number that is no zone counts as UTC", () => {
    for (const zone of ["+05300", "+0175", "-", "+-100"]) expect(iso(`3 Feb 2026 10:11:12 ${zone}`)).toBe(AT);
  });
});

describe("no dates", () => {
  test.each([
    "",
    " ",
    "yesterday",
    "Tue, 30 Feb 2026 10:11:12 +0000",
    "Sun, 29 Feb 2026 10:11:12 +0000",
    "Thu, 29 Feb 1900 10:11:12 +0000",
    "31 Apr 2026 10:11:12 GMT",
    "0 Feb 2026 10:11:12 GMT",
    "3 Foo 2026 10:11:12 GMT",
    "3 Feb 2026 24:00:00 GMT",
    "3 Feb 2026 10:60:00 GMT",
    "3 Feb 2026 10:11:61 GMT",
    "3 Feb 1899 10:11:12 GMT",
    "3 Feb 20266 10:11:12 GMT",
    "3 4 2026 10:11:12 5",
    "3 Feb 2026 10:11:12 11:12:13",
    "/; Feb 2026 10:11:12 GMT",
    ": Feb 2026 10:11:12 GMT",
    "3 Feb 2026 1:b:12 GMT",
    "2026-02-03T",
    "Feb 2026",
    "10:11:12",
  ])("%j", (raw) => expect(parseDate(raw)).toBeUndefined());

  test("what is longer than 256 characters", () => {
    expect(iso(`3 Feb 2026 10:11:12 (${"x".repeat(200)})`)).toBe(AT);
    expect(parseDate(`3 Feb 2026 10:11:12 ${"(".repeat(1_000_000)}`)).toBeUndefined();
  });
});

describe("anything", () => {
  const date = fc.date({
    min: new Date("1900-01-01T00:00:00Z"),
    max: new Date("9999-12-31T23:59:59Z"),
    noInvalidDate: true,
  });
  const offset = fc.integer({ min: -1439, max: 1439 });

  test("the usual forms are read as Date.parse reads them", () => {
    fc.assert(
      fc.property(date, offset, fc.boolean(), fc.boolean(), (moment, minutes, hasWeekday, isPadded) => {
        const [weekday, day, month, year, time] = moment.toUTCString().split(/,? /);
        const east = Math.abs(minutes);
        const zone = `${minutes < 0 ? "-" : "+"}${String(Math.floor(east / 60) * 100 + (east % 60)).padStart(4, "0")}`;
        const number = isPadded ? day : String(Number(day));
        const raw = `${hasWeekday ? `${weekday}, ` : ""}${number} ${month} ${year} ${time} ${zone}`;
        expect(parseDate(raw)?.getTime()).toBe(Date.parse(raw));
        expect(parseDate(`${raw} (a comment)`)?.getTime()).toBe(Date.parse(raw));
        expect(parseDate(`${weekday} ${month} ${number} ${time} ${zone} ${year}`)?.getTime()).toBe(Date.parse(raw));
      }),
    );
  });

  test("every day of the calendar", () => {
    for (let day = Date.UTC(1999, 0, 1); day < Date.UTC(2005, 0, 1); day += 86_400_000) {
      expect(parseDate(new Date(day).toUTCString())?.getTime()).toBe(day);
      expect(parseDate(new Date(day).toISOString())?.getTime()).toBe(day);
    }
  });

  test("what formatDate writes comes back to the second", () => {
    fc.assert(
      fc.property(date, (moment) => {
        expect(parseDate(formatDate(moment))?.getTime()).toBe(Math.floor(moment.getTime() / 1000) * 1000);
      }),
    );
  });

  test("nothing throws", () => {
    const piece = fc.oneof(
      fc.constantFrom(
        "Tue",
        ", ",
        "3",
        " ",
        "Feb",
        "2026",
        "10:11:12",
        "+0100",
        "(",
        ")",
        "\\",
        "T",
        "Z",
        "-",
        "/",
        "pm",
      ),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(piece), (pieces) => void parseDate(pieces.join(""))),
      { numRuns: 2000 },
    );
  });
});

describe("formatDate", () => {
  test("writes RFC 5322 in UTC", () => {
    expect(formatDate(new Date("2026-02-03T10:11:12.999Z"))).toBe("Tue, 03 Feb 2026 10:11:12 +0000");
  });

  test("refuses what a header cannot hold", () => {
    expect(() => formatDate(new Date(Number.NaN))).toThrow(UsageError);
    expect(() => formatDate(new Date("1899-12-31T00:00:00Z"))).toThrow(UsageError);
    expect(() => formatDate(new Date("+010000-01-01T00:00:00Z"))).toThrow(UsageError);
  });
});
