/** Coming and going: USER PASS ACCT REIN QUIT, and TLS: AUTH PBSZ PROT CCC (RFC 959, RFC 4217). */
import { encodeReply, Refused } from "../reply.js";
import { type Session, SessionState } from "../session.js";
import { type CommandTable, early, withTls } from "./command.js";

export const ACCESS: CommandTable = {
  USER: early((session, user) => {
    const { options } = session.shared;
    if (options.requireTls && !session.control.secure) throw new Refused(530, "Sessions must use encryption.");
    session.state.user = user;
    session.state.login = "pass";
    const anonymous = options.anonymous && isAnonymous(user);
    return session.reply(331, anonymous ? "Please specify your e-mail address." : `Password required for ${user}`);
  }),
  PASS: early((session, password) => {
    const { state, shared } = session;
    if (state.login !== "pass") throw new Refused(503, "Login with USER first.");
    state.login = "user";
    if (!passwordFits(session, password)) throw new Refused(530, "Login incorrect.");
    if (shared.options.account !== undefined) {
      state.login = "acct";
      return session.reply(332, "Need account for login.");
    }
    return welcome(session);
  }),
  ACCT: early((session, account) => {
    const { state, shared } = session;
    if (state.login === "in") return session.reply(202, "ACCT command superfluous at this site.");
    if (state.login !== "acct") throw new Refused(503, "Login with USER first.");
    state.login = "user";
    if (account !== shared.options.account) throw new Refused(530, "Login incorrect.");
    return welcome(session);
  }),
  REIN: early((session) => {
    session.state = new SessionState(session.shared.options.home);
    return session.reply(220, "Service ready for new user.");
  }),
  QUIT: early((session) => void session.hangUp(221, "Goodbye.")),

  AUTH: withTls(async (session, mechanism) => {
    if (session.control.secure) throw new Refused(503, "Already using TLS.");
    if (!/^(TLS|TLS-C|SSL)$/i.test(mechanism)) throw new Refused(504, `AUTH ${mechanism} unsupported`);
    const injected = session.shared.faults.injectAfterAuth ?? "";
    const sent = session.send(encodeReply(234, `AUTH ${mechanism.toUpperCase()} successful`) + injected);
    if (sent) await sent;
    session.secure();
  }),
  PBSZ: withTls((session) => {
    if (!session.control.secure) throw new Refused(503, "PBSZ needs a secure control connection.");
    session.state.pbsz = true;
    return session.reply(200, "PBSZ 0 successful");
  }),
  PROT: withTls((session, level) => {
    const { state, shared } = session;
    if (!state.pbsz) throw new Refused(503, "You must issue the PBSZ command prior to PROT.");
    const wanted = level.toUpperCase();
    if (wanted !== "C" && wanted !== "P") throw new Refused(536, `PROT ${level} unsupported`);
    if (wanted === "C" && shared.options.requireTls) throw new Refused(534, "Unwilling to accept PROT C.");
    state.protection = wanted;
    return session.reply(200, `Protection set to ${wanted === "P" ? "Private" : "Clear"}`);
  }),
  CCC: withTls(() => {
    throw new Refused(533, "The control connection stays protected.");
  }),
};

function welcome(session: Session): Promise<void> | undefined {
  const { sessions, options } = session.shared;
  let logins = 0;
  for (const other of sessions) if (other.state.login === "in") logins += 1;
  if (logins >= (options.limits.maxLogins ?? Number.POSITIVE_INFINITY)) {
    session.state.login = "user";
    throw new Refused(530, `Sorry, the maximum number of clients (${logins}) for this user are already connected.`);
  }
  session.state.login = "in";
  return session.reply(230, `User ${session.state.user} logged in`);
}

function passwordFits(session: Session, password: string): boolean {
  const { users, anonymous } = session.shared.options;
  const user = session.state.user ?? "";
  if (anonymous && isAnonymous(user)) return true;
  const expected = Object.hasOwn(users, user) ? users[user] : undefined;
  // A password is typed as text in a test, and arrives as bytes.
  return expected !== undefined && (expected === password || Buffer.from(expected).toString("latin1") === password);
}

function isAnonymous(user: string): boolean {
  return /^(anonymous|ftp)$/i.test(user);
}
