/** A limit on connections made in a second that processes share: each in its turn, and no turn is lost with who waits for it. */
import { afterEach, expect, test, vi } from "vitest";
import { AskedLogins, LoginDesk, type LoginQuestion } from "../../../src/jobs/dispatch/shared-logins.js";
import { Logins } from "../../../src/jobs/move/lanes/logins.js";

afterEach(() => void vi.useRealTimers());

const { signal } = new AbortController();

/** A process, and the desk that answers it; what it asked. */
function ask(logins: Logins) {
  const questions: LoginQuestion[] = [];
  const asked: AskedLogins = new AskedLogins((question) => {
    questions.push(question);
    desk.hear(question);
  });
  const desk = new LoginDesk(logins, (id) => asked.granted(id));
  return { asked, desk, questions };
}

/** Notes when each is let through: milliseconds. */
async function through(takes: readonly Promise<void>[]): Promise<number[]> {
  const since = Date.now();
  const times = Promise.all(takes.map((take) => take.then(() => Date.now() - since)));
  await vi.advanceTimersByTimeAsync(10_000);
  return times;
}

test("two processes have their turns one after the other, for each server", async () => {
  vi.useFakeTimers();
  const logins = new Logins(2);
  const [one, other] = [ask(logins), ask(logins)];
  const takes = [one, other, one].map(({ asked }) => asked.take("a:21", signal));
  expect(await through([...takes, other.asked.take("b:21", signal)])).toEqual([0, 500, 1000, 0]);
});

test("a turn that is no longer wanted, or whose process is gone, is another one's", async () => {
  vi.useFakeTimers();
  const logins = new Logins(2);
  const [one, other] = [ask(logins), ask(logins)];
  await one.asked.take("a:21", signal);
  const abort = new AbortController();
  const given = one.asked.take("a:21", abort.signal);
  void one.asked.take("a:21", signal);
  abort.abort(new Error("enough"));
  await expect(given).rejects.toThrow("enough");
  one.desk.close();
  await vi.advanceTimersByTimeAsync(0);
  expect(await through([other.asked.take("a:21", signal)])).toEqual([500]);
  expect(one.questions.map(({ kind }) => kind)).toEqual(["login", "login", "login", "no login"]);
});

test("where the work is over already, nobody is asked", async () => {
  const { asked, questions } = ask(new Logins(2));
  await expect(asked.take("a:21", AbortSignal.abort(new Error("over")))).rejects.toThrow("over");
  expect(questions).toEqual([]);
});
