/** Methods that all readers and all writers have: what there is in a mailbox, and a message put into it. */

import { Rows } from "../client/rows.js";
import type { Source } from "../client/sink.js";
import type { MessageReader, SummaryOptions } from "../message/reader.js";
import { checkSpan, type MessageSpan } from "../message/span.js";
import type { MessageSummary } from "../message/summary.js";
import type { MailDraft, MessageWriter } from "../message/writer.js";
import { Gate } from "../net/gate.js";
import { unsent, type Wait } from "../net/unsent.js";
import { append, appendWords } from "./append.js";
import { type AppendSubmitOptions, type AppendSubmitted, mailboxFor, readySubmission } from "./submit.js";
import { giveSummaries } from "./summaries.js";
import { WritingClient } from "./writing-client.js";

/** A part of ImapClient. */
export abstract class CommonClient extends WritingClient implements MessageReader, MessageWriter {
  /**
   * What there is in the selected mailbox, as all readers tell it: number, UID, size and headers (one FETCH; of more than a
   * thousand messages by their UIDs, a thousand at a time). Calls inside the loop have their turn between; they may remove
   * messages, too. Nothing is marked as read.
   *
   * @param span Numbers, as far as the server has told how many messages there are: `noop()` hears of new ones. Default: all.
   * @throws in the loop: UsageError where no mailbox is selected, or another one than in the beginning; ReplyError, ProtocolError, ConnectionError.
   *
   * @example
   * for await (const { id, headers } of imap.messages({ newest: 10 })) console.log(id, headers.get("subject"));
   */
  messages(span: MessageSpan = "all", options: SummaryOptions = {}): Rows<MessageSummary<number>> {
    const checked = checkSpan(span);
    const call = { signal: options.signal, timeout: options.timeout };
    return new Rows(async (feed) => {
      const gate = new Gate(feed, this.options.limits.body);
      await giveSummaries(checked, gate, (body) => this.run({ ...call, exclusive: true }, body));
    });
  }

  /**
   * Puts a message into a mailbox, as all writers take it: what `append()` does. Calls that overlap keep their order.
   *
   * @param options `mailbox`: where it goes. Default: the selected one.
   * @throws UsageError where there is no mailbox for it; what `append()` rejects with.
   *
   * @example
   * await imap.submit({ from: "alice@example.org", to: "bob@example.org", subject: "hello", text: "hello\n" }, { mailbox: "Sent" });
   */
  async submit(message: MailDraft | Source, options: AppendSubmitOptions = {}): Promise<AppendSubmitted> {
    const words = appendWords(options);
    return this.run({ ...options, exclusive: true }, async (session, call) => {
      const mailbox = mailboxFor(options, session.mailbox);
      const read = (wait: Wait) => readySubmission(message, this.options.limits.body, wait);
      const { literal, messageId } = await unsent(session.line, call, read);
      const [appended] = await append(session, mailbox, [{ words, literal }], call);
      return { uid: appended?.uid, uidValidity: appended?.uidValidity, messageId };
    });
  }
}
