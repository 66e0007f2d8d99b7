/** The header fields of a composed article, checked: one place refuses what would forge a line or a field. Pure. */
import addressparser from "nodemailer/lib/addressparser";
import { UsageError } from "../client/errors.js";
import type { AddressInput, ArticleInput } from "./compose.js";
import { checkReference } from "./message-id.js";
import { joinNewsgroups } from "./newsgroups.js";
import type { MailDraft } from "./writer.js";

/** Fields with an option of their own, and that option. */
const OPTIONS: Readonly<Record<string, string>> = {
  __proto__: null as never,
  from: "from",
  newsgroups: "newsgroups",
  subject: "subject",
  date: "date",
  "message-id": "messageId",
  references: "references",
  "in-reply-to": "inReplyTo",
  "followup-to": "followupTo",
  "reply-to": "replyTo",
};
/** Fields that the composer writes, or that have no place in an article. */
const FORBIDDEN = /^(?:content-.*|mime-version|bcc)$/i;

/** A field for MailComposer; a prepared one is written as it is. */
export interface ComposedField {
  key: string;
  value: string | { prepared: true; value: string };
}

/** Newsgroups, Followup-To, Path, and what the article brings in `headers`. Throws UsageError. */
export function extraFields(article: ArticleInput): ComposedField[] {
  const fields = [prepared("Newsgroups", joinNewsgroups(article.newsgroups, "newsgroups"))];
  if (article.followupTo !== undefined) {
    fields.push(prepared("Followup-To", joinNewsgroups(article.followupTo, "followupTo")));
  }
  const own = Object.keys(article.headers ?? {});
  if (!own.some((name) => name.toLowerCase() === "path")) fields.unshift(prepared("Path", "not-for-mail"));
  return [...fields, ...ownFields(article.headers)];
}

/** The same for mail: Newsgroups and Followup-To where there are any. Throws UsageError. */
export function mailFields({ newsgroups, followupTo, headers }: MailDraft): ComposedField[] {
  const fields: ComposedField[] = [];
  if (newsgroups !== undefined) fields.push(prepared("Newsgroups", joinNewsgroups(newsgroups, "newsgroups")));
  if (followupTo !== undefined) fields.push(prepared("Followup-To", joinNewsgroups(followupTo, "followupTo")));
  return [...fields, ...ownFields(headers)];
}

function ownFields(headers: ArticleInput["headers"] = {}): ComposedField[] {
  return Object.entries(headers).flatMap(([name, values]) => {
    checkName(name);
    return [values].flat().map((value) => ({ key: name, value: oneLine(value as string, name) }));
  });
}

function prepared(key: string, value: string): ComposedField {
  return { key, value: { prepared: true, value } };
}

function checkName(name: string): void {
  const option = OPTIONS[name.toLowerCase()];
  if (option !== undefined) throw new UsageError(`the header ${name} is set with the option ${option}`);
  if (!/^[!-9;-~]+$/.test(name)) throw new UsageError(`not the name of a header field: ${JSON.stringify(name)}`);
  if (FORBIDDEN.test(name)) throw new UsageError(`the header ${name} cannot be set for an article`);
}

/** References and In-Reply-To. Throws UsageError for what is no message-id. */
export function threadOf(article: Pick<ArticleInput, "references" | "inReplyTo">): {
  references?: string[] | undefined;
  inReplyTo?: string | undefined;
} {
  const { inReplyTo } = article;
  const references = listOfIds(article.references ?? []);
  if (inReplyTo !== undefined && references.at(-1) !== checkReference(inReplyTo)) references.push(inReplyTo);
  return { ...(references.length > 0 ? { references } : {}), ...(inReplyTo === undefined ? {} : { inReplyTo }) };
}

function listOfIds(references: string | readonly string[]): string[] {
  const ids = typeof references === "string" ? oneLine(references, "references").trim().split(/\s+/) : references;
  return ids.filter((id) => id !== "").map(checkReference);
}

/** One mailbox in parts. Throws UsageError where there is none, or more than one. */
export function mailbox(input: AddressInput, field: string): { name: string; address: string } {
  const given = typeof input === "string" ? addressparser(oneLine(input, field), { flatten: true }) : [input];
  const [first] = given;
  const name = oneLine(first?.name ?? "", field);
  const address = oneLine(first?.address ?? "", field);
  if (given.length === 1 && /^[^<>]+@[^\s<>,;@]+$/.test(address)) return { name, address };
  throw new UsageError(`${field} needs one address, not ${JSON.stringify(input)}`, {
    advice: "it is user@host or Name <user@host>",
  });
}

/** Several mailboxes in parts, each text holding one or more of them. Throws UsageError where there is none. */
export function mailboxes(
  input: AddressInput | readonly AddressInput[],
  field: string,
): { name: string; address: string }[] {
  const given: readonly AddressInput[] = Array.isArray(input) ? input : [input];
  const split = given.flatMap((each): readonly AddressInput[] =>
    typeof each === "string" ? addressparser(oneLine(each, field), { flatten: true }) : [each],
  );
  if (split.length === 0) throw new UsageError(`${field} needs an address`);
  return split.map((each) => mailbox(each, field));
}

/** The text as it is; UsageError where it would begin a new line of the header. */
export function oneLine(value: string, field: string): string {
  if (typeof value === "string" && !/[\r\n\0]/.test(value)) return value;
  throw new UsageError(`${field} must be text without CR, LF and NUL: ${JSON.stringify(value)}`);
}
