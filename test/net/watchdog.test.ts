/** Noticing silence, without a timer a command. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Watchdog } from "../../src/net/watchdog.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function setUp() {
  const barked = vi.fn();
  return { dog: new Watchdog(barked), barked };
}

test("silence is noticed once", () => {
  const { dog, barked } = setUp();
  dog.start(100);
  vi.advanceTimersByTime(99);
  expect(barked).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1000);
  expect(barked).toHaveBeenCalledTimes(1);
});

test("a touch begins the wait anew", () => {
  const { dog, barked } = setUp();
  dog.start(100);
  for (let i = 0; i < 10; i++) {
    vi.advanceTimersByTime(90);
    dog.touch();
  }
  expect(barked).not.toHaveBeenCalled();
  vi.advanceTimersByTime(100);
  expect(barked).toHaveBeenCalledTimes(1);
});

test("at rest, silence is not noticed; a new start uses the old timer where it can", () => {
  const { dog, barked } = setUp();
  dog.start(100);
  dog.rest();
  vi.advanceTimersByTime(50);
  dog.start(100);
  expect(vi.getTimerCount()).toBe(1);
  vi.advanceTimersByTime(99);
  expect(barked).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(barked).toHaveBeenCalledTimes(1);
});

test("a shorter wait is not held up by a longer one before it", () => {
  const { dog, barked } = setUp();
  dog.start(10_000);
  dog.rest();
  dog.start(10);
  vi.advanceTimersByTime(10);
  expect(barked).toHaveBeenCalledTimes(1);
});

test("stopped, it leaves no timer behind", () => {
  const { dog } = setUp();
  dog.start(2 ** 31 - 1);
  dog.stop();
  expect(vi.getTimerCount()).toBe(0);
});

test("setting the clock is not silence", () => {
  const { dog, barked } = setUp();
  dog.start(100);
  vi.setSystemTime(Date.now() + 3_600_000);
  vi.advanceTimersByTime(50);
  expect(barked).not.toHaveBeenCalled();
});

test("time in which the process stands still is not silence: what came meanwhile is read first", async () => {
  vi.useRealTimers();
  const { dog, barked } = setUp();
  dog.start(40);
  const stillness = performance.now() + 120;
  while (performance.now() < stillness);
  // As what is read behind it: neither its own turn nor the next one comes before the timers that are due.
  setTimeout(() => dog.touch(), 5);
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(barked).not.toHaveBeenCalled();
  await vi.waitFor(() => expect(barked).toHaveBeenCalledTimes(1), 5_000);
});
