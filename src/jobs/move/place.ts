/** One side of a move as a lane sees it: a folder on an FTP server, or a local one. Names are relative to the folder. */
import type { ListedFile } from "../journal/journal.js";

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

/** What a listing brings besides its rows. */
export interface ListingNotes {
  /** Rows that could not be read, links, devices and folders: what was passed over. */
  passedOver: number;
  /** What the server said, where that sounds as if rows were left out. */
  cut?: string | undefined;
}

/** One connection to one side. Every method works on a batch where that saves round trips. */
export interface Place {
  /** What messages call it: a URL without password, or a path. */
  readonly shown: string;
  /** Connects and enters the folder. */
  open(signal: AbortSignal): Promise<void>;
  /** The files in the folder, in groups as they arrive. */
  list(notes: ListingNotes, signal: AbortSignal): AsyncIterable<ListedFile[]>;
  /** What is there under these names; undefined where nothing is, an error where that was not told of one name. */
  stat(names: readonly string[], wanted?: Wanted): Promise<(FileStat | Error | undefined)[]>;
  /** A file's bytes; it ends without an error only where the other side confirmed the whole file. */
  read(name: string, signal: AbortSignal): AsyncIterable<Buffer>;
  /** Writes a new file. Gives the bytes that were confirmed. */
  write(name: string, source: AsyncIterable<Buffer>, signal: AbortSignal): Promise<number>;
  /**
   * Gives files their times, then their final names: whoever waits for a name finds the file as it is to be. Gives for
   * each whether its time was set, or what went wrong.
   */
  publish(arrivals: readonly Arrival[]): Promise<(Published | Error)[]>;
  /** Removes files; gives for each what went wrong, if something did. A file that is not there is removed. */
  remove(names: readonly string[]): Promise<(Error | undefined)[]>;
  /** Makes a folder and those above it; no error where it is there. */
  makeFolder(folder: string): Promise<void>;
  /** True while the connection can be used. */
  readonly usable: boolean;
  close(): Promise<void>;
}
