/** Our client as nodemailer's transport: a pool of connections behind `createTransport(polywireTransport({ … }))`. */
import { EventEmitter } from "node:events";
import type { Transport } from "nodemailer";
import type MailMessage from "nodemailer/lib/mailer/mail-message";
import { ConnectionError, UsageError } from "../client/errors.js";
import { MOST_MS, wholeNumber } from "../client/options.js";
import { Pool } from "../client/pool.js";
import type { Credentials } from "../client/session.js";
import { parseUrl, redactUrl } from "../client/url.js";
import { SmtpClient } from "./client.js";
import type { SmtpOptions } from "./options.js";
import { Rate, type RateLimit } from "./rate.js";
import { transportError } from "./transport-error.js";
import { infoOf, rawMessage, type TransportInfo } from "./transport-mail.js";

/** How the connections of a transport are used. */
export interface PolywireTransportPool {
  /** Connections at a time. Default: 5. */
  maxConnections?: number | undefined;
  /** Messages a connection sends before it is replaced. Default: 100. */
  maxMessages?: number | undefined;
  /** Milliseconds a connection is kept for the next message; the process stays that long. Default: 5 000. */
  idleTimeout?: number | undefined;
  /** How fast messages may go, over all connections. Default: as fast as they can. */
  rate?: RateLimit | undefined;
}

/** What `polywireTransport` takes: the options of an SmtpClient, or the URL of a server with them, and those of the pool. */
export type PolywireTransportOptions = PolywireTransportPool &
  (SmtpOptions | (Omit<Partial<SmtpOptions>, "host" | "port" | "security"> & { url: string | URL }));

/** What nodemailer calls back with. */
type Callback<T> = (error: Error | null, result: T) => void;

/**
 * A transport for nodemailer, over SmtpClient: several connections, kept between messages; messages cancelled by their
 * `signal`; strict TLS and SASL; LMTP. What nodemailer gives as `info` is there: accepted, rejected, rejectedErrors,
 * response, envelope, messageId. Errors have nodemailer's `code`, `responseCode` and `response`; the error of polywire
 * is their `cause`.
 *
 * A message is sent once. Only where a kept connection turns out to be dead, and not a byte of the message was read,
 * it goes out over a new one. A message's own `auth` is refused; the parameters of `dsn` are left out where the server
 * does not take them, as nodemailer does.
 *
 * @param options A URL, `smtps://user:password@mail.example.org`, or options.
 * @throws UsageError for options that cannot work.
 *
 * @example
 * const transporter = nodemailer.createTransport(polywireTransport("smtps://alice:secret@mail.example.org"));
 * const { accepted } = await transporter.sendMail({ from: "alice@example.org", to: "bob@example.net", text: "Hi" });
 * transporter.close();
 */
export function polywireTransport(options: PolywireTransportOptions | string | URL): PolywireTransport {
  return new PolywireTransport(typeof options === "string" || options instanceof URL ? { url: options } : options);
}

/** The transport. Emits `idle` when it can take more messages at once, as nodemailer's pool does. */
export class PolywireTransport extends EventEmitter implements Transport<TransportInfo> {
  readonly name = "polywire";
  readonly version = "1";
  /** Messages are cancelled by `mail.data.signal`, in the queue or under way. */
  readonly supportsAbortSignal = true;
  readonly #make: () => SmtpClient;
  readonly #pool: Pool<SmtpClient>;
  readonly #rate: Rate | undefined;
  readonly #maxConnections: number;
  readonly #maxMessages: number;
  /** Messages that each connection has sent. */
  readonly #sent = new WeakMap<SmtpClient, number>();
  /** Messages that wait for a connection, and messages that are not done with. */
  #waiting = 0;
  #pending = 0;
  #idle = true;
  #closed = false;

  constructor(options: PolywireTransportOptions) {
    super();
    const { maxConnections = 5, maxMessages = 100, idleTimeout = 5_000, rate, ...client } = options;
    this.#maxConnections = wholeNumber("maxConnections", maxConnections, 1, 1_000);
    this.#maxMessages = wholeNumber("maxMessages", maxMessages, 1);
    this.#rate = rate && new Rate(rate);
    const resolved = clientOptions(client);
    this.#make = () => new SmtpClient(resolved);
    // Options that cannot work are told now, not with the first message.
    this.#make();
    const idle = wholeNumber("idleTimeout", idleTimeout, 0, MOST_MS);
    this.#pool = new Pool({ create: this.#make, max: this.#maxConnections, idle });
    setImmediate(() => this.#idle && this.emit("idle"));
  }

  /** Sends a message of nodemailer's. */
  send(mail: MailMessage<TransportInfo>, callback: Callback<TransportInfo>): void {
    this.#pending++;
    this.#deliver(mail).then(
      (info) => this.#done(() => callback(null, info)),
      (error) => this.#done(() => (callback as (error: Error) => void)(transportError(error))),
    );
  }

  /** Connects, logs in and leaves. Resolves with true, or calls back with it. */
  verify(): Promise<true>;
  verify(callback: Callback<true>): void;
  verify(callback?: Callback<true>): Promise<true> | undefined {
    const verified = this.#verify();
    if (callback === undefined) return verified;
    verified.then(
      () => setImmediate(callback, null, true),
      (error) => setImmediate(callback as (error: Error) => void, error),
    );
    return undefined;
  }

  /** True where a message would find a connection, or room to wait for one. */
  isIdle(): boolean {
    return this.#idle && !this.#closed;
  }

  /** Messages that wait or are under way: nothing is lost by closing where there are none. */
  pendingCount(): number {
    return this.#pending;
  }

  /** Ends all connections. Messages that are under way are still sent; those that wait for a connection fail. */
  close(): void {
    this.#closed = true;
    void this.#pool.close();
  }

  async #verify(): Promise<true> {
    const client = this.#make();
    try {
      await client.connect();
      await client.login();
      return true;
    } catch (error) {
      throw transportError(error);
    } finally {
      await client.quit();
    }
  }

  async #deliver(mail: MailMessage<TransportInfo>): Promise<TransportInfo> {
    if (this.#closed) throw new ConnectionError("the transport was closed", { phase: "idle", retryable: false });
    for (;;) {
      const client = await this.#queued(mail);
      const isFirst = !this.#sent.has(client);
      const raw = mail.message.createReadStream();
      try {
        return await this.#sendBy(client, mail, raw);
      } catch (error) {
        // A kept connection that the server has closed: nothing was sent, not even read.
        const again = error instanceof ConnectionError && error.retryable && !isFirst && !raw.readableDidRead;
        if (!again || this.#closed) throw error;
      } finally {
        this.#giveBack(client);
      }
    }
  }

  /** Waits for a connection, and for the rate. */
  async #queued(mail: MailMessage<TransportInfo>): Promise<SmtpClient> {
    const { signal } = mail.data;
    this.#count(1);
    try {
      const client = await this.#pool.borrow({ signal });
      // With the connection in hand: those that waited for one do not all go at once when there is one.
      await this.#rate?.turn(signal).catch((error) => {
        this.#pool.giveBack(client);
        throw error;
      });
      return client;
    } finally {
      this.#count(-1);
    }
  }

  async #sendBy(
    client: SmtpClient,
    mail: MailMessage<TransportInfo>,
    raw: ReturnType<MailMessage["message"]["createReadStream"]>,
  ): Promise<TransportInfo> {
    const started = performance.now();
    const message = rawMessage(mail, raw, client.capabilities.has("DSN"));
    const result = await client.send(message, { signal: mail.data.signal });
    return infoOf(mail, result, performance.now() - started);
  }

  /** A connection that has sent enough, or that died, is replaced when the next message needs one. */
  #giveBack(client: SmtpClient): void {
    const sent = (this.#sent.get(client) ?? 0) + 1;
    this.#sent.set(client, sent);
    if (sent < this.#maxMessages) this.#pool.giveBack(client);
    else void client.quit().finally(() => this.#pool.giveBack(client));
  }

  /** Counts those that wait; tells when there is room again. */
  #count(change: number): void {
    this.#waiting += change;
    const idle = this.#waiting < this.#maxConnections;
    if (idle === this.#idle) return;
    this.#idle = idle;
    if (idle && !this.#closed) setImmediate(() => this.emit("idle"));
  }

  /** What the callback throws is not the transport's: it goes where uncaught errors go. */
  #done(call: () => void): void {
    this.#pending--;
    setImmediate(call);
  }
}

function clientOptions(options: Omit<PolywireTransportOptions, keyof PolywireTransportPool>): SmtpOptions {
  if (!("url" in options)) return options as SmtpOptions;
  const { url, ...own } = options as { url: string | URL } & Partial<SmtpOptions>;
  const { protocol, host, port, security, credentials, path } = parseUrl(url);
  if (protocol !== "smtp" || path !== "") {
    throw new UsageError(`${redactUrl(url)} is not the URL of a mail server`, {
      advice: "it is smtps://user@host or smtp://user@host",
    });
  }
  return { ...own, host, port, security, credentials: merge(credentials, own.credentials) };
}

/** What the URL says goes first; a source among the options is asked for what it leaves out. */
function merge(url: Credentials | undefined, given: SmtpOptions["credentials"]): SmtpOptions["credentials"] {
  if (url?.password !== undefined || given === undefined) return url;
  if (url?.user === undefined) return given;
  const { user } = url;
  return async (target) => {
    const found = typeof given === "function" ? await given({ ...target, user }) : given;
    return { ...found, user };
  };
}
