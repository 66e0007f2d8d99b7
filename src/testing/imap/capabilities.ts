/** What CAPABILITY says, on a connection as it is now: a table. */
import { announced } from "../sasl/index.js";
import type { ImapFeatures, ResolvedImapServerOptions } from "./options.js";
import type { Session } from "./session.js";

type Flag = { [Name in keyof ImapFeatures]: ImapFeatures[Name] extends boolean ? Name : never }[keyof ImapFeatures];

/** Told at any time. */
const ALWAYS: readonly (readonly [Flag, ...string[]])[] = [
  ["imap4rev2", "IMAP4rev2"],
  ["saslIr", "SASL-IR"],
  ["id", "ID"],
  ["enable", "ENABLE"],
];

/** Told behind a login. */
const LATER: readonly (readonly [Flag, ...string[]])[] = [
  ["idle", "IDLE"],
  ["namespace", "NAMESPACE"],
  ["unselect", "UNSELECT"],
  ["uidplus", "UIDPLUS"],
  ["move", "MOVE"],
  ["condstore", "CONDSTORE"],
  ["qresync", "QRESYNC"],
  ["esearch", "ESEARCH"],
  ["searchres", "SEARCHRES"],
  ["within", "WITHIN"],
  ["partial", "PARTIAL"],
  ["fuzzy", "SEARCH=FUZZY"],
  ["sort", "SORT"],
  ["thread", "THREAD=ORDEREDSUBJECT", "THREAD=REFERENCES"],
  ["children", "CHILDREN"],
  ["listExtended", "LIST-EXTENDED"],
  ["listStatus", "LIST-STATUS"],
  ["specialUse", "SPECIAL-USE"],
  ["createSpecialUse", "CREATE-SPECIAL-USE"],
  ["statusSize", "STATUS=SIZE"],
  ["multiappend", "MULTIAPPEND"],
  ["binary", "BINARY"],
  ["preview", "PREVIEW"],
  ["savedate", "SAVEDATE"],
  ["objectid", "OBJECTID"],
  ["quota", "QUOTA", "QUOTA=RES-STORAGE", "QUOTA=RES-MESSAGE"],
  ["acl", "ACL", "RIGHTS=kxte"],
  ["metadata", "METADATA"],
  ["notify", "NOTIFY"],
  ["utf8", "UTF8=ACCEPT"],
];

const LITERALS = { plus: ["LITERAL+"], minus: ["LITERAL-"], none: [] };

/** The mechanisms to announce now. */
export function mechanismsOf(session: Session): string[] {
  const { options } = session.shared;
  if (options.requireTls && !session.channel.tls) return [];
  return announced(options.mechanisms, session.channel.tls, options.clientCa);
}

/** The words behind CAPABILITY. */
export function capabilities(session: Session): string[] {
  const { options } = session.shared;
  const { features } = options;
  const words = ["IMAP4rev1", ...wordsOf(ALWAYS, features), ...LITERALS[features.literal]];
  if (session.state.user === undefined) words.push(...beforeLogin(session, options));
  else {
    words.push(...wordsOf(LATER, features));
    if (options.limits.announceAppend) words.push(`APPENDLIMIT=${options.limits.append}`);
    if (features.sort && features.esearch) words.push("ESORT");
    if (features.compress && !session.channel.compressed) words.push("COMPRESS=DEFLATE");
  }
  return options.capabilities(words);
}

function beforeLogin(session: Session, { tls, requireTls, features }: ResolvedImapServerOptions): string[] {
  const secure = session.channel.tls !== undefined;
  const words = mechanismsOf(session).map((name) => `AUTH=${name}`);
  if (tls === "starttls" && !secure) words.push("STARTTLS");
  if (!features.login || (requireTls && !secure)) words.push("LOGINDISABLED");
  return words;
}

function wordsOf(table: typeof ALWAYS, features: ImapFeatures): string[] {
  return table.flatMap(([feature, ...words]) => (features[feature] ? words : []));
}
