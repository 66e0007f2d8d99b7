/** What servers in memory are told in every protocol, and the defaults. */
import { type Account, fitting, knownMechanisms } from "./sasl/index.js";
import { type CertifiedKey, testTls } from "./tls.js";

/** How a server is started, whatever it speaks. */
export interface ServerOptions<Upgrade extends string = "starttls"> {
  /** The address to listen on. Default: `"127.0.0.1"`. */
  host?: string | undefined;
  /** The port. Default: 0 (any free one). */
  port?: number | undefined;
  /** `none`: the command that begins TLS is not known. `implicit`: TLS from the first byte. Default: `"none"`. */
  tls?: "none" | Upgrade | "implicit" | undefined;
  /** What the server shows. Default: `testTls.server`. */
  certificate?: CertifiedKey | undefined;
  /** The text of the greeting. Default: `"polywire test server ready"`. */
  greeting?: string | undefined;
  /** Verbs that are answered as if they were unknown: `["NOOP"]`. Default: none. */
  disabled?: string[] | undefined;
  /** Command lines kept in {@link MemoryServer.commands}; past it the oldest half is dropped. Default: 100 000. */
  logLimit?: number | undefined;
  /** Called with every command line as it is taken up, before anything is done. */
  onCommand?: ((line: string) => void) | undefined;
}

/** How a server is started that knows SASL. */
export interface SaslServerOptions extends ServerOptions {
  /**
   * Clients are asked for a certificate of this authority (PEM): EXTERNAL is who it names. {@link testTls}`.ca` has signed
   * `testTls.client`, which is alice. Default: none is asked for.
   */
  clientCa?: string | undefined;
  /** The SASL mechanisms, in the order they are announced. Default: every one that fits the users, without ANONYMOUS. */
  mechanisms?: readonly string[] | undefined;
  /** How often SCRAM hashes a password. Default: 4096. */
  iterations?: number | undefined;
  /** The server's name, in challenges and wherever else it gives one. Default: `"mail.example"`. */
  hostname?: string | undefined;
}

/** Options with every default filled in, but for those that have none. */
export type Filled<Options, Open extends keyof Options = never> = {
  [Name in keyof Options]-?: Name extends Open ? Options[Name] : Exclude<Options[Name], undefined>;
};

/** Some of these; what is undefined keeps its default. */
export type Some<All> = { [Name in keyof All]?: All[Name] | undefined };

/** These defaults, but for what is given. */
export function filled<All extends object>(defaults: All, given: Some<All> = {}): All {
  const known = Object.entries(given).filter(([, value]) => value !== undefined);
  return { ...defaults, ...Object.fromEntries(known) };
}

/** Fills in the defaults that all servers share. */
export function resolveServer<Upgrade extends string>(
  options: ServerOptions<Upgrade>,
): Filled<ServerOptions<Upgrade>, "onCommand"> {
  return {
    host: options.host ?? "127.0.0.1",
    port: options.port ?? 0,
    tls: options.tls ?? "none",
    certificate: options.certificate ?? testTls.server,
    greeting: options.greeting ?? "polywire test server ready",
    disabled: (options.disabled ?? []).map((verb) => verb.toUpperCase()),
    logLimit: options.logLimit ?? 100_000,
    onCommand: options.onCommand,
  };
}

/** The same for a server that knows SASL. Throws for a mechanism that no server here knows. */
export function resolveSaslServer(
  options: SaslServerOptions,
  users: Readonly<Record<string, Account>>,
): Filled<SaslServerOptions, "onCommand" | "clientCa"> {
  const { clientCa, iterations = 4096, hostname = "mail.example" } = options;
  const mechanisms = options.mechanisms ?? fitting(Object.values(users), clientCa !== undefined);
  const common = resolveServer(options);
  return { ...common, clientCa, iterations, hostname, mechanisms: knownMechanisms(mechanisms) };
}
