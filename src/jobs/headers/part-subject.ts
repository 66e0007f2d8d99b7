/** Subjects of binary posts: `"name.ext" yEnc (3/27)` and what else programs write → name, part, total. Pure. */

/** What the subject of a part says. */
export interface PartSubject {
  /** The file's name as the subject has it: check it before it becomes a path. */
  readonly name: string;
  /** From 1; 0 is a description of the file. */
  readonly part: number;
  readonly total: number;
  /** The same for all parts of a file: the subject with the part's number left out, and what comes behind the count. */
  readonly key: string;
}

/** `(3/27)` behind yEnc, as the draft asks for. */
const YENC_COUNT = /\byenc\b[^([]{0,40}\(\s*(\d{1,7})\s*(?:\/|of)\s*(\d{1,7})\s*\)/gi;
const ROUND_COUNT = /\(\s*(\d{1,7})\s*(?:\/|of)\s*(\d{1,7})\s*\)/gi;
const SQUARE_COUNT = /\[\s*(\d{1,7})\s*(?:\/|of)\s*(\d{1,7})\s*\]/gi;
/** Where the count of parts may stand; the last of the first kind that is there counts. */
const COUNTS = [YENC_COUNT, ROUND_COUNT, SQUARE_COUNT];
const YENC = /\byenc\b/i;
const QUOTED = /"([^"]*[^"\s][^"]*)"/;
const WITH_EXTENSION = /([^\s"<>|()[\]]{1,250}\.[a-z0-9]{1,9})(?=[\s,)\]]|$)/i;
const ANSWER = /^\s*(?:re|aw|sv|antw)(?:\[\d+\])?:/i;
/** What some programs put behind the count: the size of the file, or of the part. */
const SIZE = /^\s*[([]?\d[\d.,]*\s*(?:[kmg]i?b|b|bytes)?[)\]]?\s*$/i;

/**
 * Reads the subject of a binary post. The count behind `yEnc` wins, then the last one in round brackets, then the last one
 * in square brackets where no name in quotes is there: `[3/12] "name" yEnc` is the third file of a post, in one piece.
 *
 * @returns Undefined for a subject without a count, for an answer to a post, and for numbers that make no sense.
 *
 * @example
 * parsePartSubject('[01/12] - "fox.part01.rar" yEnc (3/50) 12345')   // { name: "fox.part01.rar", part: 3, total: 50, … }
 */
export function parsePartSubject(subject: string): PartSubject | undefined {
  if (ANSWER.test(subject)) return undefined;
  const quoted = QUOTED.exec(subject)?.[1]?.trim();
  const count = findCount(subject, quoted !== undefined);
  if (count === undefined) {
    if (quoted === undefined || !YENC.test(subject)) return undefined;
    return { name: quoted, part: 1, total: 1, key: squeeze(subject) };
  }
  const [part, total] = [Number(count[1]), Number(count[2])];
  if (part > total || total === 0) return undefined;
  const end = count.index + count[0].length;
  const start = end - /[([][^([]*$/.exec(count[0])![0].length;
  const [before, behind] = [subject.slice(0, start), subject.slice(end)];
  const name = quoted ?? nameIn(before) ?? nameIn(behind) ?? squeeze(before.replace(YENC, "")).replace(/[\s:-]+$/, "");
  return {
    name,
    part,
    total,
    key: `${squeeze(before)} (/${total}) ${SIZE.test(behind) ? "" : squeeze(behind)}`.trim(),
  };
}

function findCount(subject: string, hasName: boolean): RegExpExecArray | undefined {
  for (const pattern of COUNTS) {
    if (pattern === SQUARE_COUNT && hasName) return undefined;
    const last = lastMatch(pattern, subject);
    if (last !== undefined) return last;
  }
  return undefined;
}

/** `pattern` has the flag g: each search goes on behind the last one. */
function lastMatch(pattern: RegExp, text: string): RegExpExecArray | undefined {
  let last: RegExpExecArray | undefined;
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) last = match;
  return last;
}

/** What looks like a file's name. */
function nameIn(text: string): string | undefined {
  return WITH_EXTENSION.exec(text)?.[1];
}

function squeeze(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}
