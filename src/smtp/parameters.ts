/** MAIL and RCPT with their parameters, each checked against what the server announces. No I/O. */
import { UsageError } from "../client/errors.js";
import type { MailParameters, RcptParameters } from "./options.js";
import { isAscii, type Path } from "./path.js";

/** What a server announced: word → arguments. */
export type Extensions = ReadonlyMap<string, readonly string[]>;

/** MAIL, as it is sent. Throws UsageError where the server lacks what a parameter needs. */
export function mailCommand(from: Path, given: MailParameters, extensions: Extensions): string {
  const utf8 = given.smtputf8 === true || from.utf8;
  const words = [`MAIL FROM:<${from.mailbox}>`];
  const add = (word: string | undefined) => word !== undefined && words.push(word);
  add(sizeWord(given, extensions));
  add(bodyWord(given, extensions));
  if (utf8) add(needing(extensions, "SMTPUTF8", "SMTPUTF8", from.utf8 ? `the address ${from.address}` : "smtputf8"));
  if (given.auth !== undefined) add(authWord(given.auth, extensions));
  if (given.ret !== undefined)
    add(needing(extensions, "DSN", `RET=${oneOf("ret", given.ret, ["full", "hdrs"])}`, "ret"));
  if (given.envid !== undefined) add(needing(extensions, "DSN", `ENVID=${envelopeId(given.envid)}`, "envid"));
  if (given.requireTls === true) add(needing(extensions, "REQUIRETLS", "REQUIRETLS", "requireTls"));
  if (given.deliverBy !== undefined) add(deliverByWord(given.deliverBy, extensions));
  if (given.priority !== undefined) add(priorityWord(given.priority, extensions));
  if (given.hold !== undefined) add(holdWord(given.hold, extensions));
  return words.join(" ");
}

/** RFC 8689 §4.2.1: such a message leaves over TLS only, to a server whose certificate was checked. Throws UsageError. */
export function checkRequireTls({ requireTls }: MailParameters, verified: boolean): void {
  if (requireTls !== true || verified) return;
  throw new UsageError("requireTls needs a connection with TLS, and a certificate that was checked", {
    protocol: "smtp",
  });
}

/** RCPT, as it is sent. Throws UsageError where the server lacks what a parameter needs. */
export function rcptCommand(to: Path, given: RcptParameters, extensions: Extensions): string {
  const words = [`RCPT TO:<${to.mailbox}>`];
  if (to.utf8) needing(extensions, "SMTPUTF8", "", `the address ${to.address}`);
  if (given.notify !== undefined)
    words.push(needing(extensions, "DSN", `NOTIFY=${notifyValue(given.notify)}`, "notify"));
  if (given.orcpt !== undefined) words.push(needing(extensions, "DSN", `ORCPT=${orcptValue(given.orcpt)}`, "orcpt"));
  return words.join(" ");
}

/** RFC 3461 §4: whatever is not printable ASCII, and "+" and "=", becomes +XX. UTF-8 is taken byte by byte. */
export function xtext(text: string): string {
  return [...Buffer.from(text, "utf8")]
    .map((byte) =>
      byte > 0x20 && byte < 0x7f && byte !== 0x2b && byte !== 0x3d
        ? String.fromCharCode(byte)
        : `+${byte.toString(16).toUpperCase().padStart(2, "0")}`,
    )
    .join("");
}

function needing(extensions: Extensions, extension: string, word: string, option: string): string {
  if (extensions.has(extension)) return word;
  throw new UsageError(`the server does not announce ${extension}, which ${option} needs`, { protocol: "smtp" });
}

function wrong(option: string, value: unknown, wanted: string): never {
  throw new UsageError(`${option} is ${wanted}, not ${JSON.stringify(value)}`, { protocol: "smtp" });
}

function oneOf(option: string, value: string, values: readonly string[]): string {
  return values.includes(value) ? value.toUpperCase() : wrong(option, value, values.join(" or "));
}

function isWhole(value: unknown, least: number, most: number): boolean {
  return Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most;
}

/** The size is a help, and left out where the server would not know what it is. One that is too large is refused here. */
function sizeWord({ size }: MailParameters, extensions: Extensions): string | undefined {
  if (size === undefined) return undefined;
  if (!isWhole(size, 0, Number.MAX_SAFE_INTEGER)) wrong("size", size, "a number of octets");
  if (!extensions.has("SIZE")) return undefined;
  const most = largestMessage(extensions);
  if (size <= most) return `SIZE=${size}`;
  throw new UsageError(`a message of ${size} octets: the server takes ${most} at most (SIZE)`, { protocol: "smtp" });
}

/** Octets of the largest message that the server takes; 0 and nothing mean that it does not say (RFC 1870 §4). */
export function largestMessage(extensions: Extensions): number {
  const most = Number(/^\d+$/.exec(extensions.get("SIZE")?.[0] ?? "")?.[0] ?? 0);
  return most === 0 ? Number.POSITIVE_INFINITY : most;
}

function bodyWord({ body }: MailParameters, extensions: Extensions): string | undefined {
  if (body === undefined) return undefined;
  const word = `BODY=${oneOf("body", body, ["7bit", "8bitmime", "binarymime"])}`;
  if (body === "7bit") return extensions.has("8BITMIME") ? word : undefined;
  const extension = body === "binarymime" ? "BINARYMIME" : "8BITMIME";
  if (body === "binarymime") needing(extensions, "CHUNKING", "", "body binarymime");
  return needing(extensions, extension, word, `body ${body}`);
}

function authWord(auth: string, extensions: Extensions): string {
  if (/[\r\n\0]/.test(auth)) wrong("auth", auth, "an address");
  return needing(extensions, "AUTH", `AUTH=${auth === "" ? "<>" : xtext(auth)}`, "auth");
}

function envelopeId(envid: string): string {
  if (!/^[\x20-\x7e]{1,100}$/.test(envid)) wrong("envid", envid, "1 to 100 characters of printable ASCII");
  return xtext(envid);
}

function deliverByWord(given: NonNullable<MailParameters["deliverBy"]>, extensions: Extensions): string {
  const { seconds, mode, trace } = given;
  if (!isWhole(seconds, mode === "return" ? 1 : -999_999_999, 999_999_999)) {
    wrong("deliverBy.seconds", seconds, "a whole number of at most 9 digits, more than 0 where mode is return");
  }
  const letter = oneOf("deliverBy.mode", mode, ["return", "notify"])[0];
  const word = needing(extensions, "DELIVERBY", `BY=${seconds};${letter}${trace ? "T" : ""}`, "deliverBy");
  // RFC 2852 §4: the least number of seconds that the server can promise to keep.
  const least = Number(/^\d+$/.exec(extensions.get("DELIVERBY")?.[0] ?? "")?.[0] ?? 0);
  if (mode === "return" && seconds < least) wrong("deliverBy.seconds", seconds, `at least ${least} with this server`);
  return word;
}

function priorityWord(priority: number, extensions: Extensions): string {
  if (!isWhole(priority, -9, 9)) wrong("priority", priority, "a whole number from -9 to 9");
  return needing(extensions, "MT-PRIORITY", `MT-PRIORITY=${priority}`, "priority");
}

function holdWord(hold: number | Date, extensions: Extensions): string {
  // RFC 4865 §4: the longest wait in seconds, and the latest moment.
  const [longest, latest] = extensions.get("FUTURERELEASE") ?? [];
  needing(extensions, "FUTURERELEASE", "", "hold");
  if (hold instanceof Date) {
    if (Number.isNaN(hold.getTime())) wrong("hold", hold, "a number of seconds, or a Date");
    if (latest !== undefined && hold.getTime() > Date.parse(latest)) wrong("hold", hold, `not later than ${latest}`);
    return `HOLDUNTIL=${hold.toISOString().replace(/\.\d+Z$/, "Z")}`;
  }
  if (!isWhole(hold, 1, 999_999_999)) wrong("hold", hold, "a number of seconds, or a Date");
  if (/^\d+$/.test(longest ?? "") && hold > Number(longest)) wrong("hold", hold, `${longest} seconds at most`);
  return `HOLDFOR=${hold}`;
}

function notifyValue(notify: NonNullable<RcptParameters["notify"]>): string {
  if (typeof notify === "string") return oneOf("notify", notify, ["never"]);
  if (!Array.isArray(notify) || notify.length === 0)
    wrong("notify", notify, "never, or a list of success, failure, delay");
  return [...new Set(notify as readonly string[])]
    .map((each) => oneOf("notify", each, ["success", "failure", "delay"]))
    .join(",");
}

/** RFC 3461 §4.2, and RFC 6533 §3 for addresses that are not ASCII. */
function orcptValue(orcpt: string): string {
  if (typeof orcpt !== "string" || orcpt === "" || /[\r\n\0]/.test(orcpt)) wrong("orcpt", orcpt, "an address");
  const [, type = isAscii(orcpt) ? "rfc822" : "utf-8", address = ""] = /^(?:([a-z0-9-]+);)?(.+)$/is.exec(orcpt) ?? [];
  return `${type};${type.toLowerCase() === "utf-8" ? utf8Address(address) : xtext(address)}`;
}

/** utf-8-addr-xtext (RFC 6533 §3), which every server can take: what is not plain becomes \x{HEX}. */
function utf8Address(address: string): string {
  return [...address]
    .map((character) =>
      /[!-~]/.test(character) && !/[+=\\]/.test(character)
        ? character
        : `\\x{${(character.codePointAt(0) as number).toString(16).toUpperCase()}}`,
    )
    .join("");
}
