/** What the checks of the contract know of a protocol and a server: data, and a few calls. Types only. */
import type { Client } from "../../src/client/client.js";
import type { Protocol } from "../../src/client/errors.js";
import type { ClientOptions, Timeouts } from "../../src/client/options.js";
import type { CallOptions, Security } from "../../src/client/session.js";

export type Certificate = "server" | "expired" | "wrongHost";

/** A server that runs, wherever. */
export interface Place {
  readonly host: string;
  /** The port for each security. */
  readonly ports: Readonly<Record<Security, number>>;
  /** The authority that has signed its certificate. */
  readonly ca: string;
  readonly user: string;
  readonly password: string;
  /** For transfers that do not go over the client's own connection: the server is silent from now on, and goes on. */
  readonly stall?: () => void;
  readonly goOn?: () => void;
  stop(): Promise<void>;
}

/** A named method, and what becomes of it: `ok`, or the code of the refusal. */
export interface Shared {
  readonly outcome: string;
  call(options?: CallOptions): Promise<unknown>;
}

/** A client, and what it can be asked beyond what all clients can. */
export interface Subject {
  readonly client: Client;
  /** What must come before `shared`. */
  prepare(): Promise<unknown>;
  /** Calls that may share the connection. Their answers differ. */
  readonly shared: readonly Shared[];
  /** Calls whose answers have all the forms of the protocol, one behind the other. */
  readonly work: readonly (() => Promise<unknown>)[];
  /** Moves a megabyte or more. `begun` is called with the first bytes where those are not on the client's own connection. */
  transfer(begun: () => void): Promise<unknown>;
}

/** One protocol, and one way to have a server of it. */
export interface Row {
  readonly name: string;
  readonly protocol: Protocol;
  start(certificate: Certificate): Promise<Place>;
  client(options: ClientOptions): Subject;
  /** Everything is refused but a login where it is false. */
  readonly loginOptional: boolean;
  /** A command that `request()` sends, that is agreed to in every state, and changes nothing. */
  readonly harmless: string;
  /** That command as it is sent. */
  readonly sent: RegExp;
  /** One that is agreed to behind the login, and has no body behind its reply. */
  readonly bodiless: string;
  /** A command that is refused, and the code of its refusal. */
  readonly refused: readonly [command: string, code: string];
  /** A command that `request()` leaves to a method, and the method that the error names. */
  readonly notRaw: readonly [command: string, method: string];
  /** The line that asks for TLS, what agrees to it, and what does not. */
  readonly upgrade: readonly [line: string, agreement: string, refusal: string];
  /** What `quit()` says. */
  readonly goodbye: string;
  /** Options with which the same bytes are said each time: no nonces. */
  readonly steady: Partial<ClientOptions>;
  /** Sessions of one user at a time that tests may rely on. */
  readonly sessions: number;
  /** The time-outs that end a transfer which stops. */
  readonly transferTimeouts: Timeouts;
}
