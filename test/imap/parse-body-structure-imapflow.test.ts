/** BODYSTRUCTURE beside imapflow: the same parts. */
import fc from "fast-check";
import { parser } from "imapflow/lib/handler/imap-handler.js";
import { parseBodystructure as imapflowStructure } from "imapflow/lib/tools.js";
import { expect, test } from "vitest";
import { type BodyPart, parseBodyStructure } from "../../src/imap/parse-body-structure.js";
import { bothForms } from "./reading.js";

const ENVELOPE = '(NIL "inner" NIL NIL NIL NIL NIL NIL NIL NIL)';

interface Shape {
  type: string;
  parameters: Record<string, string>;
  id: string | undefined;
  encoding: string | undefined;
  size: number | undefined;
  lines: number | undefined;
  disposition: string | undefined;
  parts: Shape[];
}

function ours(part: BodyPart): Shape {
  const { type, parameters, id, encoding, size, lines, disposition, parts } = part;
  return {
    type,
    parameters: Object.fromEntries(parameters),
    id,
    encoding,
    size,
    lines,
    disposition: disposition?.type,
    parts: parts.map(ours),
  };
}

function theirs(node: ReturnType<typeof imapflowStructure>): Shape {
  const { type, parameters = {}, id, encoding, size, lineCount, disposition, childNodes = [] } = node;
  return { type, parameters, id, encoding, size, lines: lineCount, disposition, parts: childNodes.map(theirs) };
}

test("the same parts as imapflow", async () => {
  const word = fc.stringMatching(/^[a-z0-9.]{1,8}$/);
  const parameters = fc
    .option(fc.uniqueArray(word, { minLength: 1, maxLength: 3 }))
    .map((all) => (all === null ? "NIL" : `(${all.map((each) => `"${each}" "v${each}"`).join(" ")})`));
  const extension = fc
    .tuple(fc.option(word), parameters)
    .map(([type, list]) => (type === null ? "NIL NIL NIL NIL" : `NIL ("${type}" ${list}) NIL NIL`));
  const single = fc
    .tuple(fc.constantFrom("text", "image"), word, parameters, fc.option(word), fc.nat(), extension)
    .map(
      ([type, subtype, list, id, size, rest]) =>
        `("${type}" "${subtype}" ${list} ${id === null ? "NIL" : `"<${id}>"`} NIL "base64" ${size}${type === "text" ? " 7" : ""} ${rest})`,
    );
  const part = fc.letrec((tie) => ({
    part: fc.oneof(
      { maxDepth: 4 },
      single,
      (tie("part") as fc.Arbitrary<string>).map(
        (body) => `("message" "rfc822" NIL NIL NIL "7bit" 9 ${ENVELOPE} ${body} 3 NIL NIL NIL NIL)`,
      ),
      fc
        .tuple(fc.array(tie("part") as fc.Arbitrary<string>, { minLength: 1, maxLength: 3 }), word)
        .map(([all, type]) => `(${all.join("")} "${type}" ("boundary" "b") NIL NIL NIL)`),
    ),
  })).part as fc.Arbitrary<string>;
  await fc.assert(
    fc.asyncProperty(part, async (values) => {
      const node = imapflowStructure((await parser(`* X ${values}`)).attributes?.[0] as never);
      expect(bothForms(values, (cursor) => ours(parseBodyStructure(cursor)!))).toEqual(theirs(node));
    }),
  );
});
