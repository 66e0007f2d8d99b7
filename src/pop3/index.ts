/** `polywire/pop3`: the POP3 client alone. */
export type { Attachment, Message } from "../message/message.js";
export type { ParseOptions } from "../message/parse.js";
export type { FetchedMessage, MessageReader, PassedMessage, SummaryOptions } from "../message/reader.js";
export type { MessageSpan } from "../message/span.js";
export type { MessageSummary } from "../message/summary.js";
export { Pop3Client } from "./client.js";
export type { AnnouncedMessage, FetchNewOptions, NewMessage, SeenUids, StoredNewMessage } from "./fetch-new.js";
export type { RetrievedMessage, StoredMessage } from "./message.js";
export type { MessageOptions, Pop3Options } from "./options.js";
export type { Language, Maildrop, MessageSize, MessageUid } from "./parse-reply.js";
