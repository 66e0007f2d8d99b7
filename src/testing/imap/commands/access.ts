/** Who the client is, and over what it speaks: LOGIN, AUTHENTICATE, STARTTLS, COMPRESS, LOGOUT (RFC 9051 6.1.3 and 6.2, RFC 4978). */
import { authenticate, SaslRefused, surroundings } from "../../sasl/index.js";
import { capabilities, mechanismsOf } from "../capabilities.js";
import type { Input } from "../input.js";
import { bad, no, textOf } from "../reply.js";
import { type Session, SessionState } from "../session.js";
import { type CommandTable, command } from "./command.js";

export const ACCESS: CommandTable = {
  LOGIN: command(
    "not-authenticated",
    (session, input) => {
      const name = textOf(input.blank().astring());
      const password = textOf(input.blank().astring());
      input.finish();
      const { options } = session.shared;
      if (options.requireTls && !session.channel.tls) no("STARTTLS comes first", "PRIVACYREQUIRED");
      const known = Object.hasOwn(options.users, name) ? options.users[name]?.password : undefined;
      if (known === undefined || known !== password) no("Wrong name or password", "AUTHENTICATIONFAILED");
      return logIn(session, name);
    },
    "login",
  ),
  AUTHENTICATE: command("not-authenticated", (session, input) => auth(session, input)),
  STARTTLS: command(
    "not-authenticated",
    async (session, input) => {
      input.finish();
      const { channel, shared } = session;
      if (channel.tls) bad("TLS is active already");
      if (channel.waiting.length > 0) session.violation("Something was sent behind STARTTLS, before its answer");
      session.state = new SessionState(); // what was said in plain text may have been said by someone else
      const ok = `${session.tag} OK Begin TLS negotiation now\r\n${shared.faults.injectAfterStartTls ?? ""}`;
      await channel.upgrade(shared.handshake, ok);
      session.answered();
    },
    ({ tls }) => tls === "starttls",
  ),
  COMPRESS: command(
    "authenticated",
    async (session, input) => {
      const algorithm = input.blank().word();
      input.finish();
      const { channel } = session;
      if (algorithm !== "DEFLATE") bad(`Algorithm ${algorithm} is not supported`);
      if (channel.compressed) no("DEFLATE is active already", "COMPRESSIONACTIVE");
      if (channel.waiting.length > 0) session.violation("Something was sent behind COMPRESS, before its answer");
      session.ok("DEFLATE is active");
      await channel.flush();
      channel.compress();
    },
    "compress",
  ),
  LOGOUT: command("any", (session, input) => {
    input.finish();
    session.untagged("BYE Logging out");
    session.unselect();
    session.endBehind();
  }),
};

async function auth(session: Session, input: Input): Promise<string | undefined> {
  const { options, faults } = session.shared;
  const name = input.blank().word();
  const initial = input.ended ? undefined : input.blank().take(/[^\r\n]*/y)?.[0];
  if (initial !== undefined && !options.features.saslIr) bad("An initial response, where SASL-IR is not announced");
  const offered = mechanismsOf(session);
  if (!offered.includes(name)) no(`No mechanism ${name}`, "CANNOT");
  const around = surroundings(options, session.channel.tls, offered, faults.scram);
  try {
    const accepted = await authenticate(name, around, initial, (challenge) => session.ask(`+ ${challenge}\r\n`));
    return accepted && logIn(session, accepted.user);
  } catch (error) {
    if (!(error instanceof SaslRefused)) throw error;
    return error.kind === "credentials" ? no(error.message, "AUTHENTICATIONFAILED") : bad(error.message);
  }
}

function logIn(session: Session, user: string): string {
  const { trees, options } = session.shared;
  if (!trees.has(user)) no(`${user} has no mailboxes`, "CONTACTADMIN");
  session.state.user = user;
  const where = options.features.loginCapabilities;
  const words = `CAPABILITY ${capabilities(session).join(" ")}`;
  if (where === "untagged") session.untagged(words);
  return where === "code" ? `[${words}] Logged in` : "Logged in";
}
