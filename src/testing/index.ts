/** `polywire/testing`: servers for tests of clients. Exports only. */
export type { CommandFault, ReplyFault } from "./command-faults.js";
export type { Faults } from "./ftp/faults.js";
export type { FtpFeatures, FtpLimits, FtpServerOptions } from "./ftp/options.js";
export { FtpTree, type GenerateOptions, type TreeStat, utf8Name } from "./ftp/tree.js";
export { FtpServer } from "./ftp-server.js";
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
export { ScriptMismatch } from "./scripted/play.js";
export { parseScript, ScriptError, type ScriptStep } from "./scripted/script.js";
export { ScriptedServer, type ScriptedServerOptions } from "./scripted-server.js";
export { type CertifiedKey, testTls } from "./tls.js";
