/** Who the client is, and over what it speaks: AUTHINFO (RFC 4643), STARTTLS (RFC 4642). */
import { isOn } from "../../command-faults.js";
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
      if (session.shared.options.requireTls && !session.channel.secure) throw new Refused(483, "Encryption required");
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
      logIn(session, naming, words.join(" "));
      return undefined;
    },
  },
  SASL: { enabled: ({ features }) => features.authSasl, run: (session, words) => sasl(session, words) },
};

async function sasl(session: Session, [mechanism = "", initial]: string[]): Promise<void> {
  if (mechanism.toUpperCase() !== "PLAIN") throw new Refused(503, `Mechanism ${mechanism} is not supported`);
  let response = initial;
  if (response === undefined) {
    session.reply(383, "=");
    await session.channel.flush();
    response = await session.channel.line();
    if (response === undefined) return;
    session.shared.log(response);
  }
  if (response === "*") throw new Refused(481, "Cancelled");
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(response)) throw new Refused(504, "Not base64");
  const parts = Buffer.from(response, "base64").toString("latin1").split("\0");
  if (parts.length !== 3) throw new Refused(481, "Authentication failed");
  logIn(session, parts[1] ?? "", parts[2] ?? "");
}

function logIn(session: Session, user: string, password: string): void {
  const { options, faults, sessions } = session.shared;
  let logins = 0;
  for (const other of sessions) if (other.state.user !== undefined) logins += 1;
  if (isOn(faults, "tooManyLogins") || logins >= options.limits.logins) {
    throw new Refused(481, "Too many connections for your user");
  }
  if (!passwordFits(options.users, user, password)) throw new Refused(481, "Authentication failed");
  session.state.user = user;
  session.reply(281, "Authentication accepted");
}

/** Names and passwords are typed as text in a test, and arrive as bytes. */
function passwordFits(users: Record<string, string>, user: string, password: string): boolean {
  const name = Buffer.from(user, "latin1").toString("utf8");
  const expected = Object.hasOwn(users, name) ? users[name] : undefined;
  return expected !== undefined && Buffer.from(expected, "utf8").toString("latin1") === password;
}

async function startTls(session: Session): Promise<void> {
  const { channel, shared } = session;
  if (channel.secure) throw new Refused(502, "TLS is active already");
  if (session.state.user !== undefined) throw new Refused(502, "STARTTLS comes before the login");
  if (channel.compressed) throw new Refused(502, "STARTTLS comes before COMPRESS");
  session.state = new SessionState(); // what was said in plain text may have been said by someone else
  const injected = shared.faults.injectAfterStartTls ?? "";
  await channel.upgrade(shared.secureContext, `382 Begin TLS negotiation now\r\n${injected}`);
}
