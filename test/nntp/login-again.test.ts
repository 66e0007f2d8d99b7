/** 480 in the middle: one login for all that was refused, in the order of the calls, and never for longer than they are wanted. */
import { expect, test, vi } from "vitest";
import { AbortedError, LoginError } from "../../src/client/errors.js";
import { failure } from "../net/loopback.js";
import { ALICE, connected } from "./dialogue.js";

const LOGIN = "C: AUTHINFO USER alice\nS: 381 more\nC: AUTHINFO PASS ***\nS: 281 in\nC: CAPABILITIES\nS: 500 what?\n";
const STATS = "C: STAT 1\nC: STAT 2\nC: STAT 3\n";
const REFUSED = "S: 480 login\nS: 480 login\nS: 480 login\n";
const FOUND = "S: 223 1 <1@x>\nS: 223 2 <2@x>\nS: 223 3 <3@x>\n";

test("an article behind a group() that is repeated comes from that group", async () => {
  const { nntp, server } = await connected(
    `C: GROUP private\nS: 480 login\n${LOGIN}C: GROUP private\nS: 211 1 5 5 private\nC: STAT 5\nS: 223 5 <5@private>\n`,
    { credentials: ALICE },
  );
  const [group, article] = await Promise.all([nntp.group("private"), nntp.stat(5)]);
  expect([group.name, article.messageId]).toEqual(["private", "<5@private>"]);
  await server.done;
});

test("the last group() is the one that is selected, whichever was repeated", async () => {
  const { nntp, server } = await connected(
    `C: GROUP private\nS: 480 login\n${LOGIN}C: GROUP private\nS: 211 1 5 5 private\nC: GROUP public\nS: 211 1 5 5 public\n`,
    { credentials: ALICE },
  );
  await Promise.all([nntp.group("private"), nntp.group("public")]);
  await server.done;
});

test.each([
  ["listgroup()", "LISTGROUP a.b", "S: 211 1 5 5 a.b\nS: 5\nS: .\n"],
  ["next()", "NEXT", "S: 223 6 <6@x>\n"],
  ["last()", "LAST", "S: 223 4 <4@x>\n"],
])("an article behind a %s that is repeated is asked for behind it", async (_, command, answer) => {
  const { nntp, server } = await connected(
    `C: ${command}\nS: 480 login\n${LOGIN}C: ${command}\n${answer}C: STAT\nS: 223 5 <5@x>\n`,
    { credentials: ALICE },
  );
  const calls = { LISTGROUP: () => nntp.listgroup("a.b").toArray(), NEXT: () => nntp.next(), LAST: () => nntp.last() };
  const call = calls[command.split(" ")[0] as keyof typeof calls];
  await Promise.all([call(), nntp.stat()]);
  await server.done;
});

test("the credentials are asked for once, however many commands were refused", async () => {
  const credentials = vi.fn(async () => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    return ALICE;
  });
  const { nntp, server } = await connected(`${STATS}${REFUSED}${LOGIN}${STATS}${FOUND}`, { credentials });
  const found = await Promise.all([nntp.stat(1), nntp.stat(2), nntp.stat(3)]);
  expect(found.map(({ number }) => number)).toEqual([1, 2, 3]);
  expect(credentials).toHaveBeenCalledTimes(1);
  await server.done;
});

test("a call made while the credentials are asked for waits for the login", async () => {
  const credentials = async () => {
    await new Promise((resolve) => setTimeout(resolve, 50));
    return ALICE;
  };
  const { nntp, server } = await connected(
    `C: STAT 1\nS: 480 login\n${LOGIN}C: STAT 1\nC: STAT 2\nS: 223 1 <1@x>\nS: 223 2 <2@x>\n`,
    { credentials },
  );
  const first = nntp.stat(1);
  await new Promise((resolve) => setTimeout(resolve, 25));
  await Promise.all([first, nntp.stat(2)]);
  await server.done;
});

test("where there are none, that is asked once as well", async () => {
  const credentials = vi.fn(async () => undefined);
  const { nntp, server } = await connected(`${STATS}${REFUSED}`, { credentials });
  const refused = await Promise.all([failure(nntp.stat(1)), failure(nntp.stat(2)), failure(nntp.stat(3))]);
  expect(refused).toMatchObject([{ code: "480" }, { code: "480" }, { code: "480" }]);
  expect(credentials).toHaveBeenCalledTimes(1);
  await server.done;
});

test("a refused login is the answer to all of them: a wrong password is sent once", async () => {
  const refusal = "C: AUTHINFO USER alice\nS: 381 more\nC: AUTHINFO PASS ***\nS: 481 wrong\n";
  const { nntp, server } = await connected(`${STATS}${REFUSED}${refusal}`, { credentials: ALICE });
  const refused = await Promise.all([failure(nntp.stat(1)), failure(nntp.stat(2)), failure(nntp.stat(3))]);
  for (const error of refused) expect(error).toBeInstanceOf(LoginError);
  await server.done;
});

test("a call whose credentials never come ends by its signal", async () => {
  const { nntp } = await connected("C: STAT 1\nS: 480 login\nWAIT 500\n", { credentials: () => new Promise(() => {}) });
  const controller = new AbortController();
  const call = failure(nntp.stat(1, { signal: controller.signal }));
  await new Promise((resolve) => setTimeout(resolve, 30));
  const behind = failure(nntp.stat(2));
  controller.abort();
  expect(await call).toBeInstanceOf(AbortedError);
  expect(await behind).toBeInstanceOf(AbortedError);
  expect(nntp.state).toBe("closed");
});
