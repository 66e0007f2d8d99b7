/** The template language of `match` and `route`: text with `{fields}` → pieces. Pure. */
import { UsageError } from "../../../client/errors.js";

/** Text that stands for itself. */
export interface LiteralPiece {
  literal: string;
}

/** `{field}` or `{field:spec}`. */
export interface FieldPiece {
  field: string;
  /** What follows the colon; "" where there is none. */
  spec: string;
  /** 1-based column of the opening brace. */
  column: number;
}

export type Piece = LiteralPiece | FieldPiece;

const FIELD = /^([A-Za-z][A-Za-z0-9_]*)(?::([\s\S]*))?$/;

/** An error about a template, which quotes it and says where. */
export function templateError(template: string, column: number, problem: string): UsageError {
  return new UsageError(`the template ${JSON.stringify(template)}, column ${column}: ${problem}`);
}

/**
 * Splits a template. `{{` and `}}` stand for a brace; a field ends at the first `}`.
 *
 * @throws UsageError for a brace without its partner or a field without a proper name.
 */
export function parseTemplate(template: string): Piece[] {
  const pieces: Piece[] = [];
  let literal = "";
  for (let at = 0; at < template.length; ) {
    const character = template[at]!;
    if ((character === "{" || character === "}") && template[at + 1] === character) {
      literal += character;
      at += 2;
    } else if (character === "{") {
      if (literal) pieces.push({ literal });
      literal = "";
      const end = template.indexOf("}", at);
      pieces.push(parseField(template, at, end));
      at = end + 1;
    } else if (character === "}") {
      throw templateError(template, at + 1, `"}" closes nothing; write "}}" for the character itself`);
    } else {
      literal += character;
      at++;
    }
  }
  if (literal) pieces.push({ literal });
  return pieces;
}

function parseField(template: string, start: number, end: number): FieldPiece {
  const column = start + 1;
  if (end < 0) throw templateError(template, column, `"{" is never closed; write "{{" for the character itself`);
  const inside = template.slice(start + 1, end);
  const parts = FIELD.exec(inside);
  if (parts) return { field: parts[1]!, spec: parts[2] ?? "", column };
  const alternatives = inside.includes(",") ? `; alternatives are written {name:${inside.split(",").join("|")}}` : "";
  throw templateError(
    template,
    column,
    `{${inside}} is no field: it begins with a name (a letter, then letters, digits or _)${alternatives}`,
  );
}
