/** What a protocol supplies to the uniform client, and the words all of them share. Types only. */
import type { TLSSocket } from "node:tls";
import type { Protocol } from "./errors.js";

/** Where a client stands: not yet connected, connected, logged in, or done for. */
export type State = "idle" | "connected" | "ready" | "closed";

/** `tls` from the first byte, upgraded by `starttls`, or `plain`, which must be written out. */
export type Security = "tls" | "starttls" | "plain";

/** One reply of a server, the same shape in every protocol. */
export interface Reply {
  /** True where the server agreed. */
  readonly ok: boolean;
  /** The code as the protocol writes it: `226`, `+OK`, `NO`. */
  readonly code: string;
  /** The enhanced status code (RFC 3463), where there was one. */
  readonly enhanced?: string | undefined;
  /** The text behind the code, lines joined by `\n`. */
  readonly text: string;
  /** Every line as it came, without line ends. */
  readonly lines: readonly string[];
  /** The body of a multi-line answer, where the protocol has one and it was asked for. */
  readonly body?: Buffer | undefined;
}

/** Who logs in. Which fields count depends on the protocol. */
export interface Credentials {
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  /** FTP's ACCT (RFC 959), asked for by few servers. */
  readonly account?: string | undefined;
  /**
   * An access token (OAuth 2, RFC 6749), or a function that gives one, called at each login. Where the server takes
   * tokens, it goes before the password.
   */
  readonly token?: string | (() => string | Promise<string>) | undefined;
  /** The account to act for, where it is another one than the user's own (SASL's authorization identity, RFC 4422 §2). */
  readonly authzid?: string | undefined;
}

/** What a login can be tied to, so that it counts on this TLS connection only (RFC 5056). */
export interface ChannelBinding {
  readonly type: "tls-exporter" | "tls-server-end-point";
  readonly data: Buffer;
}

/** The server that credentials are asked for. */
export interface CredentialsTarget {
  readonly protocol: Protocol;
  readonly host: string;
  readonly port: number;
  /** The user's name where it is known already, e.g. from the URL. */
  readonly user?: string | undefined;
}

/** Gives the credentials when `login()` needs them; undefined where it has none. */
export type CredentialsSource = (
  target: CredentialsTarget,
) => Credentials | undefined | Promise<Credentials | undefined>;

/** What every call takes besides its own arguments. */
export interface CallOptions {
  /** Ends the call: a queued one is dropped, one in flight closes the connection (an FTP transfer sends ABOR first). */
  signal?: AbortSignal | undefined;
  /** Milliseconds the server may stay silent within this call. Default: `timeouts.command` of the client. */
  timeout?: number | undefined;
}

/** What `request()` takes. */
export interface RequestOptions extends CallOptions {
  /** `"ok"` (default): a refusal rejects with ReplyError. `"any"`: every reply is given back. */
  expect?: "ok" | "any" | undefined;
  /** Treat the answer as multi-line although its code does not say so. */
  multiline?: boolean | undefined;
  /** What the transcript and errors show in place of the command, where it holds a secret. */
  shown?: string | undefined;
}

/** One call as a session sees it. */
export interface Call {
  readonly signal: AbortSignal | undefined;
  /** Milliseconds of silence allowed, resolved. */
  readonly timeout: number;
  /**
   * Set by a session that can end the call politely (FTP's ABOR). It gives true where the connection is in order
   * again, false where it must be closed.
   */
  cancel?: ((reason: Error) => Promise<boolean>) | undefined;
  /** Set by a long listing: called when another call waits behind this one. */
  contended?: (() => void) | undefined;
  /** Lets the next call begin before this one has its answer; undefined where this one has more to say then. */
  release?: (() => void) | undefined;
}

/** The connection under a session, as far as the client looks at it. */
export interface Line {
  /** Grows with every byte that comes or leaves: where it does not, nothing happens. */
  readonly moved: number;
}

/** A live connection of one protocol. It mirrors the client's verbs and knows nothing of order or queue. */
export interface Session {
  /** Where `quit()` sees whether the calls before it move. */
  readonly line: Line;
  /** The encrypted socket; undefined while the connection is not encrypted. */
  readonly tls: TLSSocket | undefined;
  /** What the server said it can do: word → arguments. */
  readonly capabilities: ReadonlyMap<string, readonly string[]>;
  /** True where commands may be sent before a login. */
  readonly loginOptional: boolean;
  /** How many commands may be in flight at once: 1 where the server does not pipeline. */
  readonly depth: number;
  /** Dials, secures, reads the greeting and the capabilities. */
  open(call: Call): Promise<Reply>;
  login(credentials: Credentials, call: Call): Promise<void>;
  request(command: string, options: RequestOptions, call: Call): Promise<Reply>;
  noop(call: Call): Promise<void>;
  /** Says goodbye and waits for the answer. */
  quit(call: Call): Promise<void>;
  /** Hangs up now: everything pending rejects with the reason. */
  close(reason: Error): void;
}
