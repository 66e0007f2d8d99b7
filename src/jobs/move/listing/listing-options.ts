/** The options of a move that say which files are found: where they are looked for, and when they may be taken. */
import { UsageError } from "../../../client/errors.js";
import { wholeNumber } from "../../../client/options.js";
import { compileDoneFile, type DoneFile, type DoneFileOption } from "./done-file.js";

/** Which files a move finds. */
export interface ListingOptions {
  /**
   * Also the files in folders of the source, and of those, whatever their depth. Links are not followed. Default: false:
   * folders are passed over.
   */
  recursive?: boolean | undefined;
  /**
   * `match` is about the path relative to the source folder, not about its last part. Default: where it is a template or
   * a glob that holds a `/`.
   */
  matchPath?: boolean | undefined;
  /**
   * With `recursive`: at the end, folders in the source that are empty are removed. Source folders themselves stay.
   * Default: false.
   */
  removeEmptyFolders?: boolean | undefined;
  /**
   * Milliseconds for which a file must not have changed, in size and time, before it is planned: others may still be
   * written. It is seen twice, that far apart, as the clocks of servers differ; looks of earlier runs of the journal
   * count. Only what is a day older than that is taken at once. The job waits once, for the files of its first listing;
   * those that are not quiet at its end are told as `waiting`, and left to the next run. Default: 0.
   */
  stableFor?: number | undefined;
  /**
   * The name of a file that says of another one that it is whole: `{name}.done`, `{stem}.ok`. A file is planned only when
   * its done file is there, in the same folder. When it is safe, the done file is removed (with `source: "keep"`: kept);
   * `{ name, after: "move" }` moves it after its file, beside it, `after: "keep"` leaves it. What has the name of a done
   * file is never taken for data.
   */
  doneFile?: DoneFileOption | undefined;
}

/** The same, with every default filled in. */
export interface ResolvedListing {
  readonly recursive: boolean;
  readonly matchPath: boolean | undefined;
  readonly removeEmptyFolders: boolean;
  readonly stableFor: number;
  readonly doneFile: DoneFile | undefined;
}

/** Milliseconds: a job that waits for longer is one for cron. */
const LONGEST = 7 * 86_400_000;

/** Fills in the defaults. Throws UsageError for what cannot work. */
export function resolveListing(options: ListingOptions, removes: boolean): ResolvedListing {
  const { recursive = false, matchPath, removeEmptyFolders = false, stableFor = 0, doneFile } = options;
  if (removeEmptyFolders && !recursive) throw new UsageError("removeEmptyFolders goes with recursive");
  if (removeEmptyFolders && !removes) throw new UsageError("removeEmptyFolders does not go with a source that is kept");
  const done = doneFile === undefined ? undefined : compileDoneFile(doneFile, removes ? "remove" : "keep");
  if (done?.after === "remove" && !removes)
    throw new UsageError("the done files of a source that is kept are not removed: set doneFile.after to keep or move");
  return {
    recursive,
    matchPath,
    removeEmptyFolders,
    stableFor: wholeNumber("stableFor", stableFor, 0, LONGEST),
    doneFile: done,
  };
}

/** What of it makes the job what it is. Only what is set: journals of jobs without it stay good. */
export function listingSettings({ recursive, matchPath, doneFile }: ResolvedListing): Record<string, string> {
  return {
    ...(recursive && { recursive: "true" }),
    ...(matchPath !== undefined && { matchPath: String(matchPath) }),
    ...(doneFile && { doneFile: `${doneFile.source}, ${doneFile.after}` }),
  };
}
