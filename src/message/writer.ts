/** What messages can be handed to in the same words: SMTP, NNTP and IMAP. */
import type { MailComposerOptions } from "nodemailer/lib/mail-composer";
import { UsageError } from "../client/errors.js";
import type { CallOptions } from "../client/session.js";
import type { Source } from "../client/sink.js";
import { type AddressInput, type ArticleInput, partOptions } from "./compose.js";
import { mailboxes, mailFields } from "./compose-fields.js";

/** A message in parts, for mail, for news, or for both. */
export interface MailDraft extends Omit<ArticleInput, "newsgroups"> {
  /** Names, or one text with commas between them. News needs it; in mail it is a field like others. */
  readonly newsgroups?: string | readonly string[] | undefined;
  /** Recipients whom the others do not see: not for news. IMAP keeps the field, in the copy that is one's own. */
  readonly bcc?: AddressInput | readonly AddressInput[] | undefined;
}

/** What became of a message that was handed in. */
export interface Submitted {
  /** Its Message-ID; undefined where a message was given complete, and has none, or was not held in memory. */
  readonly messageId?: string | undefined;
}

/**
 * A server that takes messages: an SmtpClient (which sends them), an NntpClient (which posts them), or an ImapClient (which
 * puts them into a mailbox).
 *
 * @example
 * async function report(writer: MessageWriter): Promise<void> {
 *   await writer.submit({ from: "a@example.org", to: "b@example.org", newsgroups: "misc.test", subject: "hello", text: "hello\n" });
 * }
 */
export interface MessageWriter {
  /** Hands in a message: in parts, or complete, as bytes, a path or a stream. */
  submit(message: MailDraft | Source, options?: CallOptions): Promise<Submitted>;
}

/** A message in parts for mail, as `composeMail` takes it. Throws UsageError. */
export function mailOf(draft: MailDraft): Omit<MailComposerOptions, "envelope" | "raw"> {
  const { bcc } = draft;
  return {
    ...partOptions(draft, mailFields(draft)),
    ...(bcc === undefined ? {} : { bcc: mailboxes(bcc, "bcc") }),
  };
}

/** The same for news. Throws UsageError where it has no newsgroups, and where it has hidden recipients. */
export function articleOf({ bcc, newsgroups, ...rest }: MailDraft): ArticleInput {
  if (bcc !== undefined) throw new UsageError("news has no hidden recipients: everybody would read them (bcc)");
  if (newsgroups === undefined) throw new UsageError("news needs newsgroups");
  return { ...rest, newsgroups };
}

/** True for a message in parts: it has a sender. */
export function isDraft(message: MailDraft | Source): message is MailDraft {
  return typeof message === "object" && message !== null && "from" in message;
}
