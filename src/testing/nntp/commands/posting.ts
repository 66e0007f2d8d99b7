/** Articles from the client: POST IHAVE (RFC 3977 6.3), CHECK TAKETHIS (RFC 4644). */

import { isOn } from "../../command-faults.js";
import { Article } from "../article.js";
import { newsgroupsOf } from "../groups.js";
import { Refused } from "../reply.js";
import type { Session } from "../session.js";
import { formatDate } from "../times.js";
import { type CommandTable, command } from "./command.js";

export const POSTING: CommandTable = {
  POST: command("posting", (session) => post(session)),
  IHAVE: command("posting", (session, [id = ""]) => ihave(session, id), { arguments: [1, 1], feature: "ihave" }),
  CHECK: command("posting", (session, [id = ""]) => check(session, id), { arguments: [1, 1], feature: "streaming" }),
  TAKETHIS: command("nothing", (session, [id = ""]) => takeThis(session, id), {
    arguments: [1, 1],
    feature: "streaming",
  }),
};

async function post(session: Session): Promise<void> {
  if (!session.shared.options.features.post) throw new Refused(440, "Posting not permitted");
  session.reply(340, "Send article to be posted");
  await session.channel.flush();
  const text = await session.channel.article();
  if (text === undefined) return;
  const article = completed(session, Article.parse(text));
  if (isOn(session.shared.faults, "cannotStore")) throw new Refused(441, "Cannot store it now, try again later");
  const why = whyNot(session, article, true);
  if (why !== undefined) throw new Refused(441, why);
  session.shared.groups.store(article, newsgroupsOf(article));
  session.reply(240, `Article received ${article.messageId}`);
}

async function ihave(session: Session, id: string): Promise<void> {
  if (session.shared.groups.find(id)) throw new Refused(435, "Article not wanted");
  session.reply(335, "Send it");
  await session.channel.flush();
  const text = await session.channel.article();
  if (text === undefined) return;
  if (isOn(session.shared.faults, "cannotStore")) throw new Refused(436, "Cannot store it now, try again later");
  const why = fed(session, id, text);
  if (why !== undefined) throw new Refused(437, why);
  session.reply(235, "Article transferred OK");
}

function check(session: Session, id: string): void {
  if (session.shared.groups.find(id)) throw new Refused(438, id);
  session.reply(isOn(session.shared.faults, "cannotStore") ? 431 : 238, id);
}

/** The article comes behind the command, whatever the answer will be (RFC 4644 2.5). */
async function takeThis(session: Session, id: string): Promise<void> {
  const text = await session.channel.article();
  if (text === undefined) return;
  const { requireLogin } = session.shared.options;
  const asked = requireLogin === "always" || requireLogin === "posting";
  if (asked && session.state.user === undefined) throw new Refused(480, "Authentication required");
  if (isOn(session.shared.faults, "cannotStore")) session.hangUp(400, "Cannot store it now, try again later");
  else session.reply(fed(session, id, text) === undefined ? 239 : 439, id);
}

/** Keeps an article from another server; gives the reason where it does not. */
function fed(session: Session, id: string, text: string): string | undefined {
  const article = Article.parse(text);
  const why = whyNot(session, article, false);
  if (why !== undefined) return why;
  if (article.messageId !== id) return "Another message-id than announced";
  session.shared.groups.store(article, newsgroupsOf(article));
  return undefined;
}

/** What a posting agent may leave to the server (RFC 5537 3.5). */
function completed(session: Session, article: Article): Article {
  const { hostname, now } = session.shared.options;
  let whole = article;
  if (whole.header("path") === undefined) whole = whole.with("Path", `${hostname}!not-for-mail`);
  if (whole.header("date") === undefined) whole = whole.with("Date", formatDate(now()));
  if (whole.header("message-id") === undefined) whole = whole.with("Message-ID", session.shared.groups.newId());
  return whole;
}

function whyNot(session: Session, article: Article, posted: boolean): string | undefined {
  const { groups, options } = session.shared;
  if (article.bytes > options.limits.articleBytes) return "Article too big";
  for (const name of ["From", "Newsgroups", "Subject", "Date", "Message-ID", "Path"]) {
    if (!article.header(name)) return `Required ${name} header is missing`;
  }
  if (/(^|[^\r])\n|\r(?!\n)|\0/.test(article.head)) return "Bare CR, bare LF or NUL in the headers";
  if (!/^<[!-=?-~]{1,248}>$/.test(article.messageId)) return "Not a message-id";
  if (groups.find(article.messageId)) return "Duplicate message-id";
  const here = newsgroupsOf(article).filter((name) => groups.has(name));
  if (here.length === 0) return "No such newsgroup";
  if (posted && here.some((name) => groups.get(name).status === "n")) return "Posting to this group is not allowed";
  if (posted && !article.header("approved") && here.some((name) => groups.get(name).status === "m")) {
    return "The group is moderated";
  }
  return undefined;
}
