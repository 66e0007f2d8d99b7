/** Commands as they come: lines, and the literals between them (RFC 9051 4.3, RFC 7888). */
import { strikes } from "../command-faults.js";
import { Input } from "./input.js";
import { Refused } from "./reply.js";
import type { Session } from "./session.js";

/** Octets of a line that every server takes (RFC 7162 4); a longer one is taken here as well, and noted. */
const LONGEST_LINE = 8192;

/** A command, whole. */
export interface Received {
  /** Its lines (octets) in one, as they came, without the tag; literals are left out. */
  readonly line: string;
  /** As the grammar reads it, from behind the name on. */
  readonly input: Input;
}

/** The rest of a command that begins with this line (behind its tag). Undefined: refused, and answered; or the client has gone. */
export async function receive(session: Session, name: string, first: string): Promise<Received | undefined> {
  const { channel } = session;
  const lines = [first];
  const literals: Buffer[] = [];
  let refused: Refused | undefined;
  for (;;) {
    const line = lines.at(-1) as string;
    noteLine(session, line);
    const [announcement, , digits, plus] = /(~?)\{(\d+)(\+?)\}$/.exec(line) ?? [];
    if (announcement === undefined) break;
    const size = Number(digits);
    refused ??= refusal(session, name, lines, size, plus === "+");
    if (plus === "") {
      if (refused) break; // it waits for a + that does not come
      if (channel.waiting.length > 0) session.violation("A synchronizing literal was not waited for", line);
      session.send("+ Ready for literal data\r\n");
      await channel.flush();
    }
    const bytes = await channel.bytes(size, refused === undefined);
    const next = bytes && (await channel.line());
    if (bytes === undefined || next === undefined) return undefined;
    literals.push(bytes);
    lines.push(next);
  }
  const line = lines.join("");
  if (!refused) {
    const rest = [first.slice(name.length), ...lines.slice(1)];
    return { line, input: new Input(rest, literals, session.utf8) };
  }
  session.shared.log(`${session.tag} ${line}`);
  session.refuse(refused, line);
  return undefined;
}

function noteLine(session: Session, line: string): void {
  if (session.channel.endedBare) session.violation("A line ended with LF alone", line);
  if (line.length > LONGEST_LINE) session.violation(`A line of ${line.length} octets`, line);
}

/** Why a literal is not taken, before it comes. */
function refusal(session: Session, name: string, lines: string[], size: number, plus: boolean): Refused | undefined {
  const { limits, features } = session.shared.options;
  try {
    session.admit(name);
    if (strikes(session.shared.faults.refuseLiteral, lines[0] as string)) return new Refused("NO", "Not this literal");
    if (plus && features.literal === "none") return new Refused("BAD", "A literal with + that was not announced");
    if (plus && features.literal === "minus" && size > 4096) {
      return new Refused("BAD", "A literal of more than 4096 octets with +, where LITERAL- is announced");
    }
    const most = name === "APPEND" ? limits.append : limits.literal;
    return size > most ? new Refused("NO", `${size} octets are too many`, "TOOBIG") : undefined;
  } catch (error) {
    if (error instanceof Refused) return error;
    throw error;
  }
}
