/** A folder's listing by FTP: by the server's best way; where that is cut short, by its other ways, too. */
import { ReplyError } from "../../../client/errors.js";
import type { RowsIterator } from "../../../client/rows.js";
import type { FtpClient } from "../../../ftp/client.js";
import type { FtpEntry } from "../../../ftp/entry.js";
import type { ListedFile } from "../../journal/journal.js";
import { asPath } from "./ftp-names.js";
import type { Cut, ListedFolder, ListedGroup, ListingCall, ListingNotes } from "./place.js";

/** What servers say where they leave out rows of a listing. */
const CUT = /truncat|limit|too many/i;
/** Rows at which servers are known to stop without a word, with and without those for `.` and `..`. */
const STOPS = new Set([998, 999, 1000, 1998, 1999, 2000, 9998, 9999, 10_000]);
/** Milliseconds by which a listed time may be early. */
const COARSE = { second: undefined, minute: 60_000, day: 86_400_000 } as const;

interface Way {
  readonly command: string;
  run(call: { signal: AbortSignal; onEnd: (reply: { text: string }) => void }): AsyncIterable<Pass>;
}

interface Pass extends ListedGroup {
  readonly rows: number;
  readonly passedOver: number;
  /** The folder's own. */
  readonly unique?: string | undefined;
}

/** Rows for `.` and `..`, too: that of the folder itself tells how to know it again. */
const DOTS = { dots: true };

/** Lists a folder. What several ways bring comes several times. */
export async function* listFolder(ftp: FtpClient, folder: string, call: ListingCall): AsyncIterable<ListedGroup> {
  const [best, ...others] = ways(ftp, folder);
  yield* listBy(best as Way, call.notes, call.signal);
  if (call.identify && ftp.has("MLST")) call.notes.unique ??= await identify(ftp, folder);
  for (const way of call.thorough ? others : []) {
    if (call.notes.cut === undefined) return;
    const notes: ListingNotes = { passedOver: 0 };
    try {
      yield* listBy(way, notes, call.signal);
    } catch (error) {
      // It is only another try.
      if (error instanceof ReplyError && error.clientUsable) continue;
      throw error;
    }
    if (notes.cut === undefined) call.notes.cut = undefined;
  }
}

/** pyftpdlib lists no row for the folder itself. Whatever a server answers here, the listing was good. */
async function identify(ftp: FtpClient, folder: string): Promise<string | undefined> {
  const [reply] = await ftp.pack([`MLST ${folder === "" ? "." : asPath(folder)}`]);
  return reply?.ok ? /^ .*?\bunique=([^;]+);/im.exec(reply.lines.join("\n"))?.[1] : undefined;
}

/** The ways this server has, the best one first. */
function ways(ftp: FtpClient, folder: string): Way[] {
  const path = folder === "" ? undefined : asPath(folder);
  // No argument is safe from being taken for an option or a pattern, but MLSD's.
  const plain = path === undefined || !/^-|[\s*?[\]{}\\]/.test(path);
  const entries = (command: string, rows: Lister<FtpEntry>): Way => ({
    command,
    run: (call) => groups(rows(path, { ...call, ...DOTS }).batches(), (batch) => entriesOf(batch, folder)),
  });
  const names: Way = {
    command: "NLST",
    run: (call) => groups(ftp.nlst(path, call).batches(), (batch) => namesOf(batch, folder)),
  };
  const best = entries("entries", (...given) => ftp.entries(...given));
  const list = entries("LIST", (...given) => ftp.list(...given));
  if (!plain) return [best];
  return ftp.has("MLST") || ftp.has("MLSD") ? [best, list, names] : [best, names];
}

type Lister<T> = (
  path: string | undefined,
  call: { signal: AbortSignal; onEnd: (reply: { text: string }) => void; dots: boolean },
) => { batches(): RowsIterator<T[]> };

async function* groups<T>(batches: RowsIterator<T[]>, read: (batch: T[]) => Pass): AsyncIterable<Pass> {
  for await (const batch of batches) yield read(batch);
}

async function* listBy(way: Way, notes: ListingNotes, signal: AbortSignal): AsyncIterable<ListedGroup> {
  let rows = 0;
  let said: string | undefined;
  const onEnd = ({ text }: { text: string }) => {
    if (CUT.test(text)) said = text.trim();
  };
  for await (const { files, folders, ...counted } of way.run({ signal, onEnd })) {
    rows += counted.rows;
    notes.passedOver += counted.passedOver;
    notes.unique ??= counted.unique;
    if (files.length + folders.length > 0) yield { files, folders };
  }
  notes.cut = cutOf(said, rows);
}

function cutOf(said: string | undefined, rows: number): Cut | undefined {
  if (said !== undefined) return { why: `the server says: ${said}`, certain: true };
  if (!STOPS.has(rows)) return undefined;
  return { why: `it has ${rows} rows, where some servers stop without a word`, certain: false };
}

function entriesOf(batch: readonly FtpEntry[], folder: string): Pass {
  const files: ListedFile[] = [];
  const folders: ListedFolder[] = [];
  let passedOver = 0;
  let unique: string | undefined;
  for (const entry of batch) {
    const dots = entry.type === "directory" ? dotsOf(entry) : undefined;
    const name = dots ? undefined : nameIn(folder, entry.name);
    if (dots === "cdir") unique = entry.unique;
    if (name !== undefined && entry.type === "file") files.push(fileOf(entry, name));
    else if (name !== undefined && entry.type === "directory") folders.push({ name, unique: entry.unique });
    else if (!dots) passedOver++;
  }
  return { files, folders, rows: batch.length, passedOver, unique };
}

/** Whether a row is that of the folder itself, or of the one above: MLSD may give them any name (RFC 3659 7.5.1). */
function dotsOf({ name, facts }: FtpEntry): "cdir" | "pdir" | undefined {
  const type = facts?.type?.toLowerCase();
  if (type === "cdir" || type === "pdir") return type;
  return name === "." ? "cdir" : name === ".." ? "pdir" : undefined;
}

function namesOf(batch: readonly string[], folder: string): Pass {
  const names = batch.flatMap((each) => nameIn(folder, each) ?? []);
  const files = names.map((name) => ({ name, unsure: true }));
  return { files, folders: [], rows: batch.length, passedOver: batch.length - files.length };
}

function fileOf({ size, modified, precision }: FtpEntry, name: string): ListedFile {
  const coarse = precision && COARSE[precision];
  return { name, size, mtime: modified?.getTime(), ...(coarse !== undefined && { coarse }) };
}

/** The name in its folder: some servers write `folder/name`. Undefined for one that would lead out of it. */
function nameIn(folder: string, listed: string): string | undefined {
  const name = folder !== "" && listed.startsWith(`${folder}/`) ? listed.slice(folder.length + 1) : listed;
  return name === "" || name === "." || name === ".." || name.includes("/") ? undefined : name;
}
