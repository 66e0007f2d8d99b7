/** Addresses of a header field (RFC 5322 3.4), as ENVELOPE wants them. Pure. */

/** As in ENVELOPE (RFC 9051 7.5.2): a group begins with only a mailbox (its name) and ends with nothing. */
export interface Address {
  readonly name?: string | undefined;
  readonly route?: string | undefined;
  readonly mailbox?: string | undefined;
  readonly host?: string | undefined;
}

type Token = { kind: "text" | "quoted" | "domain"; text: string; spaced: boolean } | { kind: "mark"; text: string };

/** The addresses of a value, groups marked as ENVELOPE marks them. */
export function addresses(value: string): Address[] {
  const found: Address[] = [];
  let phrase: Token[] = [];
  let angle: Token[] | undefined;
  let comment: string | undefined;
  let inAngle = false;
  let inGroup = false;
  const finish = () => {
    if (angle) found.push(addressOf(angle, phrase.length > 0 ? phraseOf(phrase) : undefined));
    else if (phrase.length > 0) found.push(addressOf(phrase, comment));
    phrase = [];
    angle = undefined;
    comment = undefined;
  };
  for (const token of tokens(value, (text) => (comment = text))) {
    if (token.kind !== "mark") (inAngle ? (angle as Token[]) : phrase).push(token);
    else if (token.text === "<") [angle, inAngle] = [[], true];
    else if (token.text === ">") inAngle = false;
    else if (inAngle || token.text === "@" || token.text === ".") (inAngle ? (angle as Token[]) : phrase).push(token);
    else if (token.text === ":") {
      found.push({ mailbox: phraseOf(phrase) });
      phrase = [];
      inGroup = true;
    } else {
      finish();
      if (token.text === ";" && inGroup) {
        found.push({});
        inGroup = false;
      }
    }
  }
  finish();
  return found;
}

function addressOf(tokens: Token[], name: string | undefined): Address {
  const colon = tokens.findIndex((token) => token.kind === "mark" && token.text === ":");
  const route =
    colon === -1
      ? undefined
      : tokens
          .slice(0, colon)
          .map(({ text }) => text)
          .join("");
  const rest = tokens.slice(colon + 1);
  const at = rest.findLastIndex((token) => token.kind === "mark" && token.text === "@");
  const join = (some: Token[]) => some.map(({ text }) => text).join("");
  if (at === -1) return { name, route, mailbox: join(rest), host: "" };
  return { name, route, mailbox: join(rest.slice(0, at)), host: join(rest.slice(at + 1)) };
}

function phraseOf(tokens: Token[]): string {
  let text = "";
  for (const token of tokens)
    text += token.kind !== "mark" && token.spaced && text !== "" ? ` ${token.text}` : token.text;
  return text;
}

function* tokens(value: string, comment: (text: string) => void): Iterable<Token> {
  const pattern = /(\s*)(?:"((?:[^"\\]|\\.)*)"|(\[[^\]]*\])|([<>@,;:.])|(\()|([^\s"[<>@,;:.()]+)|([\])"]))/gsy;
  for (let found = pattern.exec(value); found; found = pattern.exec(value)) {
    const [, blanks = "", quoted, domain, mark, open, atom] = found;
    const spaced = blanks !== "";
    if (quoted !== undefined) yield { kind: "quoted", text: quoted.replace(/\\(.)/gs, "$1"), spaced };
    else if (domain !== undefined) yield { kind: "domain", text: domain, spaced };
    else if (mark !== undefined) yield { kind: "mark", text: mark };
    else if (atom !== undefined) yield { kind: "text", text: atom, spaced };
    else if (open !== undefined) {
      const end = commentEnd(value, pattern.lastIndex);
      comment(value.slice(pattern.lastIndex, end - 1).replace(/\\(.)/gs, "$1"));
      pattern.lastIndex = end;
    }
  }
}

/** Behind the parenthesis that closes a comment; comments nest. */
function commentEnd(value: string, from: number): number {
  let depth = 1;
  let at = from;
  for (; at < value.length && depth > 0; at++) {
    if (value[at] === "\\") at += 1;
    else if (value[at] === "(") depth += 1;
    else if (value[at] === ")") depth -= 1;
  }
  return Math.min(at, value.length + 1);
}
