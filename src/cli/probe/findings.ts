/** What the facts of a probe mean: what is in order, missing or dangerous, each with an advice. A table. Pure. */
import { count } from "../format.js";
import type { Facts } from "./facts.js";

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

/** A feature, what it is good for, and what is the matter without it. */
const FEATURES: readonly (readonly [names: readonly string[], good: string, missing: string])[] = [
  [
    ["MLST", "MLSD"],
    "MLSD: exact sizes and times in listings",
    "no MLSD: listings are text to be guessed at; check times with --dry-run",
  ],
  [["SIZE"], "SIZE: what arrived can be verified", "no SIZE: an upload cannot be verified by its size"],
  [["REST STREAM"], "REST STREAM: broken transfers can be resumed", "no REST STREAM: a broken transfer begins anew"],
  [["MDTM"], "MDTM: exact times of files", "no MDTM: the time of a file is known from listings only"],
  [
    ["HASH", "XSHA512", "XSHA256", "XSHA1", "XMD5", "XCRC"],
    "the server computes digests of files",
    "no HASH or XSHA256: contents can be compared by downloading only",
  ],
  [["UTF8"], "names are UTF-8", "no UTF8: names beyond ASCII may be in any encoding; polywire keeps their bytes"],
  [["EPSV"], "EPSV: works over IPv6 and NAT", "no EPSV announced: over IPv6 it may not work"],
];

/** Every rule, in the order of the page. */
const RULES: readonly Rule[] = [
  ({ unsafe, security }) => {
    if (security === "plain") return undefined;
    return unsafe && finding("✗", unsafe.message, "do not send a password before this is settled");
  },
  ({ security, unsafe, asked }) => {
    if (security !== "plain") return undefined;
    const why = asked === "plain" ? "as you asked" : `the server has no TLS (${unsafe?.message.split(":")[0] ?? ""})`;
    return finding(
      "✗",
      `plain text: passwords and files can be read and changed on the way; ${why}`,
      "ask for FTP over TLS",
    );
  },
  (facts) => {
    const offered = facts.asked === "plain" && hasFeature(facts, "AUTH TLS");
    return offered ? finding("!", "the server offers AUTH TLS", "leave --plain out") : undefined;
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
  ({ listed, listingRefused, folder }) => {
    if (listingRefused) return finding("✗", `no listing: ${listingRefused.message}`, "a firewall? Try --active");
    const entries = `${listed ?? 0}${(listed ?? 0) >= 1000 ? " or more" : ""} entries`;
    return listed === undefined
      ? undefined
      : finding("✓", `data connections work: ${entries} in ${folder ?? "the folder"}`);
  },
  (facts) => {
    if (!told(facts))
      return finding(
        "!",
        "the server told no features",
        facts.user ? "it is an old one" : "it may tell them after a login",
      );
    return FEATURES.map(([names, good, missing]) => {
      const [says = "", advice] = missing.split(/: (.*)/s);
      return hasFeature(facts, ...names) ? finding("✓", good) : finding("!", says, advice);
    });
  },
  (facts) => {
    if (!told(facts)) return undefined;
    if (hasFeature(facts, "MFMT", "MFF")) return finding("✓", "files can be given the time they had");
    const advice = facts.setsTime
      ? "times are set by MDTM or SITE UTIME, if it agrees"
      : "files get the time of their upload";
    return finding("!", "no MFMT to set the time of a file", advice);
  },
  ({ software }) => software?.known.map((text) => finding("!", `${software.name}: ${text}`)),
];

/** What the facts mean. */
export function judge(facts: Facts): Finding[] {
  return RULES.flatMap((rule) => rule(facts) ?? []);
}
