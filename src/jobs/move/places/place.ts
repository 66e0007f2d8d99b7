/** One side of a move as a lane sees it: a folder on an FTP server, or a local one. Names are relative to the folder. */
import type { FxpPair } from "../../../ftp/fxp-pair.js";
import type { ListedFile } from "../../journal/journal.js";
import type { DigestName } from "./digests.js";

/** What is known of a file now. */
export interface FileStat {
  /** Bytes. */
  readonly size: number;
  /** Milliseconds since 1970; undefined where the server does not tell. */
  readonly mtime: number | undefined;
}

/** What is wanted of files besides whether they are there. */
export interface Wanted {
  /** False where the times need not be told. Default: true. */
  readonly times?: boolean | undefined;
  /** The sizes, where they are known well enough: they need not be asked for then. Default: they are told. */
  readonly sizes?: readonly number[] | undefined;
}

/** A file that arrived under its temporary name. */
export interface Arrival {
  readonly temp: string;
  readonly final: string;
  /** Milliseconds since 1970: the time to give it; undefined leaves it as it is. */
  readonly mtime: number | undefined;
}

/** A file that has its final name now. */
export interface Published {
  /** True where its time is the one it was to have. */
  readonly timed: boolean;
}

/** A folder that was found in another one. */
export interface ListedFolder {
  readonly name: string;
  /** The same for the same folder, whatever its path; undefined where that is not told. */
  readonly unique: string | undefined;
}

/** Part of a folder's listing. Names are those in the folder: none leads out of it. */
export interface ListedGroup {
  readonly files: readonly ListedFile[];
  readonly folders: readonly ListedFolder[];
}

/** What a listing brings besides its files and folders. */
export interface ListingNotes {
  /** Rows that could not be read, links, devices, names that lead out of the folder: what was passed over. */
  passedOver: number;
  /** The folder's own {@link ListedFolder.unique}, where its listing tells. */
  unique?: string | undefined;
  /** Why the listing may not be whole. */
  cut?: Cut | undefined;
}

/** A listing that may not be whole. */
export interface Cut {
  readonly why: string;
  /** True where the server said so; false where that is only likely. */
  readonly certain: boolean;
}

/** How a folder is to be listed. */
export interface ListingCall {
  readonly notes: ListingNotes;
  readonly signal: AbortSignal;
  /** Also ask for the folder's own {@link ListingNotes.unique}, where the listing does not tell it. Default: false. */
  readonly identify?: boolean | undefined;
  /** Where a listing is cut short, look for the rest by the server's other ways. Default: false. */
  readonly thorough?: boolean | undefined;
}

/**
 * What a side was found to be able to do with files that are begun, for all connections to it; undefined where nobody has
 * tried.
 */
export interface Abilities {
  /** Reads a file from a byte within on (REST before RETR). */
  readsFrom?: boolean | undefined;
  /** Writes a file from a byte within on, and leaves what is before that (REST before STOR). */
  writesFrom?: boolean | undefined;
  /** Writes on at the end of a file (APPE). */
  appends?: boolean | undefined;
  /** Takes several parts of one file at once, each over a connection of its own. */
  takesParts?: boolean | undefined;
}

/** One connection to one side. Every method works on a batch where that saves round trips. */
export interface Place {
  /** What messages call it: a URL without password, or a path. */
  readonly shown: string;
  /** Is added to as it is found out. */
  readonly abilities: Abilities;
  /** Connects and enters the folder. */
  open(signal: AbortSignal): Promise<void>;
  /** What is in a folder, relative to the place ("" is its own), in groups as they arrive. Links are not followed. */
  list(folder: string, call: ListingCall): AsyncIterable<ListedGroup>;
  /** What is there under these names; undefined where nothing is, an error where that was not told of one name. */
  stat(names: readonly string[], wanted?: Wanted): Promise<(FileStat | Error | undefined)[]>;
  /**
   * A file's bytes from byte `from` (default: 0) on; it ends without an error only where the other side confirmed the
   * whole of it.
   */
  read(name: string, signal: AbortSignal, from?: number): AsyncIterable<Buffer>;
  /** All of a small file, as `read`. Rejects with ProtocolError where it has more than `most` bytes. */
  fetch(name: string, most: number, signal: AbortSignal): Promise<Buffer>;
  /** Writes a small file, as `write`. */
  store(name: string, content: Buffer, signal: AbortSignal): Promise<number>;
  /** Writes a new file. Gives the bytes that were confirmed. */
  write(name: string, source: AsyncIterable<Buffer>, signal: AbortSignal): Promise<number>;
  /**
   * Has this side send a file to another one, of which no byte comes here (FXP): see `FtpClient.fxp`. Gives its bytes, where
   * they are told. Undefined where the side knows nothing of the kind.
   */
  send?(name: string, to: Place, target: string, pair: FxpPair, signal: AbortSignal): Promise<number | undefined>;
  /**
   * Writes into a file that is there, from byte `at` on; what is before that stays. At 0 an FTP server makes the file anew.
   * Gives the bytes that were confirmed.
   */
  writeFrom(name: string, at: number, source: AsyncIterable<Buffer>, signal: AbortSignal): Promise<number>;
  /** Writes on at the end of a file that is there, as `writeFrom`. */
  append(name: string, source: AsyncIterable<Buffer>, signal: AbortSignal): Promise<number>;
  /**
   * Makes a new file of so many bytes, which begins with these (one at least); the others are any, and one at least. Rejects
   * where the side makes none from nothing.
   */
  reserve(name: string, first: Buffer, size: number, signal: AbortSignal): Promise<void>;
  /**
   * Gives files their times, then their final names: whoever waits for a name finds the file as it is to be. Gives for
   * each whether its time was set, or what went wrong.
   */
  publish(arrivals: readonly Arrival[]): Promise<(Published | Error)[]>;
  /** Gives files their times, as `publish`; gives for each what went wrong, if something did. */
  touch(files: readonly { readonly name: string; readonly mtime: number }[]): Promise<(Error | undefined)[]>;
  /** The digests that are computed where the files are; known once the place is open. */
  readonly digests: readonly DigestName[];
  /** Computes a digest of files where they are: lower-case hexadecimal, or what went wrong. `size`: bytes. */
  digest(
    files: readonly { readonly name: string; readonly size: number }[],
    digest: DigestName,
  ): Promise<(string | Error)[]>;
  /** Removes files; gives for each what went wrong, if something did. A file that is not there is removed. */
  remove(names: readonly string[]): Promise<(Error | undefined)[]>;
  /** Makes a folder and those above it; no error where it is there. */
  makeFolder(folder: string): Promise<void>;
  /** Removes folders that are empty. Gives for each whether it did, or what went wrong where that is no "not empty". */
  removeFolders(folders: readonly string[]): Promise<(boolean | Error)[]>;
  /** True while the connection can be used. */
  readonly usable: boolean;
  close(): Promise<void>;
}
