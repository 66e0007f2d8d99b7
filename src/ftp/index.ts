/** `polywire/ftp`: the FTP client alone. */
export { FtpClient } from "./client.js";
export type { CopyOptions, FileEvent, TreeEntry, TreeOptions, TreeResult } from "./copy.js";
export type { DownloadOptions } from "./download.js";
export type { DatePrecision, EntryType, FtpEntry } from "./entry.js";
export type { FxpDone, FxpOptions } from "./fxp.js";
export { FxpError, FxpPair } from "./fxp-pair.js";
export type { FxpRole } from "./fxp-way.js";
export type { Digest, HashAlgorithm } from "./hash.js";
export { type ListingOptions, type ListingParser, NameParser } from "./listing-parser.js";
export { decodeName, displayName, encodeName, isPlainName } from "./name.js";
export type { FtpOptions, ListingCall, PackOptions, ReadOptions, RetrOptions, StorOptions } from "./options.js";
export { type ListOptions, ListParser } from "./parse-list.js";
export { MlsdParser, parseMlsdLine } from "./parse-mlsd.js";
export type { RemoveTreeOptions } from "./remove-tree.js";
export type { ReceiveOptions, SendOptions } from "./store.js";
export type { Transferred } from "./transfer.js";
export type { UploadOptions } from "./upload.js";
