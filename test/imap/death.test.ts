/** The server dies, at every byte of what it says: an error each time, never half an answer taken for a whole one. */
import { expect, test } from "vitest";
import { PolywireError } from "../../src/client/errors.js";
import { hello, login, selected, talk } from "./dialogue.js";

const answer = '* 1 FETCH (UID 1 FLAGS (\\Seen) BODY[] {5}\r\nhello)\r\n* 2 FETCH (UID 2 BODY[] "x")\r\nA3 OK done\r\n';

test.each(Array.from({ length: answer.length }, (_, i) => i))("behind byte %i of an answer", async (at) => {
  const bytes = Buffer.from(answer.slice(0, at)).toString("base64");
  const dies = at === 0 ? "CLOSE\n" : `S~ ${bytes}\nCLOSE\n`;
  const { imap } = await talk(`${hello()}${login()}${selected("A2")}C: A3 UID FETCH 1:2 (BODY.PEEK[])\n${dies}`);
  await imap.connect();
  await imap.login();
  await imap.select("INBOX");
  const rows: unknown[] = [];
  const error = await imap
    .fetch("1:2", ["BODY.PEEK[]"])
    .each((batch) => void rows.push(...batch.map(({ body }) => body.get("")?.toString())))
    .catch((failure: unknown) => failure);
  // The last line end may be missing its CR LF: nothing is whole before.
  expect(error).toBeInstanceOf(PolywireError);
  expect(imap.state).toBe("closed");
  expect(["hello", "x"].slice(0, rows.length)).toEqual(rows);
});
