/** What became of a message, recipient by recipient. */
import type { RecipientResult, SendResult } from "../../index.js";
import { EXIT } from "../exit-codes.js";
import { count, size } from "../format.js";
import { print, printJson } from "../output.js";

/** Tells it, and gives the exit code. `refused`: the command that was refused for all, where nobody gets the message. */
export async function tellDelivery(json: boolean, result: SendResult, refused?: string): Promise<number> {
  if (json) await printJson(deliveryJson(result));
  else await print([...rows(result), summary(result)].join("\n"));
  if (refused !== undefined && !/^RCPT\b/i.test(refused)) return EXIT.refused;
  return result.rejected.length > 0 ? EXIT.recipients : EXIT.done;
}

/** The result as JSON has it. */
export function deliveryJson({ envelope, messageId, accepted, rejected, reply, bytes }: SendResult): object {
  const { code, enhanced, text } = reply ?? {};
  return { ...envelope, messageId, accepted, rejected, ...(reply && { reply: { code, enhanced, text } }), bytes };
}

/** A line for each recipient, those that were refused first. */
function rows({ accepted, rejected }: SendResult): string[] {
  const width = Math.max(0, ...[...accepted, ...rejected].map(({ recipient }) => recipient.length));
  const row = (mark: string) => (each: RecipientResult) =>
    `${mark} ${each.recipient.padEnd(width)}  ${`${each.code} ${each.text}`.replace(/\n/g, " ")}`;
  return [...rejected.map(row("✗")), ...accepted.map(row("✓"))];
}

function summary({ accepted, rejected, messageId = "", reply, bytes }: SendResult): string {
  const all = accepted.length + rejected.length;
  if (accepted.length === 0) return "not sent: nobody gets it";
  const whom =
    rejected.length === 0
      ? `${count(all)} recipient${all === 1 ? "" : "s"}`
      : `${count(accepted.length)} of ${count(all)} recipients`;
  const said = reply === undefined ? "" : `: ${reply.code} ${reply.text.replace(/\n/g, " ")}`;
  return `sent ${messageId === "" ? "" : `${messageId} `}to ${whom} (${size(bytes)})${said}`;
}
