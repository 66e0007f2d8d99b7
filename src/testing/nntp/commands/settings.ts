/** What the server is: CAPABILITIES MODE HELP DATE QUIT (RFC 3977 5 and 7). */
import { bodyLines, Refused } from "../reply.js";
import type { Session } from "../session.js";
import { formatStamp } from "../times.js";
import { mechanismsOf } from "./access.js";
import { type CommandTable, command } from "./command.js";
import { COMMANDS } from "./index.js";

export const SETTINGS: CommandTable = {
  CAPABILITIES: command(
    "nothing",
    (session) => session.body(101, "Capability list:", bodyLines(capabilities(session))),
    { arguments: [0, 1], feature: "capabilities" },
  ),
  MODE: command("nothing", (session, [what = ""]) => mode(session, what.toUpperCase()), { arguments: [1, 1] }),
  HELP: command("nothing", (session) => session.body(100, "Legal commands follow", bodyLines(help(session)))),
  DATE: command("login", (session) => session.reply(111, formatStamp(session.shared.options.now())), {
    feature: "date",
  }),
  QUIT: command("nothing", (session) => session.hangUp(205, "Bye!")),
};

function mode(session: Session, what: string): void {
  const { features } = session.shared.options;
  if (what === "READER" && features.modeReader) {
    session.state.reader = true;
    session.reply(
      features.post ? 200 : 201,
      features.post ? "Reader mode, posting permitted" : "Reader mode, no posting",
    );
  } else if (what === "STREAM" && features.streaming) session.reply(203, "Streaming permitted");
  else throw new Refused(501, `MODE ${what} is unknown`);
}

/** Every command that is known, in capitals; XZVER is found only here, as its inventors wanted it. */
function help({ shared }: Session): string[] {
  const { options } = shared;
  const known = Object.entries(COMMANDS).filter(
    ([verb, { enabled }]) => enabled(options) && !options.disabled.includes(verb),
  );
  return known.map(([verb]) => `  ${verb}`);
}

/** What the client may use now (RFC 3977 5.2.2; it changes with MODE READER, STARTTLS, login and compression). */
function capabilities(session: Session): string[] {
  const { features, tls, requireLogin } = session.shared.options;
  const { state, channel } = session;
  const loggedIn = state.user !== undefined;
  const hidden = !features.announceBeforeLogin && !loggedIn && ["always", "reading"].includes(requireLogin);
  const switching = features.modeSwitching && !state.reader;
  const reads = !hidden && !switching;
  const overs = features.overById ? "OVER MSGID" : "OVER";
  const lines: Array<[boolean, string]> = [
    [true, "VERSION 2"],
    [true, "IMPLEMENTATION polywire test server"],
    [reads, "READER"],
    [switching, "MODE-READER"],
    [reads && features.post, "POST"],
    [reads && features.over, overs],
    [reads && features.hdr, "HDR"],
    [reads && features.xpat, "XPAT"],
    [reads && features.newnews, "NEWNEWS"],
    [reads, `LIST ${features.lists.join(" ")}`],
    [features.ihave, "IHAVE"],
    [features.streaming, "STREAMING"],
    [tls === "starttls" && !channel.tls && !loggedIn && !channel.compressed, "STARTTLS"],
    ...authentication(session),
    [features.compress && !channel.compressed, "COMPRESS DEFLATE"],
    [features.gzip, "XFEATURE-COMPRESS GZIP TERMINATOR"],
  ];
  return lines.filter(([on]) => on).map(([, line]) => line);
}

function authentication(session: Session): Array<[boolean, string]> {
  const { shared, state, channel } = session;
  const { features, users, requireTls } = shared.options;
  const offered =
    Object.keys(users).length > 0 && state.user === undefined && (!requireTls || channel.tls !== undefined);
  const mechanisms = mechanismsOf(session);
  const ways = [features.authUser ? " USER" : "", features.authSasl ? " SASL" : ""].join("");
  return [
    [offered && ways !== "", `AUTHINFO${ways}`],
    [offered && mechanisms.length > 0, `SASL ${mechanisms.join(" ")}`],
  ];
}
