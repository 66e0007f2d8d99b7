/** polywire: connect, login, request, quit. Exports only. */
export { Client, STEPS, type Step } from "./client/client.js";
export { env, firstOf, netrc, secret } from "./client/credentials.js";
export {
  AbortedError,
  ConnectionError,
  LoginError,
  type Phase,
  PolywireError,
  type Protocol,
  ProtocolError,
  ReplyError,
  SinkError,
  TimeoutError,
  TlsError,
  UsageError,
} from "./client/errors.js";
export type { ClientOptions, Limits, Timeouts, TlsOptions } from "./client/options.js";
export { type BorrowOptions, Pool, type PoolOptions } from "./client/pool.js";
export { Rows } from "./client/rows.js";
export type {
  CallOptions,
  Credentials,
  CredentialsSource,
  CredentialsTarget,
  Reply,
  RequestOptions,
  Security,
  State,
} from "./client/session.js";
export type { Sink, Source } from "./client/sink.js";
export { Transcript, type TranscriptLine, type TranscriptOptions } from "./client/transcript.js";
export { type ParsedUrl, parseUrl, redactUrl } from "./client/url.js";
export * from "./ftp/index.js";
export * from "./imap/index.js";
export * from "./nntp/index.js";
export {
  type Clients,
  type ClientsOptions,
  clientFor,
  type FtpUrl,
  type ImapUrl,
  type NntpUrl,
  type OpenOptions,
  open,
  type Pop3Url,
  type SmtpUrl,
} from "./open.js";
export * from "./pop3/index.js";
export * from "./smtp/index.js";
