/** Every method: a signal before, a signal in mid call, and a server that says nothing; and calls from inside loops. */
import { expect, onTestFinished, test } from "vitest";
import type { CallOptions } from "../../src/client/session.js";
import { ImapClient } from "../../src/imap/client.js";
import { ImapServer } from "../../src/testing/imap-server.js";
import { failure } from "../net/loopback.js";
import { ALICE, QUICK } from "./dialogue.js";

type Invoke = (imap: ImapClient, options: CallOptions) => Promise<unknown>;

const GROUPS = [{ of: "personal", events: ["messageNew", "messageExpunge"] }] as const;

/** The methods that ask the server something, and the command that each begins with. */
const CALLS: Readonly<Record<string, readonly [command: string, invoke: Invoke]>> = {
  append: ["APPEND", (imap, options) => imap.append("INBOX", { text: "x" }, options)],
  appendAll: ["APPEND", (imap, options) => imap.appendAll("INBOX", [{ content: { text: "x" } }], options).toArray()],
  capability: ["CAPABILITY", (imap, options) => imap.capability(options)],
  changesSince: ["ENABLE", (imap, options) => imap.changesSince("INBOX", undefined, options)],
  closeMailbox: ["CLOSE", (imap, options) => imap.closeMailbox(options)],
  copy: ["UID COPY", (imap, options) => imap.copy(1, "INBOX", options)],
  create: ["CREATE", (imap, options) => imap.create("a", options)],
  delete: ["DELETE", (imap, options) => imap.delete("a", options)],
  deleteAcl: ["DELETEACL", (imap, options) => imap.deleteAcl("INBOX", "bob", options)],
  enable: ["ENABLE", (imap, options) => imap.enable(["CONDSTORE"], options)],
  esearch: ["UID SEARCH", (imap, options) => imap.esearch(["COUNT"], "ALL", options)],
  examine: ["EXAMINE", (imap, options) => imap.examine("INBOX", options)],
  expunge: ["EXPUNGE", (imap, options) => imap.expunge(undefined, options)],
  fetch: ["UID FETCH", (imap, options) => imap.fetch(1, "FLAGS", options).toArray()],
  getAcl: ["GETACL", (imap, options) => imap.getAcl("INBOX", options)],
  getMetadata: ["GETMETADATA", (imap, options) => imap.getMetadata("INBOX", ["/private/comment"], options)],
  getQuota: ["GETQUOTA", (imap, options) => imap.getQuota("", options)],
  getQuotaRoot: ["GETQUOTAROOT", (imap, options) => imap.getQuotaRoot("INBOX", options)],
  id: ["ID", (imap, options) => imap.id({}, options)],
  idle: ["IDLE", (imap, options) => imap.idle(options).toArray()],
  list: ["LIST", (imap, options) => imap.list("*", options)],
  listRights: ["LISTRIGHTS", (imap, options) => imap.listRights("INBOX", "bob", options)],
  message: ["UID FETCH", (imap, options) => imap.message(1, options)],
  move: ["UID MOVE", (imap, options) => imap.move(1, "INBOX", options)],
  myRights: ["MYRIGHTS", (imap, options) => imap.myRights("INBOX", options)],
  namespace: ["NAMESPACE", (imap, options) => imap.namespace(options)],
  noop: ["NOOP", (imap, options) => imap.noop(options)],
  notify: ["NOTIFY", (imap, options) => imap.notify(GROUPS, options).toArray()],
  rename: ["RENAME", (imap, options) => imap.rename("a", "b", options)],
  request: ["CHECK", (imap, options) => imap.request("CHECK", options)],
  retrieve: ["UID FETCH", (imap, options) => imap.retrieve(1, options as CallOptions & { to?: undefined })],
  search: ["UID SEARCH", (imap, options) => imap.search("ALL", options)],
  select: ["SELECT", (imap, options) => imap.select("INBOX", options)],
  setAcl: ["SETACL", (imap, options) => imap.setAcl("INBOX", "bob", "lr", options)],
  setMetadata: ["SETMETADATA", (imap, options) => imap.setMetadata("INBOX", { "/private/comment": "a" }, options)],
  setQuota: ["SETQUOTA", (imap, options) => imap.setQuota("", { STORAGE: 1 }, options)],
  sort: ["UID SORT", (imap, options) => imap.sort(["date"], "ALL", options)],
  status: ["STATUS", (imap, options) => imap.status("INBOX", ["MESSAGES"], options)],
  store: ["UID STORE", (imap, options) => imap.store(1, "FLAGS", [], options)],
  subscribe: ["SUBSCRIBE", (imap, options) => imap.subscribe("a", options)],
  thread: ["UID THREAD", (imap, options) => imap.thread("REFERENCES", "ALL", options)],
  unselect: ["UNSELECT", (imap, options) => imap.unselect(options)],
  unsubscribe: ["UNSUBSCRIBE", (imap, options) => imap.unsubscribe("a", options)],
};

/** Of every mail reader and writer, and of the client itself: they are tested elsewhere. */
const OTHERS = new Set(["connect", "login", "quit", "close", "constructor", "clone", "has", "run", "refuseWaiting"]);

async function selected(messages = 200) {
  const users = { alice: { password: ALICE.password, mailboxes: { INBOX: { messages: { generate: messages } } } } };
  const server = await ImapServer.start({ users });
  onTestFinished(() => server.close());
  const { host, port } = server;
  const imap = new ImapClient({ host, port, security: "plain", timeouts: QUICK, credentials: ALICE });
  onTestFinished(() => imap.close());
  await imap.connect();
  await imap.login();
  return { server, imap };
}

test("the table has every method that asks a server something", () => {
  const names = new Set<string>();
  for (let proto = ImapClient.prototype as object; proto !== Object.prototype; proto = Object.getPrototypeOf(proto)) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(proto))) {
      if (typeof value === "function" && !OTHERS.has(name)) names.add(name);
    }
  }
  const missing = [...names].filter((name) => !Object.hasOwn(CALLS, name));
  // Of the uniform interface, and of the classes' insides.
  expect(missing.sort()).toEqual(
    ["createSession", "messages", "retrieveAll", "submit"].filter((name) => names.has(name)),
  );
});

test.each(Object.keys(CALLS))("%s: a signal that has fired sends nothing", async (name) => {
  const { server, imap } = await selected(1);
  if (name !== "changesSince") await imap.select("INBOX");
  const before = server.commands.length;
  const error = await failure(CALLS[name]![1](imap, { signal: AbortSignal.abort() }));
  expect(error).toMatchObject({ name: "AbortedError", clientUsable: true });
  expect(server.commands.length).toBe(before);
  await imap.noop();
});

test.each(Object.keys(CALLS))(
  "%s: a server that says nothing is a TimeoutError, a signal in mid call ends it",
  async (name) => {
    for (const how of ["timeout", "signal"] as const) {
      const { server, imap } = await selected(1);
      if (name !== "changesSince") await imap.select("INBOX");
      const [command, invoke] = CALLS[name]!;
      server.faults.hang = command;
      const abort = new AbortController();
      const call = failure(
        invoke(imap, how === "timeout" ? { timeout: 60 } : { signal: abort.signal, timeout: 2_000 }),
      );
      if (how === "signal") {
        await expect.poll(() => server.commands.some((line) => line.includes(command))).toBe(true);
        abort.abort();
      }
      expect((await call).name).toBe(how === "timeout" ? "TimeoutError" : "AbortedError");
      expect(imap.state).toBe("closed");
    }
  },
);

test.each(Object.keys(CALLS).filter((name) => !["idle", "notify", "closeMailbox", "unselect"].includes(name)))(
  "%s, called inside a loop over rows, has its turn",
  async (name) => {
    const { imap } = await selected();
    await imap.select("INBOX");
    await imap.create("a");
    await imap.subscribe("a");
    let rows = 0;
    for await (const _ of imap.fetch("1:*", ["FLAGS", "BODY.PEEK[]"])) {
      if (++rows === 5) await CALLS[name]![1](imap, {}).catch((error: Error) => expect(error.name).toBe("ReplyError"));
    }
    expect(rows).toBe(200);
  },
);
