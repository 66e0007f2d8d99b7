/** A maildrop of POP3: one for each user, and what is deleted goes with the end of the session. */
import type { CallOptions } from "../../client/session.js";
import type { Pop3Client } from "../../pop3/client.js";
import type { Maildrop, MailSink } from "./maildrop.js";
import { joinListings, type ListedMail } from "./plan.js";

export class Pop3Drop implements Maildrop {
  readonly account: string;
  readonly epoch = undefined;
  readonly deletion = "at-end";
  readonly #client: Pop3Client;

  constructor(client: Pop3Client, account: string) {
    this.#client = client;
    this.account = account;
  }

  async list(_: unknown, call: CallOptions): Promise<ListedMail[]> {
    const [uids, sizes] = await Promise.all([
      this.#client.uidl(undefined, call).toArray(),
      this.#client.list(undefined, call).toArray(),
    ]);
    return joinListings(uids, sizes);
  }

  async fetch({ number }: ListedMail, to: MailSink, call: CallOptions): Promise<number> {
    return (await this.#client.retr(number, { ...call, to })).bytes;
  }

  discard(mails: readonly ListedMail[], call: CallOptions): Promise<PromiseSettledResult<void>[]> {
    return Promise.allSettled(mails.map(async ({ number }) => void (await this.#client.dele(number, call))));
  }

  async commit(call: CallOptions): Promise<void> {
    await this.#client.commit(call);
  }
}
