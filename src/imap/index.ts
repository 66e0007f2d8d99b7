/** `polywire/imap`: the IMAP client alone. */
export type { Attachment, Message } from "../message/message.js";
export type { ParseOptions } from "../message/parse.js";
export type { FetchedMessage, MessageReader, PassedMessage, SummaryOptions } from "../message/reader.js";
export type { MessageSpan } from "../message/span.js";
export type { MessageSummary } from "../message/summary.js";
export type { MailDraft, MessageWriter, Submitted } from "../message/writer.js";
export type { Appended, AppendedOne, AppendOptions, NewMessage as ImapNewMessage } from "./append.js";
export type { SearchOptions as ImapSearchOptions, SearchReturn } from "./ask-search.js";
export type { Copied, StoreAction, Stored, StoreOptions } from "./change.js";
export type { ChangesOptions, MailboxChanges } from "./changes.js";
export { ImapClient } from "./client.js";
export type { Cursor as ImapCursor, Literal as ImapLiteral, Value as ImapValue } from "./cursor.js";
export type { FetchItem, FetchOptions, MessageOptions as ImapMessageOptions } from "./fetch.js";
export { FetchData } from "./fetch-data.js";
export type { IdleOptions } from "./idle.js";
export type {
  ListedMailbox,
  ListOptions as ImapListOptions,
  MailboxStatus,
  Namespace,
  Namespaces,
  StatusItem,
} from "./list.js";
export { Mailbox, type MailboxEvent } from "./mailbox.js";
export type { KnownState, MailboxState } from "./mailbox-state.js";
export type { MetadataOptions } from "./metadata.js";
export type { NotifyEvent, NotifyEventName, NotifyGroup, NotifyMailboxes } from "./notify.js";
export type { NotifyOptions } from "./notify-watch.js";
export type { ImapOptions } from "./options.js";
export type { BodyPart, Disposition as BodyDisposition } from "./parse-body-structure.js";
export type { ResponseCode } from "./parse-code.js";
export type { Envelope as ImapEnvelope, RawAddress } from "./parse-envelope.js";
export type { SearchCounts } from "./parse-search.js";
export type { PartialRange } from "./partial.js";
export type { Quota, QuotaResource } from "./quota.js";
export type { ImapReply } from "./reply.js";
export { Response as ImapResponse, type Status as ImapStatus } from "./response.js";
export type { RetrievedMessage as ImapRetrievedMessage, StoredMessage as ImapStoredMessage } from "./retrieve.js";
export type { AccessList, GrantableRights } from "./rights.js";
export type { SearchQuery } from "./search.js";
export type { ComingSection, SectionSink } from "./sections.js";
export type { KnownMailbox, SelectOptions } from "./select.js";
export { type MessageRange, type MessageSet, SequenceSet } from "./sequence-set.js";
export type { SortKey, Thread, ThreadAlgorithm } from "./sort.js";
export type { AppendSubmitOptions, AppendSubmitted } from "./submit.js";
