/** The argument of MAIL and RCPT: a path in angle brackets, and parameters behind it (RFC 5321 4.1.2). Pure. */

/** What MAIL or RCPT says. Texts are decoded from UTF-8. */
export interface PathArgument {
  /** Without its angle brackets; "" for the empty path. */
  address: string;
  /** By names in upper case; true: without a value. */
  params: Record<string, string | true>;
  /** What was written though no grammar allows it; it was understood all the same. */
  oddities: string[];
}

const FRONT = { FROM: /^FROM:( *)/i, TO: /^TO:( *)/i };
const PATH = /^<((?:"(?:[^"\\]|\\.)*"|[^<>"\\])*)>/;

/** Reads `FROM:<a@b> SIZE=1`; undefined where it cannot be understood. `line`: latin1. */
export function parsePathArgument(line: string, keyword: "FROM" | "TO"): PathArgument | undefined {
  const [front, space] = FRONT[keyword].exec(line) ?? [];
  if (front === undefined) return undefined;
  const text = Buffer.from(line.slice(front.length), "latin1").toString("utf8");
  const [path, address = ""] = PATH.exec(text) ?? [];
  if (path === undefined) return undefined;
  const params = parseParameters(text.slice(path.length));
  if (!params) return undefined;
  const oddities = space === "" ? [] : ["a blank in front of the path"];
  return { address, params: params.values, oddities: [...oddities, ...params.oddities] };
}

function parseParameters(text: string): { values: PathArgument["params"]; oddities: string[] } | undefined {
  const values: PathArgument["params"] = Object.create(null);
  const oddities: string[] = [];
  if (text === "") return { values, oddities };
  if (!text.startsWith(" ")) return undefined;
  for (const word of text.slice(1).split(" ")) {
    if (word === "") {
      oddities.push("a blank too many");
      continue;
    }
    const [, name = "", value] = /^([A-Za-z0-9][A-Za-z0-9-]*)(?:=([^=\s\0-\x1f]+))?$/.exec(word) ?? [];
    if (name === "" || name.toUpperCase() in values) return undefined;
    values[name.toUpperCase()] = value ?? true;
  }
  return { values, oddities };
}

const ATOM = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~\\x80-\\u{10ffff}-]+";
const LOCAL = new RegExp(`^(?:${ATOM}(?:\\.${ATOM})*|"(?:[^"\\\\\\0-\\x1f\\x7f]|\\\\[ -~])*")$`, "u");
const LABEL = "[A-Za-z0-9\\x80-\\u{10ffff}](?:[A-Za-z0-9\\x80-\\u{10ffff}-]*[A-Za-z0-9\\x80-\\u{10ffff}])?";
const DOMAIN = new RegExp(`^(?:${LABEL}(?:\\.${LABEL})*|\\[[!-Z^-~]+\\])$`, "u");

/** Whether this is a mailbox of RFC 5321 4.1.2 (RFC 6531 with letters beyond ASCII). */
export function isMailbox(address: string): boolean {
  const at = address.lastIndexOf("@");
  const [local, domain] = [address.slice(0, Math.max(0, at)), address.slice(at + 1)];
  const short = Buffer.byteLength(local) <= 64 && Buffer.byteLength(domain) <= 255;
  return at > 0 && short && LOCAL.test(local) && DOMAIN.test(domain);
}

const patterns = new Map<string, RegExp>();

/** Whether an address fits a pattern: `*` is any text, case does not matter. */
export function fitsPattern(pattern: string, address: string): boolean {
  const known = patterns.get(pattern) ?? patternOf(pattern);
  patterns.set(pattern, known);
  return known.test(address);
}

function patternOf(pattern: string): RegExp {
  const source = pattern
    .split("*")
    .map((part) => part.replace(/[\\^$.+?()[\]{}|]/g, "\\$&"))
    .join(".*");
  return new RegExp(`^${source}$`, "isu");
}
