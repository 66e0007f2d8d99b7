/** What a coordinator and its workers say to each other: batches of files go out, reports of them come back. Types only. */
import type { ClaimedFile, DestBefore, SettledFile } from "../journal/journal.js";
import type { LaneTraits } from "../move/options.js";

/** A file in a batch. */
export interface BatchFile {
  readonly file: ClaimedFile;
  /** It may have been begun by somebody who died: what was left of it is looked at, nothing is sent. */
  readonly recover: boolean;
}

/** Files that one worker is to move, or to recover. */
export interface Batch {
  /** Unique over all runs of all jobs: letters, digits and hyphens. */
  readonly key: string;
  readonly files: readonly BatchFile[];
}

/** What a worker must know of a job besides the files. No secrets: what the two places are, the worker knows. */
export interface JobHeader {
  /** The journal's id: what results are sent by, and a part of temporary names. */
  readonly job: string;
  readonly traits: LaneTraits;
  /** Pairs of connections for a batch. */
  readonly lanes: number;
  /** Pairs of connections of a worker, over all its batches; undefined: as many as it may have. */
  readonly lanesEach: number | undefined;
  /** True where the connections of a batch are hung up with it: another worker may have the next one, and need them. */
  readonly hangUp: boolean;
  /** Bytes per second for a batch; undefined where there is no limit. */
  readonly bytesPerSecond: number | undefined;
  /** Milliseconds without a word after which a batch is given to somebody else. */
  readonly lease: number;
}

/** The claim that a word is about: one of an earlier claim is no longer true. */
export interface ClaimName {
  readonly id: number;
  readonly attempt: number;
}

/** What was found before the transfer of a file. */
export interface ProbedWord extends ClaimName {
  readonly destBefore: DestBefore;
  readonly fxp?: boolean | undefined;
  readonly size?: number | undefined;
  readonly mtime?: number | undefined;
}

/** How a file ended. */
export type SettledWord = ClaimName & SettledFile;

/** A file given back. Times are spans: clocks differ. */
export interface ReleasedWord extends ClaimName {
  /** Milliseconds before which it is not to be tried again. Default: 0. */
  readonly wait?: number | undefined;
  readonly code?: string | undefined;
  readonly error?: string | undefined;
  readonly counts?: boolean | undefined;
  readonly size?: number | undefined;
  readonly mtime?: number | undefined;
}

/** A file that is to have another target, and was not begun. */
export interface RetargetedWord extends ClaimName {
  readonly target: string;
}

/** What stopped a worker. */
export interface Stopped {
  readonly name: string;
  readonly message: string;
  readonly code?: string | undefined;
  /** True where no other worker would fare better: the disk is full. */
  readonly everywhere: boolean;
}

/** A part of what became of a batch: sent while it runs, once a second at least. */
export interface Piece {
  readonly batch: string;
  readonly worker: string;
  /** Bytes since the piece before; fewer than none where a transfer failed that was counted. */
  readonly bytes: number;
  /** Pairs of connections at work. */
  readonly lanes: number;
  /** Why the worker stands still for now. */
  readonly paused?: string | undefined;
  readonly probed: readonly ProbedWord[];
  readonly settled: readonly SettledWord[];
  readonly released: readonly ReleasedWord[];
  readonly retargeted: readonly RetargetedWord[];
  readonly warnings: readonly string[];
  /** The last one: what is not settled by now, nobody has in hand. */
  readonly ended: boolean;
  readonly stopped?: Stopped | undefined;
}

/** What a dispatcher tells. */
export type Report =
  | { readonly kind: "piece"; readonly piece: Piece }
  /** Nobody has the batch any more; some of it may have been begun. */
  | { readonly kind: "lost"; readonly batch: string; readonly why: string }
  /** The batch was taken back before anybody began it. */
  | { readonly kind: "returned"; readonly batch: string }
  /** There is room for more. */
  | { readonly kind: "room" };

/** A batch that an earlier coordinator of the job handed out. */
export interface Handed {
  readonly key: string;
  readonly files: readonly ClaimName[];
}

/** Hands batches to workers, wherever these are, and brings back what became of them. */
export interface Dispatcher {
  /** Before all else: the batches that workers of an earlier run of the job have, or will have. */
  recall(): Promise<readonly Handed[]>;
  /** Batches that it takes now. */
  readonly room: number;
  /** Workers there are. */
  readonly workers: number;
  /** Hands out a batch. */
  offer(batch: Batch): Promise<void>;
  /** All that comes back, in order, until `close` is through. What was taken of it is forgotten only with the next. */
  results(): AsyncIterable<Report>;
  /** Hands out nothing more, takes back what nobody began, and ends the workers that are its own. */
  close(): Promise<void>;
}
