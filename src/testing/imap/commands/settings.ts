/** What is about the conversation itself: CAPABILITY, NOOP, CHECK, ID (RFC 2971), ENABLE (RFC 5161), NAMESPACE (RFC 2342), IDLE (RFC 2177). */
import { capabilities } from "../capabilities.js";
import type { Input } from "../input.js";
import type { ImapFeatures } from "../options.js";
import { bad, nstring, octets, string } from "../reply.js";
import type { Session } from "../session.js";
import { type CommandTable, command } from "./command.js";

export const SETTINGS: CommandTable = {
  CAPABILITY: command("any", (session, input) => {
    input.finish();
    session.untagged(`CAPABILITY ${capabilities(session).join(" ")}`);
  }),
  NOOP: command("any", (_session, input) => input.finish()),
  CHECK: command("selected", (_session, input) => input.finish()),
  ID: command("any", (session, input) => id(session, input), "id"),
  ENABLE: command("authenticated", (session, input) => enable(session, input), "enable"),
  NAMESPACE: command(
    "authenticated",
    (session, input) => {
      input.finish();
      const { delimiter } = session.tree;
      session.untagged(`NAMESPACE (("" ${nstring(delimiter || undefined)})) NIL NIL`);
    },
    ({ features }) => features.namespace || features.imap4rev2,
  ),
  IDLE: command(
    "authenticated",
    async (session, input) => {
      input.finish();
      const { channel } = session;
      if (channel.waiting.length > 0) session.violation("DONE did not wait for the +");
      session.update(true);
      session.send("+ idling\r\n");
      await channel.flush();
      const before = channel.whileSilent;
      channel.whileSilent = () => session.push(true);
      const line = await channel.line();
      channel.whileSilent = before;
      if (line === undefined) return;
      session.shared.log(line);
      if (line.toUpperCase() !== "DONE") bad(`DONE was due, not ${line}`);
    },
    ({ features }) => features.idle || features.imap4rev2,
  ),
};

function id(session: Session, input: Input): void {
  input.blank();
  if (!input.skip("NIL")) {
    const words = input.list(() => input.nstring());
    if (words.length % 2 === 1) bad("ID takes pairs");
  }
  input.finish();
  const pairs = Object.entries(session.shared.options.id);
  const words = pairs.flat().map((word) => string(octets(word)));
  session.untagged(`ID ${words.length === 0 ? "NIL" : `(${words.join(" ")})`}`);
}

const ENABLED: Readonly<Record<string, keyof ImapFeatures>> = {
  CONDSTORE: "condstore",
  QRESYNC: "qresync",
  "UTF8=ACCEPT": "utf8",
  IMAP4REV2: "imap4rev2",
};

function enable(session: Session, input: Input): void {
  const asked: string[] = [];
  do asked.push(input.blank().word());
  while (!input.ended);
  const { features } = session.shared.options;
  const { enabled, selected } = session.state;
  if (selected && asked.some((word) => word.startsWith("UTF8="))) {
    bad("UTF8=ACCEPT is enabled before a mailbox is selected (RFC 6855 3)");
  }
  const known = asked.filter((word) => {
    const feature = Object.hasOwn(ENABLED, word) ? ENABLED[word] : undefined;
    return feature !== undefined && features[feature] && !enabled.has(word);
  });
  for (const word of known) enabled.add(word);
  const words = known.map((word) => (word === "IMAP4REV2" ? "IMAP4rev2" : word));
  session.untagged(["ENABLED", ...words].join(" "));
}
