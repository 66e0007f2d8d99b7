/** What is known of a message that was not fetched: the same for NNTP, POP3 and IMAP. Pure. */
import { type Headers, parseHeaders } from "./headers.js";

/** One message of a mailbox, maildrop or newsgroup. */
export class MessageSummary<Uid extends number | string = number | string> {
  /**
   * Its place: in IMAP in the mailbox (it changes when messages before it go), in POP3 in this session, in NNTP in the
   * group at this server.
   */
  readonly number: number;
  /**
   * What stays the same in every session: in IMAP the UID (within one UIDVALIDITY), in POP3 the unique id, in NNTP the
   * message-id, which is the same at every server. Undefined where the server tells none.
   */
  readonly uid: Uid | undefined;
  /** What `retrieve()` and `message()` take: in IMAP the UID, in POP3 and NNTP the number. */
  readonly id: number;
  /** Octets, as the server counts; undefined where it does not say. */
  readonly size: number | undefined;
  #head: Buffer | (() => Buffer);
  #headers: Headers | undefined;

  /** @internal Made by the readers. */
  constructor(
    { number, uid, id, size }: Pick<MessageSummary<Uid>, "number" | "uid" | "id" | "size">,
    head: Buffer | (() => Buffer),
  ) {
    this.number = number;
    this.uid = uid;
    this.id = id;
    this.size = size;
    this.#head = head;
  }

  /** The header fields, read when they are asked for. */
  get headers(): Headers {
    this.#headers ??= parseHeaders(this.head);
    return this.#headers;
  }

  /** The bytes of the header fields. */
  get head(): Buffer {
    if (typeof this.#head === "function") this.#head = this.#head();
    return this.#head;
  }

  toJSON(): object {
    const { number, uid, id, size, headers } = this;
    return { number, uid, id, size, headers };
  }
}
