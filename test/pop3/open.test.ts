/** URLs of POP3: open(), what `;auth=` asks for, and that there is no path. */
import { describe, expect, test } from "vitest";
import { UsageError } from "../../src/client/errors.js";
import { clientFor, open } from "../../src/open.js";
import { Pop3Client } from "../../src/pop3/client.js";
import { testTls } from "../../src/testing/tls.js";
import { failure } from "../net/loopback.js";
import { ALICE, clientOf, enter, memory, QUICK } from "./dialogue.js";

const tls = { ca: testTls.ca };

test("open() logs in", async () => {
  const { server } = await memory({ users: { alice: { password: ALICE.password, messages: ["a\r\n"] } } });
  await using pop3 = await open(server.urlOf("alice") as `pop3://${string}`, { timeouts: QUICK });
  expect(pop3).toBeInstanceOf(Pop3Client);
  expect(await pop3.stat()).toEqual({ count: 1, bytes: 3 });
});

test.each([
  ["pop3s", "implicit"],
  ["pop3", "starttls"],
] as const)("%s: is TLS", async (scheme, how) => {
  const { server } = await memory({ tls: how });
  await using pop3 = await open(`${scheme}://alice:s3cret@127.0.0.1:${server.port}`, { tls });
  expect(pop3.secure).toBe(true);
});

test("a path is refused before anything is dialled", async () => {
  const error = await failure(open("pop3s://alice:s3cret@127.0.0.1:1/INBOX"));
  expect(error).toBeInstanceOf(UsageError);
  expect(error.message).not.toContain("s3cret");
});

describe(";auth= (RFC 2384 §4.1)", () => {
  const loginBy = async (auth: string) => {
    const { server } = await memory();
    const url = `pop3://alice;auth=${auth}:s3cret@127.0.0.1:${server.port}/?security=plain`;
    const pop3 = await clientFor(url, { timeouts: QUICK }, "pop3");
    await enter(pop3);
    await pop3.quit();
    return server.commands
      .find((line) => /^(?:AUTH|APOP|USER)/.test(line))
      ?.split(" ")
      .slice(0, 2)
      .join(" ");
  };

  test.each([
    ["+APOP", "APOP alice"],
    ["CRAM-MD5", "AUTH CRAM-MD5"],
    ["plain", "AUTH PLAIN"],
    ["*", "AUTH SCRAM-SHA-256"],
  ])("%s", async (auth, command) => {
    expect(await loginBy(auth)).toBe(command);
  });

  test("a mechanism that nobody knows is a UsageError", async () => {
    expect(await failure(clientFor("pop3s://alice;auth=NONSENSE@h", {}, "pop3"))).toBeInstanceOf(UsageError);
  });
});

test("clone() makes another client with the credentials that were accepted", async () => {
  const { pop3, server } = await memory({}, { credentials: undefined });
  await pop3.connect();
  await pop3.login(ALICE);
  await pop3.quit();
  await expect.poll(() => server.maildrop("alice").locked).toBe(false);
  const other = pop3.clone();
  await enter(other);
  expect(other.state).toBe("ready");
  await other.quit();
});

test("a mailbox that another session has is refused for now", async () => {
  const { pop3, server } = await memory();
  await enter(pop3);
  const { pop3: second } = clientOf(server);
  await second.connect();
  expect(await failure(second.login())).toMatchObject({ name: "ReplyError", enhanced: "IN-USE", retryable: true });
});
