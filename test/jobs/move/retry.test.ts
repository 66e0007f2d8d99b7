/** Retries: what a failure means, and how long to wait. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  AbortedError,
  ConnectionError,
  LoginError,
  ProtocolError,
  ReplyError,
  SinkError,
  TimeoutError,
  TlsError,
  UsageError,
} from "../../../src/client/errors.js";
import { checkMove } from "../../../src/jobs/index.js";
import { classify, delay, isExhausted } from "../../../src/jobs/move/lanes/retry.js";

const reply = (code: string, text = "no", Kind: typeof ReplyError | typeof LoginError = ReplyError) =>
  new Kind(text, { command: "STOR x", code, transient: code.startsWith("4") });
const sink = (code: string) => new SinkError("disk", { cause: Object.assign(new Error(code), { code }) });

describe("classify", () => {
  it.each([
    ["450 busy", reply("450"), "retry"],
    ["425 no data connection", reply("425"), "retry"],
    ["426 data connection lost", reply("426"), "retry"],
    ["550 refused", reply("550"), "fail"],
    ["553 bad name", reply("553"), "fail"],
    ["452 disk full", reply("452"), "pause"],
    ["552 quota", reply("552"), "pause"],
    ["451 of vsftpd's full disk", reply("451", "Failure writing to local file."), "pause"],
    ["451 of Pure-FTPd's full disk", reply("451", "Error during write to file"), "pause"],
    ["451 of ProFTPD's full disk", reply("451", "Transfer aborted. No space left on device"), "pause"],
    ["451 of a file of such a name", reply("451", 'the server refused "STOR disk full": 451 Busy'), "retry"],
    ["451 of what cannot be read", reply("451", "Failure reading local file."), "retry"],
    ["530 alone", reply("530"), "pause"],
    ["430 alone", new LoginError("no", { command: "PASS ***", code: "430", transient: true }), "retry"],
    ["530 too many", reply("530", "Sorry, the maximum number of clients are already connected."), "cap"],
    ["421 alone", reply("421"), "retry"],
    ["refused password", reply("530", "Login incorrect.", LoginError), "pause"],
    ["connection lost", new ConnectionError("lost", { phase: "data" }), "retry"],
    ["silence", new TimeoutError("silent", { phase: "data" }), "retry"],
    ["certificate", new TlsError("expired", { phase: "tls" }), "pause"],
    ["handshake cut", new TlsError("cut", { phase: "tls", retryable: true }), "retry"],
    ["aborted", new AbortedError("stop"), "fail"],
    ["protocol broken", new ProtocolError("what"), "fail"],
    ["usage", new UsageError("CR in name"), "fail"],
    ["local disk full", sink("ENOSPC"), "pause"],
    ["local quota", sink("EDQUOT"), "pause"],
    ["local file forbidden", sink("EACCES"), "fail"],
    [
      "out of sockets",
      new ConnectionError("x", { phase: "connect", cause: Object.assign(new Error(), { code: "EMFILE" }) }),
      "cap",
    ],
    ["a bug", new TypeError("undefined"), "fail"],
  ])("%s", (_, error, verdict) => {
    expect(classify(error)).toBe(verdict);
  });

  it("takes a refused login for a limit while other connections are logged in", () => {
    expect(classify(reply("530"), { others: 3 })).toBe("cap");
    expect(classify(reply("421", "Too many connections"), { others: 3 })).toBe("cap");
    expect(classify(reply("421", "Timeout."), { others: 3 })).toBe("retry");
  });
});

describe("delay", () => {
  it("doubles its ceiling from 1 s to 60 s, and never falls below 0.5 s", () => {
    expect([1, 2, 3, 6, 7, 8, 1000].map((attempt) => delay(attempt, 0.999999))).toEqual([
      1000, 2000, 4000, 32_000, 60_000, 60_000, 60_000,
    ]);
    expect([0, 1, 50].map((attempt) => delay(attempt, 0))).toEqual([500, 500, 500]);
    fc.assert(
      fc.property(fc.nat(), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (attempt, random) => {
        const wait = delay(attempt, random);
        expect(wait >= 500 && wait <= 60_000).toBe(true);
      }),
    );
  });
});

it("gives a file up after its own tries, never for the sake of the server", () => {
  expect([1, 2, 3].map((tries) => isExhausted("fail", tries))).toEqual([false, false, true]);
  expect([9, 10].map((tries) => isExhausted("retry", tries))).toEqual([false, true]);
  expect([isExhausted("pause", 99), isExhausted("cap", 99)]).toEqual([false, false]);
  expect(isExhausted("fail", 1, { fail: 1, retry: 1 })).toBe(true);
});

it.each([Number.NaN, -1, 1.5, Number.POSITIVE_INFINITY])("%d tries are refused", (tries) => {
  const options = { from: "/tmp/out", to: "/tmp/in" };
  expect(() => checkMove({ ...options, tries: { fail: tries } })).toThrow(/tries\.fail/);
  expect(() => checkMove({ ...options, tries: { retry: tries } })).toThrow(/tries\.retry/);
});
