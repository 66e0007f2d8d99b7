/** `polywire/testing`: servers for tests of clients. Exports only. */
export type { CommandFault, Faults, ReplyFault } from "./ftp/faults.js";
export type { FtpFeatures, FtpLimits, FtpServerOptions } from "./ftp/options.js";
export { FtpTree, type GenerateOptions, type TreeStat, utf8Name } from "./ftp/tree.js";
export { FtpServer } from "./ftp-server.js";
export { ScriptMismatch } from "./scripted/play.js";
export { parseScript, ScriptError, type ScriptStep } from "./scripted/script.js";
export { ScriptedServer, type ScriptedServerOptions } from "./scripted-server.js";
export { type CertifiedKey, testTls } from "./tls.js";
