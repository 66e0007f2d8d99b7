/** Access control lists (RFC 4314): who may do what with a mailbox. No I/O. */
import { UsageError } from "../client/errors.js";
import { decodeText } from "../wire/text.js";
import { astring, type Piece } from "./command.js";
import type { Cursor } from "./cursor.js";
import { decodeMailbox } from "./mailbox-name.js";
import type { Response } from "./response.js";

/** Who may do what: one letter for each right, `lrswipkxtea` (RFC 4314 §2.1). */
export interface AccessList {
  readonly mailbox: string;
  /** Identifier → rights; `anyone`, and `-user` for rights that are taken away, among them. */
  readonly rights: ReadonlyMap<string, string>;
}

/** What can be granted to somebody. */
export interface GrantableRights {
  readonly mailbox: string;
  readonly identifier: string;
  /** What is always granted. */
  readonly required: string;
  /** What can be granted: letters that stand together are granted together. */
  readonly optional: readonly string[];
}

/** Rights as SETACL has them: `lrs`, `+w`, `-t`; "" takes away all. Throws UsageError for what is none. */
export function rightsArgument(rights: string): string {
  if (typeof rights === "string" && /^[+-]?[a-z0-9]*$/.test(rights)) return `"${rights}"`;
  throw new UsageError(`${JSON.stringify(rights)} are no rights`, {
    advice: "a letter for each, as in lrswipkxtea, with + or - in front to add or to take away",
    protocol: "imap",
  });
}

/** Somebody's identifier as an argument. Throws UsageError for none, and for NUL. */
export function identifierArgument(identifier: string): Piece {
  if (typeof identifier === "string" && identifier !== "") return astring(identifier);
  throw new UsageError(`${JSON.stringify(identifier)} names nobody`, { protocol: "imap" });
}

/** Reads an ACL response. Throws ProtocolError. */
export function parseAccessList(response: Response, utf8: boolean): AccessList {
  const cursor = response.cursor();
  const mailbox = decodeMailbox(cursor.astring(), utf8);
  const rights = new Map<string, string>();
  while (!cursor.done) rights.set(text(cursor), cursor.astring());
  return { mailbox, rights };
}

/** Reads a LISTRIGHTS response. Throws ProtocolError. */
export function parseGrantable(response: Response, utf8: boolean): GrantableRights {
  const cursor = response.cursor();
  const mailbox = decodeMailbox(cursor.astring(), utf8);
  const identifier = text(cursor);
  const required = cursor.astring();
  const optional: string[] = [];
  while (!cursor.done) optional.push(cursor.astring());
  return { mailbox, identifier, required, optional };
}

/** Reads a MYRIGHTS response. Throws ProtocolError. */
export function parseMyRights(response: Response, utf8: boolean): { mailbox: string; rights: string } {
  const cursor = response.cursor();
  return { mailbox: decodeMailbox(cursor.astring(), utf8), rights: cursor.astring() };
}

function text(cursor: Cursor): string {
  return decodeText(Buffer.from(cursor.astring(), "latin1"));
}
