/** `polywire/ftp`: the FTP client alone. */
export { FtpClient, type ListingCall, type RetrOptions, type StorOptions } from "./client.js";
export type { DatePrecision, EntryType, FtpEntry } from "./entry.js";
export type { Digest, HashAlgorithm } from "./hash.js";
export { type ListingOptions, type ListingParser, NameParser } from "./listing-parser.js";
export { decodeName, displayName, encodeName, isPlainName } from "./name.js";
export type { FtpOptions } from "./options.js";
export { type ListOptions, ListParser } from "./parse-list.js";
export { MlsdParser, parseMlsdLine } from "./parse-mlsd.js";
export type { ReceiveOptions, SendOptions } from "./store.js";
export type { Transferred } from "./transfer.js";
