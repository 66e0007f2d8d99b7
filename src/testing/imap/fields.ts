/** Values of header fields: unfolded, with their parameters (RFC 2045 5.1, RFC 2231) and comments. Pure. */
import type { Field } from "./mime.js";

/** A parameter; its name in lower case. */
export type Parameter = readonly [name: string, value: string];

/** A value in one line, without the blanks around it. */
export function unfolded(value: string): string {
  return value
    .replace(/\r?\n(?=[ \t])/g, "")
    .replace(/\r?\n$/, "")
    .trim();
}

/** The first field of a name. */
export function fieldOf(fields: readonly Field[], name: string): string | undefined {
  return fields.find((field) => field.name.toLowerCase() === name)?.value;
}

/** `; name=value` behind a value. */
export function parameters(value: string | undefined): Parameter[] {
  const found: Parameter[] = [];
  const pattern = /;\s*([^\s=;"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*))/gs;
  for (const [, name = "", quoted, token = ""] of (value ?? "").matchAll(pattern))
    found.push([name.toLowerCase(), quoted?.replace(/\\(.)/g, "$1") ?? token]);
  return found;
}

/** What is in front of the parameters. */
export function bare(value: string): string {
  return value.split(";", 1)[0]?.trim() ?? "";
}
