/** Sorting and threading; quotas, rights and metadata: what is sent, and what comes of the answers. */
import { describe, expect, test } from "vitest";
import { UsageError } from "../../src/client/errors.js";
import { failure } from "../net/loopback.js";
import { inbox, ready } from "./dialogue.js";

test("SORT gives the server's order", async () => {
  const script =
    "C: A3 UID SORT (REVERSE DATE SUBJECT) UTF-8 UNSEEN\nS: * SORT 5 3 4\nS: A3 OK\nC: A4 SORT (SIZE) UTF-8 ALL\nS: * SORT\nS: A4 OK\n";
  const { imap, server } = await inbox(script);
  const all = [imap.sort(["-date", "subject"], { seen: false }), imap.sort(["size"], undefined, { by: "number" })];
  expect(await Promise.all(all)).toEqual([[5, 3, 4], []]);
  expect(await failure(imap.sort([]))).toBeInstanceOf(UsageError);
  await server.done;
});

test("THREAD gives conversations", async () => {
  const { imap, server } = await inbox(
    "C: A3 UID THREAD REFERENCES UTF-8 ALL\nS: * THREAD (2)(3 6 (4)(7))\nS: A3 OK\n",
  );
  const [first, second] = await imap.thread();
  expect(first?.messages).toEqual([2]);
  expect([second?.messages, second?.branches.map(({ messages }) => messages)]).toEqual([
    [3, 6],
    [[4], [7]],
  ]);
  await server.done;
});

describe("quotas", () => {
  test("of a root, and of a mailbox; a root without limits has none", async () => {
    const script =
      'C: A2 GETQUOTA ""\nS: * QUOTA "" (STORAGE 10 512)\nS: A2 OK\nC: A3 GETQUOTAROOT box\nS: * QUOTAROOT box "" other\nS: * QUOTA "" (STORAGE 10 512)\nS: A3 OK\n';
    const { imap, server } = await ready(script);
    const quota = { root: "", resources: [{ name: "STORAGE", usage: 10, limit: 512 }] };
    expect(await imap.getQuota()).toEqual(quota);
    expect(await imap.getQuotaRoot("box")).toEqual([quota, { root: "other", resources: [] }]);
    await server.done;
  });

  test("are set", async () => {
    const { imap, server } = await ready('C: A2 SETQUOTA "" (STORAGE 512)\nS: * QUOTA "" (STORAGE 10 512)\nS: A2 OK\n');
    await imap.setQuota("", { storage: 512 });
    await server.done;
  });
});

describe("access", () => {
  test("is told and changed", async () => {
    const script = [
      "C: A2 GETACL box\nS: * ACL box alice lrswipkxtea anyone lr\nS: A2 OK\n",
      'C: A3 SETACL box bob "+lr"\nS: A3 OK\n',
      "C: A4 DELETEACL box bob\nS: A4 OK\n",
      "C: A5 LISTRIGHTS box bob\nS: * LISTRIGHTS box bob l r s\nS: A5 OK\n",
      "C: A6 MYRIGHTS box\nS: * MYRIGHTS box lrs\nS: A6 OK\n",
    ].join("");
    const { imap, server } = await ready(script);
    expect([...(await imap.getAcl("box")).rights]).toEqual([
      ["alice", "lrswipkxtea"],
      ["anyone", "lr"],
    ]);
    await imap.setAcl("box", "bob", "+lr");
    await imap.deleteAcl("box", "bob");
    expect(await imap.listRights("box", "bob")).toMatchObject({ required: "l", optional: ["r", "s"] });
    expect(await imap.myRights("box")).toBe("lrs");
    await server.done;
  });

  test("an OK without an answer is a ReplyError, and the client goes on", async () => {
    const { imap, server } = await ready("C: A2 MYRIGHTS box\nS: A2 OK\nC: A3 NOOP\nS: A3 OK\n");
    expect(await failure(imap.myRights("box"))).toMatchObject({ name: "ReplyError", code: "OK", clientUsable: true });
    await imap.noop();
    await server.done;
  });

  test("what are no rights is not sent", async () => {
    const { imap, server } = await ready("");
    expect(await failure(imap.setAcl("box", "bob", 'l" x'))).toBeInstanceOf(UsageError);
    expect(await failure(imap.setAcl("box", "", "l"))).toBeInstanceOf(UsageError);
    await server.done;
  });
});

test("metadata is read, written and taken away", async () => {
  const script = [
    'C: A2 GETMETADATA (DEPTH 1) "" ("/shared/comment")\nS: * METADATA "" ("/shared/comment" {5}\nS: hi ho "/shared/comment/x" NIL)\nS: A2 OK\n',
    'C: A3 SETMETADATA box ("/private/comment" "mine" "/private/x" NIL)\nS: A3 OK\n',
  ].join("");
  const { imap, server } = await ready(script);
  expect([...(await imap.getMetadata("", ["/shared/comment"], { depth: 1 }))]).toEqual([
    ["/shared/comment", "hi ho"],
    ["/shared/comment/x", undefined],
  ]);
  await imap.setMetadata("box", { "/private/comment": "mine", "/private/x": null });
  await server.done;
});
