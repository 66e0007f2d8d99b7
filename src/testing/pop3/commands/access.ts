/** Who the client is, and over what it speaks: USER, PASS, APOP (RFC 1939 7), AUTH (RFC 5034), STLS (RFC 2595 4). */
import { createHash } from "node:crypto";
import { announced, authenticate, SaslRefused, surroundings } from "../../sasl/index.js";
import type { ResolvedPop3ServerOptions } from "../options.js";
import { listed, Refused } from "../reply.js";
import { type Session, SessionState } from "../session.js";
import { type CommandTable, command, utf8, words } from "./command.js";

export const ACCESS: CommandTable = {
  USER: command(
    "authorization",
    (session, rest) => {
      mayLogIn(session);
      if (rest === "") throw new Refused("USER without a name");
      session.state.naming = utf8(rest);
      session.ok("Password please");
    },
    ({ features }) => features.user,
  ),
  PASS: command(
    "authorization",
    (session, rest) => {
      const { naming } = session.state;
      if (naming === undefined) throw new Refused("USER comes first");
      session.state.naming = undefined;
      if (passwordOf(session, naming) !== utf8(rest)) throw new Refused("Wrong name or password", "AUTH");
      logIn(session, naming);
    },
    ({ features }) => features.user,
  ),
  APOP: command(
    "authorization",
    (session, rest) => {
      mayLogIn(session);
      const [, user = "", digest] = /^(.+) ([0-9a-f]{32})$/.exec(utf8(rest)) ?? [];
      if (digest === undefined) throw new Refused("APOP takes a name and a digest");
      const password = passwordOf(session, user);
      const wanted = createHash("md5").update(`${session.timestamp}${password}`).digest("hex");
      if (password === undefined || digest !== wanted) throw new Refused("Wrong name or digest", "AUTH");
      logIn(session, user);
    },
    ({ features }) => features.apop,
  ),
  AUTH: command(
    "authorization",
    (session, rest) => auth(session, rest),
    ({ features }) => features.auth,
  ),
  STLS: command(
    "authorization",
    async (session, rest) => {
      words(rest, 0, 0);
      const { channel, shared } = session;
      if (channel.tls) throw new Refused("TLS is active already");
      session.state = new SessionState(); // what was said in plain text may have been said by someone else
      if (session.loses()) return;
      const ok = `+OK Begin TLS negotiation now\r\n${shared.faults.injectAfterStls ?? ""}`;
      await channel.upgrade(shared.handshake, ok);
    },
    ({ tls }) => tls === "starttls",
  ),
};

/** The mechanisms to announce now. */
export function mechanismsOf(session: Session): string[] {
  const { options } = session.shared;
  if (!options.features.auth || (options.requireTls && !session.channel.tls)) return [];
  return announced(options.mechanisms, session.channel.tls, options.clientCa);
}

async function auth(session: Session, rest: string): Promise<void> {
  const { options, faults } = session.shared;
  const [given, initial] = words(rest, 0, 2);
  const offered = mechanismsOf(session);
  if (given === undefined) return session.body("Mechanisms follow", listed(offered));
  mayLogIn(session);
  const name = given.toUpperCase();
  if (!offered.includes(name)) throw new Refused(`No mechanism ${given}`);
  const around = surroundings(options, session.channel.tls, offered, faults.scram);
  try {
    const accepted = await authenticate(name, around, initial, (challenge) => session.ask(`+ ${challenge}\r\n`));
    if (accepted) logIn(session, accepted.user);
  } catch (error) {
    if (!(error instanceof SaslRefused)) throw error;
    throw new Refused(error.message, error.kind === "credentials" ? "AUTH" : undefined);
  }
}

function mayLogIn(session: Session): void {
  if (session.shared.options.requireTls && !session.channel.tls) throw new Refused("STLS comes first");
}

function passwordOf(session: Session, name: string): string | undefined {
  const { users }: ResolvedPop3ServerOptions = session.shared.options;
  return Object.hasOwn(users, name) ? users[name]?.password : undefined;
}

/** The credentials fit; the maildrop must be free as well (RFC 2449 8.1). */
function logIn(session: Session, user: string): void {
  const { maildrops, options } = session.shared;
  const maildrop = maildrops.get(user);
  if (!maildrop) throw new Refused(`${user} has no maildrop`, "SYS/PERM");
  const now = options.now().getTime();
  const since = now - (maildrop.lastLogin ?? Number.NEGATIVE_INFINITY);
  if (since < options.limits.loginDelay * 1000) throw new Refused("You have just been here", "LOGIN-DELAY");
  if (maildrop.locked) throw new Refused("Someone else reads this maildrop", "IN-USE");
  maildrop.locked = true;
  maildrop.lastLogin = now;
  const messages = maildrop.sources;
  session.held = { user, maildrop, messages, deleted: new Set() };
  session.ok(`${messages.length} messages`);
}
