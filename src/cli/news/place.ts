/** Which newsgroup and which articles a command line names (RFC 5538 §4). Pure. */
import { parseUrl, UsageError } from "../../index.js";
import { address } from "../address.js";
import type { Globals } from "../globals.js";

/** What the path of a news URL says. */
export interface NewsPlace {
  /** Undefined where the URL names none. */
  readonly group: string | undefined;
  /** A number or a message-id; undefined where the URL names none. */
  readonly article: string | undefined;
}

/** `group`, `group/number` or a message-id. Throws UsageError for another path. */
export function newsPlace(url: string, globals: Pick<Globals, "user" | "plain">): NewsPlace {
  const path = parseUrl(address(url, globals)).path.replace(/\/$/, "");
  if (path === "") return { group: undefined, article: undefined };
  if (path.includes("@")) return { group: undefined, article: articleId(path) };
  const [group = "", article, ...rest] = path.split("/");
  if (group !== "" && rest.length === 0)
    return { group, article: article === undefined ? article : articleId(article) };
  throw new UsageError(`the path ${JSON.stringify(path)} is no newsgroup`, {
    advice: "a news URL is nntps://host/group or nntps://host/group/number",
  });
}

/** A number, or a message-id with its brackets, which a shell would want quoted. Throws UsageError for anything else. */
export function articleId(text: string): string {
  if (/^\d+$/.test(text)) return text;
  const id = /^[^<>]+@[^<>]+$/.test(text) ? `<${text}>` : text;
  if (/^<[^<>\s]+>$/.test(id)) return id;
  throw new UsageError(`${JSON.stringify(text)} is neither an article's number nor a message-id`, {
    advice: "a message-id is 'left@right', in quotes where it holds what the shell understands",
  });
}

/** The articles of a command line, and the group to select for them. Throws UsageError where something is missing. */
export function wantedArticles({ group, article }: NewsPlace, given: readonly string[]) {
  const ids = [...(article === undefined ? [] : [article]), ...given.map(articleId)];
  if (ids.length === 0) throw new UsageError("which article? Its number or message-id is missing");
  const numbered = ids.find((id) => !id.startsWith("<"));
  if (numbered !== undefined && group === undefined) {
    throw new UsageError(`article ${numbered} of which newsgroup?`, { advice: "write nntps://host/group" });
  }
  return { ids, group: numbered === undefined ? undefined : group };
}
