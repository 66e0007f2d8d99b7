/** What is about the conversation itself: CAPA (RFC 2449), UTF8 and LANG (RFC 6856), NOOP, QUIT. */
import { listed, Refused } from "../reply.js";
import type { Session } from "../session.js";
import { mechanismsOf } from "./access.js";
import { type CommandTable, command, words } from "./command.js";

export const SETTINGS: CommandTable = {
  CAPA: command(
    "any",
    (session, rest) => {
      words(rest, 0, 0);
      return session.body("Capabilities follow", listed(session.shared.options.capabilities(capabilities(session))));
    },
    ({ features }) => features.capa,
  ),
  UTF8: command(
    "authorization",
    (session, rest) => {
      words(rest, 0, 0);
      session.state.utf8 = true;
      session.ok("UTF8 is on");
    },
    ({ features }) => features.utf8,
  ),
  LANG: command(
    "any",
    (session, rest) => lang(session, rest),
    ({ features }) => features.lang,
  ),
  NOOP: command("transaction", (session, rest) => {
    words(rest, 0, 0);
    session.ok("Nothing done");
  }),
  QUIT: command("any", (session, rest) => {
    words(rest, 0, 0);
    session.held?.maildrop.drop(session.held.deleted);
    session.release();
    session.ok("Goodbye");
    session.finish();
  }),
};

function capabilities(session: Session): string[] {
  const { features, limits, tls, requireTls } = session.shared.options;
  const secure = session.channel.tls !== undefined;
  const mechanisms = mechanismsOf(session);
  const all: [boolean, string][] = [
    [features.top, "TOP"],
    [features.uidl, "UIDL"],
    [features.user && (secure || !requireTls), "USER"],
    [mechanisms.length > 0, `SASL ${mechanisms.join(" ")}`],
    [features.respCodes, "RESP-CODES"],
    [features.authRespCode, "AUTH-RESP-CODE"],
    [features.pipelining, "PIPELINING"],
    [limits.loginDelay > 0, `LOGIN-DELAY ${limits.loginDelay}`],
    [tls === "starttls" && !secure && !session.held, "STLS"],
    [features.utf8, "UTF8 USER"],
    [features.lang, "LANG"],
    [true, "IMPLEMENTATION polywire-test-server"],
  ];
  return all.filter(([known]) => known).map(([, line]) => line);
}

/** Lists the languages, or takes one; `*` is the one to begin with. The texts stay as they are. */
function lang(session: Session, rest: string): Promise<void> | undefined {
  const { languages } = session.shared.options;
  const [asked] = words(rest, 0, 1);
  if (asked === undefined) {
    const rows = Object.entries(languages).map(([tag, name]) => `${tag} ${name}`);
    return session.body("Languages follow", listed(rows.map((row) => Buffer.from(row).toString("latin1"))));
  }
  const tags = Object.keys(languages);
  const tag = asked === "*" ? tags[0] : tags.find((each) => each.toLowerCase() === asked.toLowerCase());
  if (tag === undefined) throw new Refused(`No language ${asked}`);
  session.state.language = tag;
  session.ok(`${tag} It is`);
  return undefined;
}
