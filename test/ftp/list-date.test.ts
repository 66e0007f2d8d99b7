/** Dates of listings: the calendar, time zones, and the year that is left out. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fullYear, WallClock } from "../../src/ftp/list-date.js";
import { timeZone } from "../../src/ftp/time-zone.js";
import { monthOf, utcTime } from "../../src/wire/calendar.js";

const iso = (time: number | undefined) => new Date(time ?? Number.NaN).toISOString();

describe("utcTime", () => {
  test("agrees with Date for every day", () => {
    const day = fc.date({ min: new Date("1601-01-01"), max: new Date("9999-12-31"), noInvalidDate: true });
    fc.assert(
      fc.property(day, (date) => {
        const whole = Math.floor(date.getTime() / 1000) * 1000;
        const d = new Date(whole);
        const [month, hour] = [d.getUTCMonth() + 1, d.getUTCHours()];
        const time = utcTime(d.getUTCFullYear(), month, d.getUTCDate(), hour, d.getUTCMinutes(), d.getUTCSeconds());
        expect(time).toBe(whole);
      }),
      { numRuns: 1000 },
    );
  });

  test("a day that does not exist has no time", () => {
    const wrong = [
      [2026, 2, 29],
      [1900, 2, 29],
      [2026, 4, 31],
      [2026, 0, 1],
      [2026, 13, 1],
      [2026, 1, 0],
      [1600, 1, 1],
      [2026, 1, 1, 24],
      [2026, 1, 1, 0, 60],
      [2026, 1, 1, 0, 0, 61],
    ] as [number, number, number][];
    for (const date of wrong) expect(utcTime(...date)).toBeNaN();
    expect(iso(utcTime(2000, 2, 29))).toBe("2000-02-29T00:00:00.000Z");
    expect(iso(utcTime(2016, 12, 31, 23, 59, 60))).toBe("2017-01-01T00:00:00.000Z");
  });
});

test("months in any case, years of two digits", () => {
  const month = (name: string) => monthOf(name.charCodeAt(0), name.charCodeAt(1), name.charCodeAt(2));
  expect([month("jan"), month("DEC"), month("May"), month("Mai"), month("J?n")]).toEqual([1, 12, 5, 0, 0]);
  expect([fullYear(26), fullYear(69), fullYear(70), fullYear(99), fullYear(2026)]).toEqual([
    2026, 2069, 1970, 1999, 2026,
  ]);
});

describe("the year that is left out", () => {
  const clock = new WallClock("UTC", new Date("2026-01-18T12:00:00Z"));

  test.each([
    [1, 18, 11, "2026-01-18T11:00:00.000Z"],
    [1, 19, 11, "2026-01-19T11:00:00.000Z"], // a server's clock may be ahead
    [1, 19, 13, "2025-01-19T13:00:00.000Z"],
    [12, 31, 23, "2025-12-31T23:00:00.000Z"],
    [2, 29, 0, "2024-02-29T00:00:00.000Z"],
  ])("month %i day %i hour %i is the last one", (month, day, hour, expected) => {
    expect(iso(clock.recent(month, day, hour, 0))).toBe(expected);
  });

  test("may be the next year on New Year's Eve", () => {
    const late = new WallClock("UTC", new Date("2025-12-31T23:30:00Z"));
    expect(iso(late.recent(1, 1, 0, 15))).toBe("2026-01-01T00:15:00.000Z");
  });

  test("is told by the wall clock of the server", () => {
    const tokyo = new WallClock("Asia/Tokyo", new Date("2025-12-30T16:00:00Z")); // 01:00 on the 31st there
    expect(iso(tokyo.recent(1, 1, 0, 30))).toBe("2025-12-31T15:30:00.000Z");
    expect(iso(tokyo.recent(1, 1, 2, 0))).toBe("2024-12-31T17:00:00.000Z");
  });

  test("no day of that name", () => {
    expect(clock.recent(2, 30, 0, 0)).toBeNaN();
  });
});

describe("time zones", () => {
  test.each([
    ["UTC", "2026-07-01T12:00:00.000Z"],
    ["Europe/Berlin", "2026-07-01T10:00:00.000Z"],
    ["America/New_York", "2026-07-01T16:00:00.000Z"],
    ["Asia/Kolkata", "2026-07-01T06:30:00.000Z"],
    ["+05:45", "2026-07-01T06:15:00.000Z"],
    ["-0330", "2026-07-01T15:30:00.000Z"],
    ["UTC+02:00", "2026-07-01T10:00:00.000Z"],
  ])("noon in %s", (zone, expected) => {
    expect(iso(new WallClock(zone).time(2026, 7, 1, 12))).toBe(expected);
  });

  test("an hour shown twice is the first, an hour left out is as before the change", () => {
    const berlin = new WallClock("Europe/Berlin");
    expect(iso(berlin.time(2026, 10, 25, 2, 30))).toBe("2026-10-25T00:30:00.000Z");
    expect(iso(berlin.time(2026, 10, 25, 3, 0))).toBe("2026-10-25T02:00:00.000Z");
    expect(iso(berlin.time(2026, 3, 29, 2, 30))).toBe("2026-03-29T01:30:00.000Z");
    expect(iso(berlin.time(2026, 3, 29, 1, 59))).toBe("2026-03-29T00:59:00.000Z");
    expect(iso(berlin.time(2026, 3, 29, 3, 0))).toBe("2026-03-29T01:00:00.000Z");
  });

  test("a moment shown on the wall comes back, except in the hour shown twice", () => {
    const name = fc.constantFrom("Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Asia/Tehran");
    const second = fc.integer({ min: Date.UTC(1990, 0, 1) / 1000, max: Date.UTC(2037, 0, 1) / 1000 });
    fc.assert(
      fc.property(name, second, (zoneName, seconds) => {
        const zone = timeZone(zoneName);
        const time = seconds * 1000;
        const wall = time + zone.offsetAt(time);
        const back = wall - zone.offsetAtWall(wall);
        expect(back + zone.offsetAt(back)).toBe(wall); // the same on the wall
        expect(back).toBeLessThanOrEqual(time);
      }),
    );
  });

  test("remembered offsets are the same again", () => {
    const [kept, fresh] = [timeZone("Europe/Berlin"), () => timeZone("Europe/Berlin")];
    for (let hour = -80; hour < 80; hour++) {
      const wall = Date.UTC(2026, 2, 29, hour);
      expect(kept.offsetAtWall(wall)).toBe(fresh().offsetAtWall(wall));
      expect(kept.offsetAtWall(wall)).toBe(fresh().offsetAtWall(wall));
    }
  });

  test("no such zone", () => {
    expect(() => new WallClock("Mars/Olympus")).toThrow(RangeError);
  });
});

describe("written dates", () => {
  const clock = new WallClock("UTC", new Date("2026-01-18T12:00:00Z"));
  const show = (date: { time: number; precision: string } | undefined) => date && `${iso(date.time)} ${date.precision}`;

  test.each([
    ["01-18-26", "09:31PM", "2026-01-18T21:31:00.000Z minute"],
    ["01-18-26", "12:05AM", "2026-01-18T00:05:00.000Z minute"],
    ["01-18-1999", "12:05 pm", "1999-01-18T12:05:00.000Z minute"],
    ["18-01-2026", "21:31", "2026-01-18T21:31:00.000Z minute"],
    ["01.02.26", "21:31:05", "2026-02-01T21:31:05.000Z second"],
    ["2026/01/18", undefined, "2026-01-18T00:00:00.000Z day"],
    ["98/01/18", "21.31.05", "1998-01-18T21:31:05.000Z second"],
    ["13-13-26", "21:31", undefined],
    ["01-18.26", "21:31", undefined],
    ["01-18-26", "noon", undefined],
  ])("%s %s", (date, time, expected) => {
    expect(show(clock.numeric(date, time))).toBe(expected);
  });

  test("with the name of the month", () => {
    expect(show(clock.monthDay("Jan", "8", "2024"))).toBe("2024-01-08T00:00:00.000Z day");
    expect(show(clock.monthDay("JAN", "08", "09:31:02"))).toBe("2026-01-08T09:31:02.000Z second");
    expect(show(clock.monthDay("Foo", "08", "09:31"))).toBeUndefined();
    expect(show(clock.monthDay("Jan", "108", "09:31"))).toBeUndefined();
    expect(show(clock.dayMonthYear("9-SEP-2025", "10:00:01.25"))).toBe("2025-09-09T10:00:01.000Z second");
    expect(show(clock.dayMonthYear("9-SEP-2025"))).toBe("2025-09-09T00:00:00.000Z day");
    expect(show(clock.dayMonthYear("9-XYZ-2025"))).toBeUndefined();
  });
});
