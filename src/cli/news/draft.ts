/** An article as the options of `polywire post` and stdin have it → its bytes. */
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { UsageError } from "../../index.js";
import { completeArticle, composeArticle, decodeBytes, type Headers, parseHeaders } from "../../message/index.js";
import { articleId } from "./place.js";

/** What the options say. */
export interface Draft {
  from?: string;
  group?: string;
  subject?: string;
  replyToArticle?: string;
  attach?: string[];
  raw?: true;
}

/** Gives the header of an article of the server's. */
export type AskHead = (id: string) => Promise<{ readonly content: Buffer }>;

/** Throws UsageError where options are missing, or mean nothing together. Nothing was read then, and nothing sent. */
export function checkDraft(draft: Draft): void {
  const { from, group, subject, replyToArticle, attach, raw } = draft;
  if (raw) {
    const more = { from, group, subject, replyToArticle, attach };
    if (Object.values(more).every((value) => value === undefined)) return;
    throw new UsageError("--raw takes the whole article from stdin: it goes with no option about a part of it");
  }
  if (from === undefined) throw new UsageError("--from is missing: who writes?");
  if (replyToArticle !== undefined) articleId(replyToArticle);
  else if (group === undefined) throw new UsageError("--group is missing: where to?");
  else if (subject === undefined) throw new UsageError("--subject is missing");
}

/** The bytes to post. Throws UsageError for what is no article. */
export async function readDraft(draft: Draft, input: Buffer, askHead?: AskHead): Promise<Buffer> {
  if (draft.raw) return completeArticle(input);
  const { attach = [], replyToArticle } = draft;
  const text = decodeBytes(input);
  if (text.trim() === "" && attach.length === 0) {
    throw new UsageError("there is no text on stdin", { advice: "pipe it in: polywire post … < text" });
  }
  const contents = await Promise.all(attach.map((path) => readFile(path)));
  const attachments = contents.map((content, i) => ({ content, filename: basename(attach[i]!) }));
  const answered = replyToArticle === undefined ? undefined : await askHead!(articleId(replyToArticle));
  const above = answered === undefined ? {} : answerTo(parseHeaders(answered.content), draft);
  const { from = "", group = "", subject = "" } = draft;
  return composeArticle({ from, newsgroups: group, subject, ...above, text, attachments });
}

/** What an answer takes from the article above it (RFC 5536 §3.2.6, RFC 5537 §3.4.3). */
function answerTo(head: Headers, { group, subject }: Draft) {
  const inReplyTo = idsOf(head.raw("message-id"))[0];
  if (inReplyTo === undefined) throw new UsageError("the article to answer has no message-id");
  const followup = head.get("followup-to")?.trim() ?? "";
  if (group === undefined && followup.toLowerCase() === "poster") {
    throw new UsageError("its author wants answers by mail (Followup-To: poster)", { advice: "or say --group" });
  }
  return {
    inReplyTo,
    references: trimmed(idsOf(head.raw("references"))),
    newsgroups: group ?? (followup || (head.get("newsgroups") ?? "")),
    subject: subject ?? replySubject(head.get("subject") ?? ""),
  };
}

function idsOf(raw = ""): string[] {
  return raw.match(/<[^<>\s]+>/g) ?? [];
}

/** References of long threads are cut in the middle: the first one and the last ones stay (RFC 5537 §3.4.4). */
function trimmed(references: string[]): string[] {
  return references.length <= 20 ? references : [references[0]!, ...references.slice(-19)];
}

function replySubject(subject: string): string {
  return /^re:/i.test(subject) ? subject : `Re: ${subject}`;
}
