/** From what a caller names to a store: a Maildir, an mbox, a folder of files, or a function. */
import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { UsageError } from "../../../client/errors.js";
import { Maildir } from "../../../message/maildir.js";
import type { OutputOptions } from "../../headers/sink.js";
import { EmlStore } from "./eml-store.js";
import { type FetchedMail, FunctionStore } from "./function-store.js";
import { MaildirStore } from "./maildir-store.js";
import { MboxStore } from "./mbox-store.js";
import type { MailStore } from "./store.js";

/** What holds the messages: a Maildir, one file (mboxrd), or a folder with a file for each. */
export type MailFormat = "maildir" | "mbox" | "eml";

/** Where mail may go: a path, or a function called with one message after the other. */
export type MailTarget = string | ((mail: FetchedMail) => void | Promise<void>);

/**
 * What a path stands for: `.mbox` (or `.mbox.gz`) an mbox; a folder with cur, new and tmp, or one whose name is Maildir,
 * a Maildir; any other folder, there or written with a slash, a folder of .eml files.
 *
 * @throws UsageError where that cannot be told.
 */
export async function mailFormatOf(path: string): Promise<MailFormat> {
  if (/\.mbox(\.gz)?$/i.test(path)) return "mbox";
  if ((await Maildir.is(path)) || /^\.?maildir$/i.test(basename(path))) return "maildir";
  const there = await stat(path).catch(() => undefined);
  if (there ? there.isDirectory() : /[/\\]$/.test(path)) return "eml";
  throw new UsageError(`${path} may be a Maildir, an mbox or a folder of .eml files`, {
    advice: 'name it so that it can be told (Maildir, x.mbox, x/), or say format: "maildir", "mbox" or "eml"',
  });
}

/** Opens a store. `position` and `existing` count for an mbox. */
export async function openMailStore(
  to: MailTarget,
  format: MailFormat | undefined,
  options: OutputOptions,
): Promise<MailStore> {
  if (typeof to === "function") return new FunctionStore(to);
  const kind = format ?? (await mailFormatOf(to));
  if (kind === "mbox") return MboxStore.open(to, options);
  return kind === "maildir" ? MaildirStore.open(to, options) : EmlStore.open(to, options);
}
