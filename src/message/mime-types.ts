/** MIME types by file names, and the other way round, by the library `mime`, which is loaded at the first call. */
import type { MailComposerAttachment, MailComposerOptions } from "nodemailer/lib/mail-composer";

/**
 * The MIME type of a file by its name's extension, in any case: `report.pdf` is `application/pdf`. Undefined where it has
 * none that is known. The file is not looked into.
 */
export async function mimeTypeOf(name: string): Promise<string | undefined> {
  const { default: mime } = await import("mime");
  // A name that is all extension (`png`, `.png`) has none.
  return /[^./\\]\.[^./\\]+$/.test(name) ? (mime.getType(name) ?? undefined) : undefined;
}

/** The usual extension of a MIME type, without the dot: `image/jpeg` is `jpg`; parameters do not count. */
export async function extensionOf(type: string): Promise<string | undefined> {
  const { default: mime } = await import("mime");
  return mime.getExtension(type) ?? undefined;
}

/** Attachments that say no type get the one of their names. Those that nobody knows are left to the composer. */
export async function withTypes<T extends Pick<MailComposerOptions, "attachments">>(mail: T): Promise<T> {
  const { attachments } = mail;
  if (!Array.isArray(attachments) || attachments.length === 0) return mail;
  return { ...mail, attachments: await Promise.all(attachments.map(typed)) };
}

async function typed(attachment: MailComposerAttachment): Promise<MailComposerAttachment> {
  const { contentType, filename, path, raw } = attachment;
  const name = filename || path;
  if (contentType || raw !== undefined || typeof name !== "string" || name.startsWith("data:")) return attachment;
  const type = await mimeTypeOf(name);
  return type === undefined ? attachment : { ...attachment, contentType: type };
}
