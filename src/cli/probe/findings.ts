/** What the facts of a probe mean: what is in order, missing or dangerous, each with an advice. A table. Pure. */
import { count, counted, size } from "../format.js";
import type { Facts } from "./facts.js";
import { FEATURES, PROTOCOL } from "./features.js";
import type { SeenMailbox } from "./look.js";

/** ✓ in order, ! worth knowing, ✗ dangerous or broken. */
export type Mark = "✓" | "!" | "✗";

/** One line of the verdict. */
export interface Finding {
  readonly mark: Mark;
  readonly says: string;
  readonly advice?: string;
}

type Rule = (facts: Facts) => Finding | readonly Finding[] | undefined;

const finding = (mark: Mark, says: string, advice?: string): Finding =>
  advice === undefined ? { mark, says } : { mark, says, advice };

/** True where one of the features is there; `word argument` looks at what is behind the word, too. */
export function hasFeature(facts: Pick<Facts, "features">, ...names: readonly string[]): boolean {
  return names.some((name) => {
    const [word = "", argument] = name.split(" ");
    const args = facts.features[word];
    return args !== undefined && (argument === undefined || args.toUpperCase().includes(argument));
  });
}

const told = (facts: Facts) => Object.keys(facts.features).length > 0;

/** Every rule, in the order of the page. */
const RULES: readonly Rule[] = [
  ({ unsafe, security }) => {
    if (security === "plain") return undefined;
    return unsafe && finding("✗", unsafe.message, "do not send a password before this is settled");
  },
  ({ security, unsafe, asked, protocol }) => {
    if (security !== "plain") return undefined;
    const why = asked === "plain" ? "as you asked" : `the server has no TLS (${unsafe?.message.split(":")[0] ?? ""})`;
    return finding(
      "✗",
      `plain text: passwords and ${PROTOCOL[protocol].carries} can be read and changed on the way; ${why}`,
      `ask for ${protocol.toUpperCase()} over TLS`,
    );
  },
  (facts) => {
    const { upgrade } = PROTOCOL[facts.protocol];
    const offered = facts.asked === "plain" && hasFeature(facts, upgrade);
    return offered ? finding("!", `the server offers ${upgrade}`, "leave --plain out") : undefined;
  },
  ({ tls }) => {
    if (!tls) return undefined;
    const old = !/^TLSv1\.[23]$/.test(tls.version);
    return old
      ? finding("✗", `${tls.version} is broken`, "the server needs TLS 1.2 or 1.3")
      : finding("✓", `encrypted with ${tls.version}`);
  },
  ({ tls, unsafe }) => {
    if (!tls) return undefined;
    const { daysLeft, validUntil } = tls;
    if (daysLeft < 0 && unsafe) return undefined;
    if (daysLeft < 0) return finding("✗", `the certificate expired on ${validUntil}`, "its operator must renew it");
    if (daysLeft < 30)
      return finding("!", `the certificate ends in ${daysLeft} days, on ${validUntil}`, "renew it in time");
    if (unsafe) return undefined;
    if (tls.untrusted)
      return finding("✗", `the certificate is not trusted here: ${tls.untrusted}`, "leave --insecure out");
    return finding("✓", `the certificate is trusted, for ${count(daysLeft)} more days`);
  },
  ({ tls }) =>
    tls?.selfSigned
      ? finding("!", "the certificate is self-signed", "have it sent another way, and give it with --ca")
      : undefined,
  ({ user, loginRefused }) => {
    if (loginRefused) return finding("✗", loginRefused.message);
    return user === undefined
      ? finding("!", "not logged in", "give a user name to see more")
      : finding("✓", `logged in as ${user}`);
  },
  ({ listed, lookRefused, folder, protocol }) => {
    if (protocol !== "ftp") return undefined;
    if (lookRefused) return finding("✗", `no listing: ${lookRefused.message}`, "a firewall? Try --active");
    const entries = `${listed ?? 0}${(listed ?? 0) >= 1000 ? " or more" : ""} entries`;
    return listed === undefined
      ? undefined
      : finding("✓", `data connections work: ${entries} in ${folder ?? "the folder"}`);
  },
  ({ lookRefused, group, mailbox, protocol }) => {
    if (lookRefused && protocol !== "ftp") return finding("✗", lookRefused.message);
    if (group) return finding("✓", `${group.name}: ${count(group.articles)} articles`);
    return mailbox && finding("✓", mail(mailbox));
  },
  (facts) => {
    if (!told(facts))
      return finding(
        "!",
        "the server told no features",
        facts.user ? "it is an old one" : "it may tell them after a login",
      );
    return FEATURES[facts.protocol].map(([names, good, missing]) => {
      const [says = "", advice] = missing.split(/: (.*)/s);
      return hasFeature(facts, ...names) ? finding("✓", good) : finding("!", says, advice);
    });
  },
  (facts) => {
    if (facts.protocol !== "ftp" || !told(facts)) return undefined;
    if (hasFeature(facts, "MFMT", "MFF")) return finding("✓", "files can be given the time they had");
    const advice = facts.setsTime
      ? "times are set by MDTM or SITE UTIME, if it agrees"
      : "files get the time of their upload";
    return finding("!", "no MFMT to set the time of a file", advice);
  },
  (facts) => logins(facts),
  ({ protocol, features }) => {
    if (protocol !== "pop3") return undefined;
    const { EXPIRE: days, "LOGIN-DELAY": delay } = features;
    const lines: Finding[] = [];
    if (days !== undefined && !/^NEVER/i.test(days)) {
      lines.push(finding("!", `EXPIRE ${days}: the server deletes mail so many days after it was read`));
    }
    if (delay !== undefined && Number.parseInt(delay, 10) > 0) {
      lines.push(finding("!", `LOGIN-DELAY ${delay}: so many seconds have to lie between two logins`));
    }
    return lines;
  },
  ({ software }) => software?.known.map((text) => finding("!", `${software.name}: ${text}`)),
];

function mail({ name, messages, unseen, bytes }: SeenMailbox): string {
  const told = [
    counted(messages, "message"),
    unseen === undefined || messages === 0 ? undefined : `${count(unseen)} of them unread`,
    bytes === undefined ? undefined : size(bytes),
  ].filter((each) => each !== undefined);
  return `${name === undefined ? "" : `${name}: `}${told.join(", ")}`;
}

/** How one may log in; a server that takes passwords in the clear invites others to read them. */
function logins({ protocol, features, security }: Facts): Finding | undefined {
  const { sasl } = PROTOCOL[protocol];
  const mechanisms =
    sasl === undefined ? undefined : /^(?:.*\bSASL:)?([A-Z0-9_:+ -]+)/i.exec(features[sasl] ?? "")?.[1];
  if (!mechanisms) return undefined;
  const says = `logins: ${mechanisms.replace(/SASL:/g, "").split(" ").filter(Boolean).join(", ")}`;
  const isOpen = security === "plain" && /\b(PLAIN|LOGIN)\b/.test(mechanisms);
  return isOpen ? finding("✗", `${says}: passwords are taken in the clear`) : finding("✓", says);
}

/** What the facts mean. */
export function judge(facts: Facts): Finding[] {
  return RULES.flatMap((rule) => rule(facts) ?? []);
}
