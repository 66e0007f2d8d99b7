/** `polywire/wire`: bytes ⇄ replies, without any I/O. */
export { type CodeDialect, CodeGrammar, FTP_REPLIES, NNTP_REPLIES, SMTP_REPLIES } from "./code-reply.js";
export { DOT_END, DotReader, DotWriter } from "./dot.js";
export type { BodyReader, Grammar } from "./reply.js";
export { type ReplyEvents, ReplyStream } from "./reply-stream.js";
export { StatusGrammar } from "./status-reply.js";
export { decodeText, encodeLine, encodeText } from "./text.js";
