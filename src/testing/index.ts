/** `polywire/testing`: servers for tests of clients. Exports only. */
export type { CommandFault, CommandFaults, ReplyFault } from "./command-faults.js";
export type { ConnectionFaults } from "./connection-faults.js";
export type { Faults } from "./ftp/faults.js";
export type { FtpFeatures, FtpLimits, FtpServerOptions } from "./ftp/options.js";
export { FtpTree, type GenerateOptions, type TreeStat, utf8Name } from "./ftp/tree.js";
export { FtpServer } from "./ftp-server.js";
export type { GeneratedMail } from "./generated-mail.js";
export type {
  CutFault as ImapCutFault,
  ExpungeFault as ImapExpungeFault,
  Faults as ImapFaults,
  LiteralFault as ImapLiteralFault,
} from "./imap/faults.js";
export { ImapMailbox } from "./imap/mailbox.js";
export type { ImapMailboxInput, ImapMessageState } from "./imap/mailbox-input.js";
export { ImapMailboxes, type ImapQuota } from "./imap/mailboxes.js";
export type { ImapGenerated, ImapMessageFields, ImapMessageInput, ImapMessages } from "./imap/message.js";
export type { ImapFeatures, ImapLimits, ImapServerOptions, ImapUser } from "./imap/options.js";
export { ImapServer } from "./imap-server.js";
export type { MemoryServer } from "./memory-server.js";
export type { ArticleFields, ArticleInput } from "./nntp/article.js";
export type {
  CutFault as NntpCutFault,
  Faults as NntpFaults,
  RowFaults as NntpRowFaults,
} from "./nntp/faults.js";
export { type GroupInput as NntpGroupInput, NntpGroup } from "./nntp/group.js";
export { NntpGroups } from "./nntp/groups.js";
export type { NntpFeatures, NntpLimits, NntpServerOptions } from "./nntp/options.js";
export type { GenerateOptions as NntpGenerateOptions } from "./nntp/plans.js";
export { NntpServer } from "./nntp-server.js";
export type { CutFault as Pop3CutFault, Faults as Pop3Faults } from "./pop3/faults.js";
export { Pop3Maildrop } from "./pop3/maildrop.js";
export type { Pop3Generated, Pop3Mailbox, Pop3MessageInput, Pop3Messages } from "./pop3/message.js";
export type { Pop3Features, Pop3Limits, Pop3ServerOptions, Pop3User } from "./pop3/options.js";
export { Pop3Server } from "./pop3-server.js";
export type { Account, ScramFault } from "./sasl/index.js";
export { ScriptMismatch } from "./scripted/play.js";
export { parseScript, ScriptError, type ScriptStep } from "./scripted/script.js";
export { ScriptedServer, type ScriptedServerOptions } from "./scripted-server.js";
export type { SaslServerOptions, ServerOptions } from "./server-options.js";
export type { DataCut as SmtpDataCut, Faults as SmtpFaults, RefuseFault as SmtpRefuseFault } from "./smtp/faults.js";
export type { Keep as SmtpKeep, SmtpMessage, SmtpRecipient } from "./smtp/message.js";
export type { ReplyByAddress, SmtpFeatures, SmtpLimits, SmtpServerOptions } from "./smtp/options.js";
export { SmtpServer } from "./smtp-server.js";
export { type CertifiedKey, testTls } from "./tls.js";
export type { ByteFaults } from "./wire.js";
