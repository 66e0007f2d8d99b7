/** Many articles at a time: OVER XOVER HDR XHDR XPAT (RFC 3977 8, RFC 2980 2), XZVER XZHDR of some providers. */

import { isOn } from "../../command-faults.js";
import { flat, overviewRow } from "../article.js";
import { squeezed, yencoded } from "../compress.js";
import { cutsNow } from "../faults.js";
import type { NntpGroup } from "../group.js";
import { isMessageId, type NumberRange, parseRange } from "../range.js";
import { bodyLines, Refused } from "../reply.js";
import { spoiledRows } from "../row-faults.js";
import type { Session } from "../session.js";
import { toRegExp } from "../wildmat.js";
import { lookUp } from "./articles.js";
import { type CommandTable, command } from "./command.js";
import { current, selected, within } from "./groups.js";

export const OVERVIEWS: CommandTable = {
  OVER: command("reading", (session, [which]) => over(session, "OVER", which), { arguments: [0, 1], feature: "over" }),
  XOVER: command("reading", (session, [which]) => over(session, "XOVER", which), {
    arguments: [0, 1],
    feature: "xover",
  }),
  XZVER: command("reading", (session, [which]) => over(session, "XZVER", which), {
    arguments: [0, 1],
    feature: "xzver",
  }),
  HDR: command("reading", (session, words) => hdr(session, "HDR", words), { arguments: [1, 2], feature: "hdr" }),
  XHDR: command("reading", (session, words) => hdr(session, "XHDR", words), { arguments: [1, 2], feature: "xhdr" }),
  XZHDR: command("reading", (session, words) => hdr(session, "XZHDR", words), { arguments: [1, 2], feature: "xzver" }),
  XPAT: command(
    "reading",
    (session, [name = "", which = "", ...patterns]) => {
      const wanted = patterns.map(toRegExp);
      const matches = (value: string) => wanted.some((pattern) => pattern.test(value));
      return session.body(
        221,
        "Header follows",
        bodyLines(values(session, name, asked(session, "XPAT", which), matches)),
      );
    },
    { arguments: [3, Number.POSITIVE_INFINITY], feature: "xpat" },
  ),
};

/** What a command was asked for: one article, or a range of a group. */
type Asked = { id: string } | { group: NntpGroup; range: NumberRange; numbered: boolean };

function asked(session: Session, verb: string, which: string | undefined): Asked {
  if (which !== undefined && isMessageId(which)) {
    if (verb === "XOVER" || verb === "XZVER" || (verb === "OVER" && !session.shared.options.features.overById)) {
      throw new Refused(verb === "OVER" ? 503 : 501, "No message-ids here");
    }
    lookUp(session, which);
    return { id: which };
  }
  const given = which === undefined ? undefined : parseRange(which);
  if (!given) {
    const { group, number } = current(session);
    if (!group.has(number)) throw new Refused(420, "Current article number is invalid");
    return { group, range: { from: number, to: number }, numbered: false };
  }
  const group = selected(session);
  return { group, range: within(group, given), numbered: true };
}

/** The refusal of a range without articles: 423, or 420 as RFC 2980 has it; undefined where an empty list is given. */
function emptyRange(session: Session, verb: string): Refused | undefined {
  const { emptyRange } = session.shared.options.features;
  if (emptyRange === "224") return undefined;
  const code = emptyRange === "standard" ? (verb.startsWith("X") ? 420 : 423) : Number(emptyRange);
  return new Refused(code, "No articles in that range");
}

function isEmpty(group: NntpGroup, { from, to }: NumberRange): boolean {
  for (const _ of group.numbers(from, to)) return false;
  return true;
}

async function over(session: Session, verb: string, which: string | undefined): Promise<void> {
  const { faults, options } = session.shared;
  const wanted = asked(session, verb, which);
  if ("id" in wanted) {
    const row = overviewRow(0, lookUp(session, wanted.id).article, options.overview);
    return session.body(224, "Overview information follows", bodyLines([row]));
  }
  const { group, range } = wanted;
  const refusal = isEmpty(group, range) ? emptyRange(session, verb) : undefined;
  if (refusal) throw refusal;
  const cut = cutsNow(faults);
  const spoilt = cut || faults.rows || faults.rowsOutside;
  const empty = isOn(faults, "emptyOver");
  const rows = empty ? [] : spoilt ? spoiledRows(group, range, faults, cut) : group.rows(range.from, range.to);
  if (cut) {
    await session.pieces("224 Overview information follows\r\n", rows, "");
    await session.cut();
  } else if (verb === "XZVER") await packed(session, 224, rows);
  else await session.body(224, "Overview information follows", rows);
}

async function packed(session: Session, code: number, pieces: Iterable<Buffer | string>): Promise<void> {
  const { xzverCoding, xzverFormat, compressedDot, gzipTerminator } = session.shared.options.features;
  const data = squeezed(xzverFormat, pieces, compressedDot);
  if (xzverCoding === "yenc") return session.pieces(`${code} compressed data follows\r\n`, yencoded(data), ".\r\n");
  const dot = gzipTerminator === "always" ? ".\r\n" : "";
  return session.pieces(`${code} compressed data follows [COMPRESS=GZIP]\r\n`, data, dot);
}

function hdr(session: Session, verb: string, [name = "", which]: string[]): Promise<void> {
  const old = verb !== "HDR";
  const field = old && /^(bytes|lines)$/i.test(name) ? `:${name}` : name;
  if (field.startsWith(":") && !/^:(bytes|lines)$/i.test(field)) throw new Refused(503, `No metadata ${name} here`);
  const wanted = asked(session, verb, which);
  const refusal = "group" in wanted && isEmpty(wanted.group, wanted.range) ? emptyRange(session, verb) : undefined;
  if (refusal) throw refusal;
  const rows = bodyLines(values(session, field, wanted, undefined, old ? "(none)" : ""));
  if (verb === "XZHDR") return packed(session, 221, rows);
  return session.body(old ? 221 : 225, "Headers follow", rows);
}

/** Rows of a number (or what was asked for) and a header's value. */
function* values(
  session: Session,
  field: string,
  wanted: Asked,
  matches: (value: string) => boolean = () => true,
  missing = "",
): Iterable<string> {
  const name = field.toLowerCase();
  const numbers = "id" in wanted ? [wanted.id] : wanted.group.numbers(wanted.range.from, wanted.range.to);
  for (const number of numbers) {
    const article =
      typeof number === "string"
        ? session.shared.groups.find(number)
        : (wanted as { group: NntpGroup }).group.article(number);
    if (!article) continue;
    const value =
      name === ":bytes" ? `${article.bytes}` : name === ":lines" ? `${article.lines}` : article.header(name);
    const shown = flat(value ?? missing);
    if (matches(shown)) yield `${typeof number === "string" ? 0 : number} ${shown}`;
  }
}
