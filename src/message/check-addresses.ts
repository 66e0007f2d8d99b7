/** Whether all that was written as addresses is read as such: what is not would be left out, and nobody told. Pure. */
import addressparser from "nodemailer/lib/addressparser";
import { UsageError } from "../client/errors.js";

/** What needs the whole grammar to be read: names, quotes, comments. */
const MORE_THAN_ADDRESSES = /[<>"()]/;
const ADDRESS = /^\S+@\S+$/;

/**
 * Checks what a field of addresses holds: a text, `{ name, address }`, or a list of both, as nodemailer takes them. An empty
 * group (`undisclosed-recipients:;`) is in order.
 *
 * @throws UsageError for what is no address: a word without `@`, two addresses without a comma.
 */
export function checkAddresses(given: unknown, field: string): void {
  for (const each of [given].flat(Number.POSITIVE_INFINITY)) {
    if (typeof each === "string") checkText(each, field);
    else if (typeof each === "object" && each !== null) checkAddress((each as { address?: unknown }).address, field);
  }
}

function checkText(text: string, field: string): void {
  if (MORE_THAN_ADDRESSES.test(text)) {
    for (const { name, address } of addressparser(text, { flatten: true })) checkAddress(address || name, field);
    return;
  }
  for (const part of text.split(/[,;]/)) {
    // A group has its name in front of its first address.
    const bare = part.replace(/^[^:@]*:/, "").trim();
    if (bare !== "" && !ADDRESS.test(bare)) refuse(bare, field);
  }
}

function checkAddress(address: unknown, field: string): void {
  if (typeof address !== "string" || !address.includes("@")) refuse(address, field);
}

function refuse(found: unknown, field: string): never {
  throw new UsageError(`${field} has ${JSON.stringify(found)}, which is no address`, {
    advice: "it is user@host or Name <user@host>, with commas in between; envelope says whom it goes to in any case",
  });
}
