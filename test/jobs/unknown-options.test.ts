/** Options of the jobs that do not exist: refused, before anything is sent or written. */
import { expect, test } from "vitest";
import { UsageError } from "../../src/client/errors.js";
import { copyMail, fetchArticles, fetchHeaders, fetchMail, watchMail } from "../../src/jobs/index.js";

// Nobody listens there: a job that went on would fail otherwise.
const news = { server: "nntp://127.0.0.1:1/a.b", to: () => {} };
const mail = "imap://alice:s3cret@127.0.0.1:1/INBOX";

test.each<[string, () => Promise<unknown>, string]>([
  [
    "fetchHeaders",
    () => fetchHeaders({ ...news, ...{ conections: 2 } }),
    "conections is not an option: is connections meant?",
  ],
  [
    "fetchArticles",
    () => fetchArticles({ ...news, ...{ rangesize: 2 } }),
    "rangesize is not an option: is rangeSize meant?",
  ],
  ["fetchMail", () => fetchMail({ server: mail, to: () => {}, ...{ deleteafter: true } }), "is deleteAfter meant?"],
  ["copyMail", () => copyMail({ from: mail, to: mail, ...{ jurnal: "x" } }), "is journal meant?"],
  ["watchMail", () => watchMail({ server: mail, ...{ expunge: true } }).next(), "is expunges meant?"],
])("%s refuses one, and tells which was probably meant", async (_, job, words) => {
  const error = await job().catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(UsageError);
  expect(String(error)).toContain(words);
});
