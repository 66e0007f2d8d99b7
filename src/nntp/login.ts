/** Who is there, in the words of RFC 4643: AUTHINFO USER and PASS, or SASL PLAIN. */
import { LoginError } from "../client/errors.js";
import type { Call } from "../client/session.js";
import type { NntpSession } from "./session.js";

/** AUTHINFO USER and PASS (RFC 4643 §2.3). */
export async function authinfo(
  session: NntpSession,
  user: string,
  password: string | undefined,
  { timeout }: Call,
): Promise<void> {
  let reply = await session.line.send(`AUTHINFO USER ${user}`, { timeout });
  if (reply.code === "381") {
    if (password === undefined) {
      const details = { command: `AUTHINFO USER ${user}`, code: "381", transient: false, protocol: "nntp" as const };
      throw new LoginError("the server wants a password, and the credentials have none", details);
    }
    reply = await session.line.send(`AUTHINFO PASS ${password}`, { timeout, shown: "AUTHINFO PASS ***" });
  }
  session.expect(reply, "AUTHINFO PASS ***", "2");
}

/** AUTHINFO SASL PLAIN (RFC 4643 §2.4, RFC 4616), with the initial response. */
export async function saslPlain(session: NntpSession, user: string, password: string, call: Call): Promise<void> {
  const { line } = session;
  const response = Buffer.from(`\0${user}\0${password}`).toString("base64");
  line.hide(response);
  const shown = "AUTHINFO SASL PLAIN ***";
  let reply = await line.send(`AUTHINFO SASL PLAIN ${response}`, { timeout: call.timeout, shown });
  // A server that does not take the initial response asks for it.
  if (reply.code === "383") reply = await line.send(response, { timeout: call.timeout, shown: "***" });
  // Asked once more, it would take the next command for another response: that is the end.
  session.expect(reply, shown, "2");
}
