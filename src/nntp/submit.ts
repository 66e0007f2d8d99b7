/** An article handed in as to all writers. */
import type { Source } from "../client/sink.js";
import type { ArticleInput } from "../message/compose.js";
import { articleOf, isDraft, type MailDraft } from "../message/writer.js";

/** A message as `post()` takes it. Throws UsageError for one that is not for news. */
export function toPost(message: MailDraft | Source): ArticleInput | Source {
  return isDraft(message) ? articleOf(message) : message;
}
