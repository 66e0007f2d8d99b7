/** Whole articles as an mbox, in the form that gives them back unchanged (mboxrd). */
import { UsageError } from "../../../client/errors.js";
import { encodeMbox } from "../../../message/mbox.js";
import type { ArticleRow } from "../sink.js";
import type { Bytes } from "./bytes.js";
import type { RowFormat } from "./file-sink.js";

/** One file for all groups: which ones an article was posted to stands in its Newsgroups. */
export class MboxFormat implements RowFormat<ArticleRow> {
  begin(): void {}

  put(bytes: Bytes, { content, date }: ArticleRow): void {
    bytes.raw(encode(content, date));
  }
}

/** An article is kept whatever its Date says: one of the year 12026 cannot stand in the line before it. */
function encode(content: Buffer, date: Date | undefined): Buffer {
  try {
    return encodeMbox(content, date && { date });
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return encodeMbox(content, { from: "MAILER-DAEMON", date: new Date(0) });
  }
}
