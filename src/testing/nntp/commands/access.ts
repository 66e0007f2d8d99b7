/** Who the client is, and over what it speaks: AUTHINFO (RFC 4643), STARTTLS (RFC 4642). */
import { isOn } from "../../command-faults.js";
import { type Account, announced, authenticate, SaslRefused, surroundings } from "../../sasl/index.js";
import type { ResolvedNntpServerOptions } from "../options.js";
import { Refused } from "../reply.js";
import { type Session, SessionState } from "../session.js";
import { type CommandTable, command } from "./command.js";

export const ACCESS: CommandTable = {
  AUTHINFO: command(
    "nothing",
    (session, [kind = "", ...words]) => {
      const way = Object.hasOwn(WAYS, kind.toUpperCase()) ? WAYS[kind.toUpperCase()] : undefined;
      if (!way?.enabled(session.shared.options)) throw new Refused(501, `AUTHINFO ${kind} is unknown`);
      if (session.state.user !== undefined) throw new Refused(502, "Already logged in");
      if (session.shared.options.requireTls && !session.channel.tls) throw new Refused(483, "Encryption required");
      return way.run(session, words);
    },
    { arguments: [2, Number.POSITIVE_INFINITY], enabled: ({ users }) => Object.keys(users).length > 0 },
  ),
  STARTTLS: command("nothing", (session) => startTls(session), { enabled: ({ tls }) => tls === "starttls" }),
};

interface Way {
  enabled(options: ResolvedNntpServerOptions): boolean;
  run(session: Session, words: string[]): Promise<void> | undefined;
}

const WAYS: Record<string, Way> = {
  USER: {
    enabled: ({ features }) => features.authUser,
    run: (session, words) => {
      session.state.naming = words.join(" ");
      session.reply(381, "Password required");
      return undefined;
    },
  },
  PASS: {
    enabled: ({ features }) => features.authUser,
    run: (session, words) => {
      const { naming } = session.state;
      if (naming === undefined) throw new Refused(482, "AUTHINFO USER comes first");
      session.state.naming = undefined;
      checkPassword(session.shared.options.users, utf8(naming), utf8(words.join(" ")));
      logIn(session, utf8(naming));
      return undefined;
    },
  },
  SASL: { enabled: ({ features }) => features.authSasl, run: (session, words) => sasl(session, words) },
};

async function sasl(session: Session, [mechanism = "", initial]: string[]): Promise<void> {
  const { options, faults } = session.shared;
  const name = mechanism.toUpperCase();
  const offered = mechanismsOf(session);
  if (!offered.includes(name)) throw new Refused(503, `Mechanism ${mechanism} is not supported`);
  const around = surroundings(options, session.channel.tls, offered, faults.scram);
  try {
    const accepted = await authenticate(name, around, initial, (challenge) => ask(session, challenge), true);
    if (accepted) logIn(session, accepted.user, accepted.data);
  } catch (error) {
    throw error instanceof SaslRefused ? refusedBy(error) : error;
  }
}

function refusedBy({ kind, message }: SaslRefused): Refused {
  if (kind === "base64") return new Refused(504, message);
  return new Refused(481, kind === "cancelled" ? message : "Authentication failed");
}

/** A challenge and its response; where they are empty, both are `=` (RFC 4643 2.4.1). */
async function ask(session: Session, challenge: string): Promise<string | undefined> {
  const line = await session.ask(`383 ${challenge || "="}\r\n`);
  return line === "=" ? "" : line;
}

/** The mechanisms to announce now. */
export function mechanismsOf({ shared: { options }, channel }: Session): string[] {
  return options.features.authSasl ? announced(options.mechanisms, channel.tls, options.clientCa) : [];
}

/** The credentials fit. `data`: what the server says last, to prove itself (283). */
function logIn(session: Session, user: string, data?: Buffer): void {
  const { options, faults, sessions } = session.shared;
  let logins = 0;
  for (const other of sessions) if (other.state.user !== undefined) logins += 1;
  if (isOn(faults, "tooManyLogins") || logins >= options.limits.logins) {
    throw new Refused(481, "Too many connections for your user");
  }
  session.state.user = user;
  if (data === undefined) session.reply(281, "Authentication accepted");
  else session.reply(283, data.toString("base64"));
}

/** Names and passwords are typed as text in a test, and arrive as bytes. */
function checkPassword(users: Readonly<Record<string, Account>>, user: string, password: string): void {
  const expected = Object.hasOwn(users, user) ? users[user]?.password : undefined;
  if (expected === undefined || expected !== password) throw new Refused(481, "Authentication failed");
}

function utf8(bytes: string): string {
  return Buffer.from(bytes, "latin1").toString("utf8");
}

async function startTls(session: Session): Promise<void> {
  const { channel, shared } = session;
  if (channel.tls) throw new Refused(502, "TLS is active already");
  if (session.state.user !== undefined) throw new Refused(502, "STARTTLS comes before the login");
  if (channel.compressed) throw new Refused(502, "STARTTLS comes before COMPRESS");
  session.state = new SessionState(); // what was said in plain text may have been said by someone else
  if (session.loses()) return;
  const injected = shared.faults.injectAfterStartTls ?? "";
  await channel.upgrade(shared.handshake, `382 Begin TLS negotiation now\r\n${injected}`);
}
