/** Done files: `data.csv` may be taken once `data.csv.done` is there. Template → names. Pure. */
import { UsageError } from "../../../client/errors.js";
import { escapeRegExp } from "../names/date-format.js";
import { split } from "../names/route.js";
import { parseTemplate, templateError } from "../names/template.js";

/** What becomes of a done file once its file is safe. */
export type DoneFate = "remove" | "move" | "keep";

/** What a job takes for `doneFile`: the template of its name, or that and its fate. */
export type DoneFileOption = string | { readonly name: string; readonly after?: DoneFate | undefined };

/** A compiled done file. */
export interface DoneFile {
  readonly source: string;
  readonly after: DoneFate;
  /** The done file's name for a file's; both without folder. */
  of(name: string): string;
  /** Whether a name is that of a done file: such a file is never taken for data. */
  test(name: string): boolean;
}

const FATES: readonly DoneFate[] = ["remove", "move", "keep"];
const WORDS = ["name", "stem", "ext"] as const;
const isWord = (field: string): field is (typeof WORDS)[number] => WORDS.some((word) => word === field);

/**
 * Compiles a done file's name: a template of `{name}`, `{stem}` and `{ext}` with text around them. It lies in the folder
 * of its file.
 *
 * @param usual Its fate where none is given.
 * @throws UsageError for a template that says nothing of the file, has no text of its own or leads to another folder.
 */
export function compileDoneFile(given: DoneFileOption, usual: DoneFate): DoneFile {
  const { name: source, after = usual } = typeof given === "string" ? { name: given } : given;
  if (!FATES.includes(after)) throw new UsageError(`doneFile.after is one of ${FATES.join(", ")}, not "${after}"`);
  const pieces = parseTemplate(source).map((piece) => {
    if ("literal" in piece) return piece;
    if (isWord(piece.field) && piece.spec === "") return { field: piece.field };
    throw templateError(source, piece.column, "a done file's name is made of {name}, {stem} and {ext} only");
  });
  const text = pieces.map((piece) => ("literal" in piece ? piece.literal : "")).join("");
  const problem =
    text === ""
      ? "needs text of its own: it would be the name of the file itself"
      : !pieces.some((piece) => "field" in piece && piece.field !== "ext")
        ? "needs {name} or {stem}: each file has a done file of its own"
        : /[/\r\n\0]/.test(text) && "holds a character that no name has: it lies in the folder of its file";
  if (problem) throw new UsageError(`the done file ${JSON.stringify(source)} ${problem}`);
  const pattern = pieces.map((piece) =>
    "literal" in piece ? escapeRegExp(piece.literal) : piece.field === "ext" ? "[\\s\\S]*" : "[\\s\\S]+",
  );
  const regexp = new RegExp(`^${pattern.join("")}$`);
  return {
    source,
    after,
    of(name) {
      const words = split(name);
      return pieces.map((piece) => ("literal" in piece ? piece.literal : words[piece.field])).join("");
    },
    test: (name) => regexp.test(name),
  };
}
