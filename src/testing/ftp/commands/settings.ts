/** What the server is and how it shall behave: SYST FEAT OPTS TYPE MODE STRU ALLO NOOP HELP STAT SITE LANG CLNT. */
import type { FtpFeatures } from "../options.js";
import { Refused } from "../reply.js";
import { FACTS, unixRow } from "../rows.js";
import type { Session } from "../session.js";
import { parseTime } from "../times.js";
import { type CommandTable, command, early } from "./command.js";
import { DIGESTS } from "./digest.js";
import { listed } from "./listing.js";

export const SETTINGS: CommandTable = {
  SYST: early((session) =>
    session.reply(215, session.shared.options.listStyle === "dos" ? "Windows_NT" : "UNIX Type: L8"),
  ),
  NOOP: early((session) => session.reply(200, "NOOP ok.")),
  FEAT: early((session) => session.reply(211, ["Features:", ...featureLines(session), "End"].join("\n")), "feat"),
  OPTS: early((session, argument) => {
    const [name = "", ...rest] = argument.split(" ");
    const option = OPTIONS[name.toUpperCase()];
    if (!option || !session.shared.options.features[option.feature]) throw new Refused(501, "Option not understood.");
    return session.reply(200, option.set(session, rest.join(" ")));
  }),
  TYPE: command((session, argument) => {
    const type = /^([AI])( N)?$|^L 8$/i.exec(argument);
    if (!type) throw new Refused(504, `TYPE ${argument} not understood`);
    session.state.type = type[1]?.toUpperCase() === "A" ? "A" : "I";
    return session.reply(200, `Type set to ${session.state.type}`);
  }),
  MODE: command((session, mode) => onlyStandard(session, "Mode", "S", mode)),
  STRU: command((session, structure) => onlyStandard(session, "Structure", "F", structure)),
  ALLO: command((session) => session.reply(202, "No storage allocation necessary.")),
  HELP: early((session) =>
    session.reply(214, "The following commands are recognized.\n (those of a test server)\nHelp OK."),
  ),
  LANG: early((session) => session.reply(200, "Using default language en_US")),
  CLNT: early((session) => session.reply(200, "Noted.")),
  STAT: command((session, argument) => (argument === "" ? statOfServer(session) : statOfPath(session, argument))),
  SITE: command((session, argument) => {
    const [name = "", ...rest] = argument.split(" ");
    const site = SITE[name.toUpperCase()];
    if (!site) throw new Refused(500, `'SITE ${name.toUpperCase()}' not understood`);
    return site(session, rest.join(" "));
  }, "site"),
};

function featureLines(session: Session): string[] {
  const { features, tls } = session.shared.options;
  const hashes = Object.keys(DIGESTS).map((name) => (name === session.state.hash ? `${name}*` : name));
  const facts = FACTS.map((fact) => `${fact}${session.state.facts.has(fact) ? "*" : ""};`).join("");
  const lines: Array<[boolean, string]> = [
    [tls !== "none", "AUTH TLS"],
    [tls !== "none" && features.cpsv, "CPSV"],
    [features.epsv && features.active, "EPRT"],
    [features.epsv, "EPSV"],
    [features.hash, `HASH ${hashes.join(";")}`],
    [true, "LANG en-US*"],
    [features.mdtm, "MDTM"],
    [features.mff, "MFF modify;UNIX.mode;"],
    [features.mfmt, "MFMT"],
    [features.mlsd, `MLST ${facts}`],
    [tls !== "none", "PBSZ"],
    [tls !== "none", "PROT"],
    [features.hash, "RANG STREAM"],
    [features.rest, "REST STREAM"],
    [features.size, "SIZE"],
    [features.tvfs, "TVFS"],
    [features.utf8, "UTF8"],
    ...["XCRC", "XMD5", "XSHA1", "XSHA256", "XSHA512"].map((name): [boolean, string] => [features.hash, name]),
  ];
  return lines.filter(([on]) => on).map(([, line]) => ` ${line}`);
}

/** Each option that OPTS can set; `set` gives the text of the 200. */
const OPTIONS: Record<string, { feature: keyof FtpFeatures; set(session: Session, value: string): string }> = {
  UTF8: { feature: "utf8", set: (_session, value) => (/^(ON|)$/i.test(value) ? "UTF8 set to on" : refuse501()) },
  MLST: {
    feature: "mlsd",
    set: (session, value) => {
      const wanted = value.toLowerCase().split(";");
      session.state.facts = new Set(FACTS.filter((fact) => wanted.includes(fact)));
      return `MLST OPTS ${[...session.state.facts].map((fact) => `${fact};`).join("")}`;
    },
  },
  HASH: {
    feature: "hash",
    set: (session, value) => {
      if (value !== "" && !DIGESTS[value.toUpperCase()]) refuse501();
      if (value !== "") session.state.hash = value.toUpperCase();
      return session.state.hash;
    },
  },
};

const SITE: Record<string, (session: Session, argument: string) => Promise<void> | undefined> = {
  HELP: (session) => session.reply(214, "The following SITE commands are recognized.\n CHMOD UTIME HELP\nHelp OK."),
  CHMOD: (session, argument) => {
    const [, mode = "", name = ""] = /^0?([0-7]{3}) (.+)$/.exec(argument) ?? refuse501();
    owned(session, name).mode = Number.parseInt(mode, 8);
    return session.reply(200, "SITE CHMOD command successful");
  },
  /** `SITE UTIME yyyymmddhhmm[ss] name`, or `SITE UTIME name atime mtime ctime UTC`. */
  UTIME: (session, argument) => {
    const short = /^(\d{12})(\d\d)? (.+)$/.exec(argument);
    const long = /^(.+) \d{14} (\d{14}) \d{14} UTC$/.exec(argument);
    const time = parseTime(short ? `${short[1]}${short[2] ?? "00"}` : (long?.[2] ?? ""));
    if (time === undefined) throw new Refused(501, "Invalid time.");
    const node = owned(session, short?.[3] ?? long?.[1] ?? "");
    if (!session.shared.faults.ignoreTimes) node.modified = time;
    return session.reply(200, "UTIME command successful");
  },
};

function owned(session: Session, name: string) {
  const node = session.shared.tree.own(session.resolve(name));
  if (!node) throw new Refused(550, `${name}: No such file or directory`);
  return node;
}

function refuse501(): never {
  throw new Refused(501, "Option not understood.");
}

function onlyStandard(session: Session, what: string, only: string, asked: string): Promise<void> | undefined {
  if (asked.toUpperCase() !== only) throw new Refused(504, `'${asked}' is not supported`);
  return session.reply(200, `${what} set to ${only}`);
}

function statOfServer(session: Session): Promise<void> | undefined {
  const { state, control, shared } = session;
  const about = [` Logged in as ${state.user}`, ` TYPE: ${state.type}`, control.secure ? " Protected" : " Plain text"];
  return session.reply(211, [`${shared.options.greeting.split("\n")[0]}`, ...about, "End of status"].join("\n"));
}

/** A listing over the control connection (RFC 959 4.1.3). */
function statOfPath(session: Session, argument: string): Promise<void> | undefined {
  const rows: string[] = [];
  for (const entry of listed(session, argument.replace(/^-\S+ ?/, "")).entries) rows.push(unixRow(entry, Date.now()));
  return session.reply(213, [`Status of ${argument}:`, ...rows, "End of status"].join("\n"));
}
