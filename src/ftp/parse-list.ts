/** LIST as it arrives: the style is voted by the first rows, then every row is read in it and none is lost. Pure. */
import { type FtpEntry, unparsed } from "./entry.js";
import { WallClock } from "./list-date.js";
import { dosStyle } from "./list-styles/dos.js";
import { eplfStyle } from "./list-styles/eplf.js";
import { macPeterStyle } from "./list-styles/mac-peter.js";
import { mvsStyle } from "./list-styles/mvs.js";
import { netwareStyle } from "./list-styles/netware.js";
import { os400Style } from "./list-styles/os400.js";
import { isTotal, type ListStyle, type ListStyleChoice } from "./list-styles/style.js";
import { askBasicFtp } from "./list-styles/tolerant.js";
import { unixStyle } from "./list-styles/unix.js";
import { vmsStyle } from "./list-styles/vms.js";
import { isDotName, type ListingOptions, RowSplitter } from "./listing-parser.js";
import { decodeName, decoderFor, type NameDecoder } from "./name.js";

/** The styles in the order in which they are asked; of two that read as many rows the first is taken. */
const STYLES: readonly ListStyleChoice[] = [
  macPeterStyle, // before unix, which would take its rows for some without a group
  unixStyle,
  dosStyle,
  eplfStyle,
  netwareStyle,
  os400Style,
  vmsStyle,
  mvsStyle,
];

/** So many rows vote on the style, so that one odd row, even the first, never decides it. */
const VOTERS = 16;

/** What a LIST parser may be told. */
export interface ListOptions extends ListingOptions {
  /** The moment of the listing: dates without a year are the last such before it. Default: now. */
  now?: Date | undefined;
  /** The server's time zone: an IANA name such as `Europe/Berlin`, or an offset such as `+02:00`. Default: UTC. */
  timeZone?: string | undefined;
  /** Called with each row that nobody could read. It is also given as an entry of the type "unparsed". */
  onUnparsed?: ((raw: string) => void) | undefined;
}

/**
 * Reads LIST listings of unknown style as they arrive: Unix, DOS, EPLF, NetWare, OS/400, VMS, MVS, MacOS-Peter.
 *
 * @throws RangeError when there is no such time zone; by `push` when a row is too long.
 * @example
 * const parser = new ListParser({ timeZone: "Europe/Berlin" });
 * for await (const chunk of dataConnection) for (const entry of parser.push(chunk)) console.log(entry.name);
 * for (const entry of parser.end()) console.log(entry.name);
 */
export class ListParser extends RowSplitter<FtpEntry> {
  private readonly clock: WallClock;
  private readonly onUnparsed: ((raw: string) => void) | undefined;
  private choice: ListStyleChoice | undefined;
  private reader: ListStyle | undefined;
  /** The rows that vote, while the style is unknown. */
  private held: Buffer[] = [];

  constructor(options: ListOptions = {}) {
    super(options);
    this.clock = new WallClock(options.timeZone, options.now);
    this.onUnparsed = options.onUnparsed;
  }

  /** The style: "unix", "dos", "eplf", "netware", "os400", "vms", "mvs" or "mac-peter"; absent until it is known. */
  get style(): string | undefined {
    return this.choice?.name;
  }

  protected override row(bytes: Buffer, start: number, end: number, decode: NameDecoder, out: FtpEntry[]): void {
    if (this.reader === undefined) {
      this.held.push(Buffer.from(bytes.subarray(start, end)));
      if (this.held.length >= VOTERS) this.decide(out);
      return;
    }
    const before = out.length;
    if (!this.reader.read(bytes, start, end, decode, out)) this.readOddRow(decode(bytes, start, end), out);
    if (out.length > before) this.check(out, before);
  }

  protected override finish(out: FtpEntry[]): void {
    this.decide(out);
    const before = out.length;
    this.reader?.finish?.(out);
    this.check(out, before);
  }

  /** Leaves out the dots, and tells of what could not be read. */
  private check(out: FtpEntry[], from: number): void {
    for (let at = from; at < out.length; at++) {
      const entry = out[at]!;
      if (entry.type === "unparsed") this.onUnparsed?.(entry.raw);
      else if (!this.keepDots && entry.name.length < 3 && isDotName(entry.name)) out.splice(at--, 1);
    }
  }

  /** A row that does not fit the style of its listing: it never changes the style. */
  private readOddRow(raw: string, out: FtpEntry[]): void {
    if (isEmpty(raw)) return;
    out.push((this.choice && askBasicFtp(this.choice.name, raw)) ?? unparsed(raw));
  }

  /** Chooses the style and reads the held rows. Where no style reads any of them, the next rows vote. */
  private decide(out: FtpEntry[]): void {
    const rows = this.held;
    this.held = [];
    if (rows.length === 0) return;
    this.choice = vote(rows, this.clock);
    this.reader = this.choice?.begin(this.clock);
    const before = out.length;
    for (const row of rows) {
      const decode = decoderFor(row);
      if (this.reader !== undefined) this.row(row, 0, row.length, decode, out);
      else this.readOddRow(decode(row, 0, row.length), out);
    }
    if (this.reader === undefined) this.check(out, before);
  }
}

/** A row that says nothing in any style: blanks, or the `total 12` of `ls -l`. */
function isEmpty(raw: string): boolean {
  return raw.trim() === "" || isTotal(raw);
}

/** The style that gives most entries; without any, the one that knows most of the rows; else what basic-ftp says. */
function vote(held: readonly Buffer[], clock: WallClock): ListStyleChoice | undefined {
  const rows = held.filter((row) => !isEmpty(decodeName(row)));
  let best: ListStyleChoice | undefined;
  let most = 0;
  for (const choice of STYLES) {
    const { entries, known } = tryStyle(choice.begin(clock), rows);
    const votes = entries * (VOTERS + 1) + known;
    if (votes > most) [best, most] = [choice, votes];
    if (known === rows.length && entries > 0) break;
  }
  return best ?? [unixStyle, dosStyle].find((choice) => rows.some((row) => isReadByBasicFtp(choice.name, row)));
}

function tryStyle(reader: ListStyle, rows: readonly Buffer[]): { entries: number; known: number } {
  const out: FtpEntry[] = [];
  let known = 0;
  for (const row of rows) if (reader.read(row, 0, row.length, decoderFor(row), out)) known++;
  reader.finish?.(out);
  return { entries: out.filter((entry) => entry.type !== "unparsed").length, known };
}

function isReadByBasicFtp(style: string, row: Buffer): boolean {
  return askBasicFtp(style, decodeName(row)) !== undefined;
}
