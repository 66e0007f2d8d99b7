/** `polywire/message`: mail and news messages, from bytes to values and back. No connection is needed. */
export { type Address, parseAddresses } from "./address.js";
export { checkAddresses } from "./check-addresses.js";
export {
  type AddressInput,
  type ArticleDefaults,
  type ArticleInput,
  type AttachmentInput,
  completeArticle,
  composeArticle,
} from "./compose.js";
export { type ComposedMail, type ComposeMailOptions, composeMail } from "./compose-mail.js";
export { formatDate, parseDate } from "./date.js";
export { type HeaderField, Headers, type HeadersOptions, parseHeaders } from "./headers.js";
export { type DeliverOptions, Maildir, type MaildirMessage, type MaildirOptions } from "./maildir.js";
export { type MaildirName, parseMaildirName } from "./maildir-name.js";
export { encodeMbox, type MboxOptions } from "./mbox.js";
export { mboxPieces } from "./mbox-pieces.js";
export { type MboxMessage, type MboxReadOptions, readMbox } from "./mbox-read.js";
export type { Attachment, AttachmentInfo, Message } from "./message.js";
export { extensionOf, mimeTypeOf } from "./mime-types.js";
export { formatNzb, type Nzb, type NzbFile, type NzbOptions, type NzbSegment, parseNzb } from "./nzb.js";
export { type ParameterField, parseParameters } from "./parameters.js";
export { type ParseOptions, parseMessage, type StreamOptions } from "./parse.js";
export { isResent, recipientsOf, senderOf } from "./participants.js";
export type { FetchedMessage, MessageReader, PassedMessage, SummaryOptions } from "./reader.js";
export type { MessageSpan } from "./span.js";
export { MessageSummary } from "./summary.js";
export { decodeBytes, decodeWords } from "./words.js";
export type { MailDraft, MessageWriter, Submitted } from "./writer.js";
export {
  decodeYenc,
  encodeYenc,
  joinYenc,
  type YencCrc,
  YencDecoder,
  type YencEnd,
  type YencEvent,
  type YencFile,
  type YencHead,
  type YencInput,
  type YencJoinOptions,
  type YencOptions,
  type YencPart,
  yencParts,
} from "./yenc.js";
