/** Articles: ARTICLE HEAD BODY STAT (RFC 3977 6.2). */
import type { Article } from "../article.js";
import { isMessageId } from "../range.js";
import { dotStuffed, Refused } from "../reply.js";
import type { Session } from "../session.js";
import { type CommandTable, command } from "./command.js";
import { current, selected } from "./groups.js";

export const ARTICLES: CommandTable = {
  ARTICLE: sending(220, (article) => `${article.head}\r\n${article.body}`),
  HEAD: sending(221, (article) => article.head),
  BODY: sending(222, (article) => article.body),
  STAT: command(
    "reading",
    (session, [which]) => {
      const { number, article } = lookUp(session, which);
      session.reply(223, `${number} ${article.messageId}`);
    },
    { arguments: [0, 1] },
  ),
};

/** The article that a number, a message-id or nothing means. A number makes it the current one. */
export function lookUp(session: Session, which: string | undefined): { number: number; article: Article } {
  if (which !== undefined && isMessageId(which)) {
    const article = session.shared.groups.find(which);
    if (!article) throw new Refused(430, "No article with that message-id");
    return { number: 0, article };
  }
  if (which !== undefined && !/^\d{1,16}$/.test(which)) throw new Refused(501, "Not a number or message-id");
  const group = selected(session);
  const number = which === undefined ? current(session).number : Number(which);
  const article = group.article(number);
  if (!article) throw new Refused(which === undefined ? 420 : 423, "No article with that number");
  session.state.number = number;
  return { number, article };
}

function sending(code: number, part: (article: Article) => string) {
  return command(
    "reading",
    (session, [which]) => {
      const { number, article } = lookUp(session, which);
      const text = part(article);
      const ended = text === "" || text.endsWith("\r\n") ? text : `${text}\r\n`;
      // The articles' own bodies are never compressed by XFEATURE COMPRESS GZIP.
      return session.pieces(`${code} ${number} ${article.messageId}\r\n`, [dotStuffed(ended)], ".\r\n");
    },
    { arguments: [0, 1] },
  );
}
