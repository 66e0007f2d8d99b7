/** An article as a person reads it, and as JSON has it. Pure. */
import { displayName } from "../../index.js";
import type { Address, Message, YencPart } from "../../message/index.js";
import { size, time } from "../format.js";

/** Which parts of an article are shown. */
export interface Shown {
  /** `short`: what a reader wants to know. */
  readonly head: "short" | "all" | "none";
  readonly body: boolean;
}

/** An article with what was found in it. */
export interface ReadArticle {
  /** 0 where it was asked for by its message-id. */
  readonly number: number;
  readonly message: Message;
  readonly yenc: readonly YencPart[];
}

/** The article as text. A header's value stays on its line, whatever it holds. */
export function articleText({ message, yenc }: ReadArticle, shown: Shown): string {
  const blocks: string[][] = [];
  if (shown.head === "short") blocks.push(shortHead(message));
  if (shown.head === "all") blocks.push(fieldLines(message));
  if (shown.body) {
    blocks.push(bodyText(message).split("\n"));
    blocks.push([
      ...message.attachments.map(({ filename, contentType, size: bytes }) => attached(filename, contentType, bytes)),
      ...yenc.map((part) => attached(part.name, partOf(part), part.data.length)),
    ]);
  }
  const filled = blocks.map((lines) => lines.join("\n")).filter((text) => text !== "");
  return filled.join("\n\n");
}

function shortHead(message: Message): string[] {
  const { headers, from, newsgroups, subject, date, messageId } = message;
  const rows: [string, string | undefined][] = [
    ["From", from.map(mailbox).join(", ") || headers.get("from")],
    ["Newsgroups", newsgroups.join(", ")],
    ["Followup-To", headers.get("followup-to")],
    ["Subject", subject ?? ""],
    ["Date", date === undefined ? headers.get("date") : `${time(date)} UTC`],
    ["Message-ID", messageId],
  ];
  return rows.flatMap(([name, value]) => (value === undefined ? [] : [`${`${name}:`.padEnd(12)} ${oneLine(value)}`]));
}

function fieldLines({ headers }: Message): string[] {
  return [...headers].map(({ name, value }) => `${name}: ${oneLine(value)}`);
}

function mailbox({ name, address }: Address): string {
  if (name === "" || address === "") return name || address;
  return `${name} <${address}>`;
}

/** Folding may have left tabs in it; any other control character is made visible. */
function oneLine(value: string): string {
  return displayName(value.replace(/\t/g, " "));
}

/** From `=ybegin` to `=yend`, or to the end. */
const YENC = /^=ybegin .*\n[\s\S]*?(?:^=yend.*$|$(?![\s\S]))/gm;

/** The text without the yEnc in it, which is no text. */
function bodyText({ text = "" }: Message): string {
  const words = text.replace(/\r\n?/g, "\n").replace(YENC, "");
  return words.replace(/^\n+|\s+$/g, "").replace(/^.*\t.*$/gm, expandTabs);
}

/** A tab leads to the next column that eight divides. */
function expandTabs(line: string): string {
  const [first = "", ...rest] = line.split("\t");
  return rest.reduce((out, piece) => out + " ".repeat(8 - (out.length % 8)) + piece, first);
}

function attached(name: string | undefined, kind: string, bytes: number): string {
  return `[attached: ${[oneLine(name ?? "no name"), oneLine(kind), size(bytes)].join(", ")}]`;
}

function partOf({ part, total, crc }: YencPart): string {
  const which = part === undefined ? "yEnc" : `yEnc part ${part} of ${total ?? "?"}`;
  return crc === "wrong" ? `${which} (damaged)` : which;
}

/** The article as JSON has it: all fields, no attachment's bytes. */
export function articleJson({ number, message, yenc }: ReadArticle, shown: Shown) {
  const { headers, messageId, subject, from, newsgroups, date, references, text, html, attachments } = message;
  const name = { number, messageId: messageId ?? null };
  const head = { subject, from, newsgroups, date: date ?? null, references, headers };
  const body = {
    text: text ?? null,
    html: html ?? null,
    attachments: attachments.map(({ content: _, ...info }) => info),
    yenc: yenc.map(({ data, ...part }) => ({ ...part, bytes: data.length })),
  };
  return { ...name, ...(shown.head === "none" ? {} : head), ...(shown.body ? body : {}) };
}
