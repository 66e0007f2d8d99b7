/** Optional properties say `| undefined`: who compiles with exactOptionalPropertyTypes may then hand on what may be missing. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { expect, test } from "vitest";

const SRC = new URL("../src", import.meta.url).pathname;

/** The command line tool exports nothing. */
const PRIVATE = /^cli\//;

/** Types that take undefined already. */
const OPEN: ReadonlySet<ts.SyntaxKind> = new Set([
  ts.SyntaxKind.AnyKeyword,
  ts.SyntaxKind.UnknownKeyword,
  ts.SyntaxKind.UndefinedKeyword,
  ts.SyntaxKind.NeverKeyword,
]);

function takesUndefined(type: ts.TypeNode | undefined): boolean {
  if (type === undefined) return true;
  return ts.isUnionTypeNode(type) ? type.types.some(takesUndefined) : OPEN.has(type.kind);
}

function isExported(node: ts.Node): boolean {
  return ts.canHaveModifiers(node) && !!ts.getModifiers(node)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);
}

/** The optional properties of a file's exported interfaces and types, and of the parameters of what it exports, that do not. */
function exactOnes(file: ts.SourceFile): string[] {
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isBlock(node)) return;
    if (ts.isPropertySignature(node) && node.questionToken && !takesUndefined(node.type)) {
      const { line } = file.getLineAndCharacterOfPosition(node.getStart(file));
      found.push(`${file.fileName}:${line + 1} ${node.name.getText(file)}`);
    }
    ts.forEachChild(node, visit);
  };
  for (const statement of file.statements) if (isExported(statement)) visit(statement);
  return found;
}

test("every optional property of what src/ exports takes undefined", () => {
  const names = readdirSync(SRC, { recursive: true, encoding: "utf8" });
  const files = names.filter((name) => name.endsWith(".ts") && !PRIVATE.test(name));
  expect(files.length).toBeGreaterThan(300);
  const exact = files.flatMap((name) => {
    const text = readFileSync(join(SRC, name), "utf8");
    return text.includes("?: ") ? exactOnes(ts.createSourceFile(name, text, ts.ScriptTarget.Latest)) : [];
  });
  expect(exact).toEqual([]);
});
