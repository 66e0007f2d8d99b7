/** `polywire/nntp`: the NNTP client alone. */
export type { ArticleInput } from "../message/compose.js";
export type { Attachment, Message } from "../message/message.js";
export type { ParseOptions } from "../message/parse.js";
export type { FetchedMessage, MessageReader, PassedMessage, SummaryOptions } from "../message/reader.js";
export type { MessageSpan } from "../message/span.js";
export type { MessageSummary } from "../message/summary.js";
export type { MailDraft, MessageWriter, Submitted } from "../message/writer.js";
export type { Article, StoredArticle } from "./article.js";
export { NntpClient } from "./client.js";
export type { ArticleId, ArticleOptions, ArticleRange, Compression, NntpOptions } from "./options.js";
export { Overview, type OverviewFormat } from "./overview.js";
export type {
  ActiveGroup,
  CountedGroup,
  DistributionDescription,
  DistributionPattern,
  GroupDescription,
  GroupTime,
  HeaderField,
  ListKeyword,
  Lists,
  ModeratorAddress,
} from "./parse-list.js";
export { OverParser } from "./parse-over.js";
export type { ArticleName, NewsGroup } from "./parse-reply.js";
export type { Posted, Wanted } from "./post.js";
