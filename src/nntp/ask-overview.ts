/** How rows of many articles are asked for: OVER, XOVER or XZVER; HDR, XHDR or XZHDR. And what their fields are called. */
import { ReplyError } from "../client/errors.js";
import type { Reply } from "../client/session.js";
import { Pieces } from "../net/pieces.js";
import type { BodyOptions, RowsPlan } from "../net/rows.js";
import { inflateYenc } from "./compressed-body.js";
import type { Overview } from "./overview.js";
import { OverParser } from "./parse-over.js";
import { type NntpSession, UNKNOWN } from "./session.js";

/** The plan for the rows of one OVER. `range` as it is sent; undefined for the current article. */
export function askOverview(range: string | undefined): RowsPlan<Overview, NntpSession> {
  const argument = range === undefined ? "" : ` ${range}`;
  return {
    parser: (session) => new OverParser(session.options.limits.line, session.overviewFormat),
    empty: emptyFor(range),
    ask: async (session, options) => {
      const format = learnFormat(session, options.timeout);
      const reply = askRows(session, ["XZVER", "OVER", "XOVER"], argument, options);
      return (await Promise.all([reply, format]))[0];
    },
  };
}

/** Asks for rows by the first spelling that the server understands: the compressed one, today's, the old one. */
export async function askRows(
  session: NntpSession,
  [compressed, name, older]: readonly [string, string, string],
  argument: string,
  options: BodyOptions,
): Promise<Reply> {
  if (session.xzver && argument !== "") {
    try {
      return await askDeflated(session, `${compressed}${argument}`, options);
    } catch (error) {
      if (!(error instanceof ReplyError && UNKNOWN.test(error.code))) throw error;
      session.xzver = false;
    }
  }
  return session.sendForBodyAs([name, older], argument, options);
}

/** The rows come as one yEnc block of deflated bytes, or as a zlib stream. */
async function askDeflated(session: NntpSession, command: string, options: BodyOptions): Promise<Reply> {
  const { body } = session.options.limits;
  const pieces = new Pieces(body);
  let take: ((piece: Buffer) => void) | undefined;
  const begin = (reply: Reply) => {
    const rows = options.begin(reply);
    // Some send the stream as it is, and say so: it is inflated already.
    if (session.inflates(command, reply)) return rows;
    take = rows;
    return (piece: Buffer) => pieces.take(piece);
  };
  const reply = await session.sendForBody(command, { timeout: options.timeout, begin });
  if (take) inflateYenc(pieces.whole(), body, take);
  return reply;
}

/** Asks for the names of the fields behind the seventh, once, in one write with the first command that needs them. */
async function learnFormat(session: NntpSession, timeout: number | undefined): Promise<void> {
  const format = session.overviewFormat;
  if (format.asked) return;
  format.asked = true;
  const lines = new Pieces(session.options.limits.reply);
  try {
    await session.sendForBody("LIST OVERVIEW.FMT", { timeout, begin: () => (piece) => lines.take(piece) });
  } catch (error) {
    // A server without the list: fields name themselves, or go by their place.
    if (session.line.closed) throw error;
    return;
  }
  format.names = parseFormat(lines.whole().toString("latin1"));
}

/** How servers say that a range holds no article: OVER by 423, XOVER, XHDR and XPAT by 420 as well (RFC 2980). */
export function emptyFor(range: string | undefined): readonly string[] {
  return range === undefined || range.startsWith("<") ? [] : ["420", "423"];
}

/**
 * The answer to LIST OVERVIEW.FMT (RFC 3977 §8.4): the names behind the seventh field, in lower case. `Xref:full` is
 * `xref`; metadata keep their colon: `:x-size`.
 */
export function parseFormat(text: string): string[] {
  const lines = text.split(/\r?\n/).filter((line) => line !== "");
  return lines.slice(7).map((line) => line.toLowerCase().replace(/:(full)?$/, ""));
}
