/** One side of a move as a lane sees it: a folder on an FTP server, or a local one. Names are relative to the folder. */
import type { ListedFile } from "../journal/journal.js";

/** What is known of a file now. */
export interface FileStat {
  /** Bytes. */
  readonly size: number;
  /** Milliseconds since 1970; undefined where the server does not tell. */
  readonly mtime: number | undefined;
}

/** A file that arrived under its temporary name. */
export interface Arrival {
  readonly temp: string;
  readonly final: string;
  /** Milliseconds since 1970: the time to give it; undefined leaves it as it is. */
  readonly mtime: number | undefined;
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
  /**
   * What is there under these names; undefined where nothing is, an error where that was not told of one name. Where
   * `times` is false the times need not be told.
   */
  stat(names: readonly string[], times?: boolean): Promise<(FileStat | Error | undefined)[]>;
  /** A file's bytes; it ends without an error only where the other side confirmed the whole file. */
  read(name: string, signal: AbortSignal): AsyncIterable<Buffer>;
  /** Writes a new file. Gives the bytes that were confirmed. */
  write(name: string, source: AsyncIterable<Buffer>, signal: AbortSignal): Promise<number>;
  /**
   * Gives files their final names, then their times; gives for each what is there then (without a time where that was
   * not set), undefined where it was published and is gone, or what went wrong.
   */
  publish(arrivals: readonly Arrival[]): Promise<(FileStat | Error | undefined)[]>;
  /** Removes files; gives for each what went wrong, if something did. A file that is not there is removed. */
  remove(names: readonly string[]): Promise<(Error | undefined)[]>;
  /** Makes a folder and those above it; no error where it is there. */
  makeFolder(folder: string): Promise<void>;
  /** True while the connection can be used. */
  readonly usable: boolean;
  close(): Promise<void>;
}
