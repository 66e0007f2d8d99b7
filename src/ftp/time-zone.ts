/** Offsets of time zones by Intl, remembered so that a million rows ask it only a few times. Pure. */

/** All times in milliseconds; an offset is what the zone's wall clock shows ahead of UTC. */
export interface TimeZone {
  /** The offset at a moment. */
  offsetAt(time: number): number;
  /**
   * The offset when the clock on the wall shows `wall` (as if it were UTC). An hour shown twice counts as the first; an
   * hour left out counts as the clock would have shown it without the change.
   */
  offsetAtWall(wall: number): number;
}

const MINUTE = 60_000;
const DAY = 86_400_000;
/** Zones change their offset only at full quarters of an hour. */
const QUARTER = 15 * MINUTE;
/** Remembered quarters; beyond it the memory starts anew. */
const MAX_REMEMBERED = 20_000;

const OFFSET_NAME = /^(?:UTC|GMT)?([+-])(\d{2}):?(\d{2})$/;

/**
 * @param name An IANA name such as `Europe/Berlin`, `UTC`, or an offset such as `+02:00` or `-0330`.
 * @throws RangeError when there is no such zone.
 */
export function timeZone(name: string): TimeZone {
  if (name === "UTC" || name === "GMT" || name === "Z") return fixedZone(0);
  const offset = OFFSET_NAME.exec(name);
  if (offset === null) return new NamedZone(name);
  const minutes = Number(offset[2]) * 60 + Number(offset[3]);
  return fixedZone((offset[1] === "-" ? -minutes : minutes) * MINUTE);
}

function fixedZone(offset: number): TimeZone {
  return { offsetAt: () => offset, offsetAtWall: () => offset };
}

class NamedZone implements TimeZone {
  private readonly format: Intl.DateTimeFormat;
  private readonly remembered = new Map<number, number>();
  private lastQuarter = Number.NaN;
  private lastOffset = 0;

  constructor(name: string) {
    this.format = new Intl.DateTimeFormat("en-US", {
      timeZone: name,
      calendar: "gregory",
      numberingSystem: "latn",
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
  }

  offsetAt(time: number): number {
    const second = Math.floor(time / 1000) * 1000;
    const shown: Record<string, number> = {};
    for (const part of this.format.formatToParts(second)) shown[part.type] = Number(part.value);
    const { year, month, day, hour, minute } = shown;
    return Date.UTC(year!, month! - 1, day!, hour!, minute!, shown.second!) - second;
  }

  offsetAtWall(wall: number): number {
    const quarter = Math.floor(wall / QUARTER);
    if (quarter === this.lastQuarter) return this.lastOffset;
    let offset = this.remembered.get(quarter);
    if (offset === undefined) {
      offset = this.findOffset(quarter * QUARTER);
      if (this.remembered.size >= MAX_REMEMBERED) this.remembered.clear();
      this.remembered.set(quarter, offset);
    }
    this.lastQuarter = quarter;
    this.lastOffset = offset;
    return offset;
  }

  private findOffset(wall: number): number {
    // No zone changes twice in two days, so these are the only two it can be.
    const before = this.offsetAt(wall - DAY);
    const after = this.offsetAt(wall + DAY);
    if (before === after || this.offsetAt(wall - before) === before) return before;
    return this.offsetAt(wall - after) === after ? after : before;
  }
}
