/** Whether messages still fit into what a user may keep (RFC 9208). */
import type { ImapMailboxes } from "./mailboxes.js";
import { no } from "./reply.js";

/** Refuses messages of these sizes where they would be too much. */
export function demandRoom({ quota, usage }: ImapMailboxes, sizes: readonly number[]): void {
  const { storage = Number.POSITIVE_INFINITY, messages = Number.POSITIVE_INFINITY } = quota;
  if (storage === Number.POSITIVE_INFINITY && messages === Number.POSITIVE_INFINITY) return;
  const bytes = sizes.reduce((sum, size) => sum + size, usage.bytes);
  if (bytes > storage * 1024 || usage.messages + sizes.length > messages) no("That is over your quota", "OVERQUOTA");
}
