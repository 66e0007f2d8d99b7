/** Signatures of messages (DKIM, RFC 6376), by nodemailer's signer, which is loaded at the first one. */
import { createPrivateKey } from "node:crypto";
import type { Readable } from "node:stream";
import type { DKIMKey, DKIMOptions } from "nodemailer/lib/dkim";
import { UsageError } from "../client/errors.js";
import { failWith, keepErrors } from "./streams.js";

/** Throws UsageError for a key that cannot sign: the signer would leave its signature out without a word. */
export function checkDkim(options: DKIMOptions | undefined): DKIMOptions | undefined {
  if (options === undefined) return undefined;
  const keys: DKIMKey[] = [options.keys ?? options].flat();
  for (const { domainName, keySelector, privateKey } of keys) {
    if (!domainName || !keySelector || !privateKey) refuse("needs domainName, keySelector and privateKey");
    try {
      createPrivateKey(privateKey as Parameters<typeof createPrivateKey>[0]);
    } catch (cause) {
      refuse(`has a privateKey that cannot be used (${keySelector}._domainkey.${domainName})`, cause);
    }
  }
  if (keys.length === 0) refuse("has no keys");
  return options;
}

/** The message with its signature in front. */
export async function signed(raw: Buffer | Readable, options: DKIMOptions): Promise<Readable> {
  if (!Buffer.isBuffer(raw)) keepErrors([raw]);
  const { default: DKIM } = await import("nodemailer/lib/dkim");
  const out = new DKIM(options).sign(raw);
  // The signer does not listen to what it reads.
  if (!Buffer.isBuffer(raw)) failWith(out, raw);
  return out;
}

function refuse(why: string, cause?: unknown): never {
  throw new UsageError(`dkim ${why}`, { protocol: "smtp", ...(cause === undefined ? {} : { cause }) });
}
