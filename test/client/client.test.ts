/** connect, login, request, quit: in order and out of order, without any network. */
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { STEPS, type Step } from "../../src/client/client.js";
import { ConnectionError, LoginError, UsageError } from "../../src/client/errors.js";
import { failure, gone, no, OK, ToyClient, toyIn } from "./toy.js";

const STATES = ["idle", "connected", "ready", "closed"] as const;
const DO: Record<Step, (client: ToyClient) => Promise<unknown>> = {
  connect: (client) => client.connect(),
  login: (client) => client.login({ user: "alice" }),
  request: (client) => client.request("X"),
  command: (client) => client.stat(),
  query: (client) => client.greet(),
  noop: (client) => client.noop(),
  quit: (client) => client.quit(),
};

describe("the step table", () => {
  for (const state of STATES) {
    for (const step of Object.keys(DO) as Step[]) {
      const next = STEPS[state][step];
      test(`${state}: ${step} ${next ? `leads to ${next}` : "is out of order"}`, async () => {
        const client = await toyIn(state);
        if (next !== undefined) {
          await DO[step](client);
          expect(client.state).toBe(next);
          return;
        }
        const said = client.toy?.log.length ?? 0;
        const error = await failure(DO[step](client));
        expect(error).toBeInstanceOf(UsageError);
        expect(error).toMatchObject({ protocol: "pop3", server: "toy.example:995", clientUsable: state !== "closed" });
        expect(error.message).toContain(`while the client is ${state}`);
        expect([client.state, client.toy?.log.length ?? 0]).toEqual([state, said]);
      });
    }
  }

  test("a session that needs no login takes commands without one", async () => {
    const client = await toyIn("connected");
    client.toy.loginOptional = true;
    expect(await client.stat()).toBe(OK);
    expect(client.state).toBe("connected");
  });

  test("a closed client's error says why it was closed", async () => {
    const client = await toyIn("ready");
    const reason = gone();
    client.close(reason);
    expect(await failure(client.noop())).toBe(reason);
  });
});

describe("before connect()", () => {
  test("nothing is known, and nothing is dialled", async () => {
    const client = new ToyClient();
    expect([client.state, client.secure, client.capabilities.size, client.toy]).toEqual(["idle", false, 0, undefined]);
    expect(() => client.greeting).toThrow(UsageError);
  });

  test("calls made before connect() finished are queued and run in order", async () => {
    const client = new ToyClient();
    const all = [
      client.connect(),
      client.login({ user: "alice" }),
      client.stat(),
      client.noop(),
      client.request("X"),
      client.quit(),
    ];
    await Promise.all(all);
    expect(client.toy.log).toEqual(["open", "login alice", "stat", "noop", "X", "quit"]);
  });

  test("greeting and capabilities are there afterwards", async () => {
    const client = await toyIn("connected");
    expect([client.greeting, [...client.capabilities.keys()]]).toEqual([OK, ["TOY"]]);
  });
});

describe("failures", () => {
  test("a connect that fails closes the client and rejects what waits", async () => {
    const client = new ToyClient();
    client.before = (toy) => (toy.plans.open = gone());
    const [connect, login] = [client.connect(), client.login({ user: "alice" })];
    login.catch(() => {});
    const error = await failure(connect);
    expect(error.message).toBe("the server is gone");
    expect(await failure(login)).toBe(error);
    expect([client.state, client.toy.closedWith]).toEqual(["closed", error]);
  });

  test("a greeting that refuses closes the client, and its error says so", async () => {
    const client = new ToyClient();
    client.before = (toy) => (toy.plans.open = no());
    const error = await failure(client.connect());
    expect([error.clientUsable, client.state]).toEqual([false, "closed"]);
  });

  test("a refused login leaves the client connected, to try again", async () => {
    const client = await toyIn("connected");
    expect(await failure(client.login({ user: "alice", password: "wrong" }))).toBeInstanceOf(LoginError);
    expect(client.state).toBe("connected");
    await client.login({ user: "alice", password: "right" });
    expect(client.state).toBe("ready");
  });

  test("a refusal leaves the client as it is", async () => {
    const client = await toyIn("ready");
    client.toy.plans.X = no();
    expect(await failure(client.request("X"))).toMatchObject({ name: "ReplyError", code: "550" });
    expect(client.state).toBe("ready");
    await client.noop();
  });

  test("a failure of the link closes the client and rejects every call, running or waiting", async () => {
    const client = await toyIn("ready");
    client.toy.plans.stat = gone();
    const all = await Promise.allSettled([client.stat(), client.retr(), client.noop()]);
    expect(all.map((each) => each.status === "rejected" && each.reason.message)).toEqual(
      Array(3).fill("the server is gone"),
    );
    expect(client.state).toBe("closed");
  });

  test("the server hanging up while idle closes the client", async () => {
    const client = await toyIn("ready");
    client.toy.onClose(gone());
    expect(client.state).toBe("closed");
    expect(await failure(client.noop())).toBeInstanceOf(ConnectionError);
  });

  test("credentials that cannot be had are a UsageError, and the client stays connected", async () => {
    const client = await toyIn("connected", { credentials: () => Promise.reject(new Error("vault is down")) });
    expect(await failure(client.login())).toMatchObject({ name: "UsageError", clientUsable: true });
    expect(client.state).toBe("connected");
  });

  test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31])("a time-out of %d is refused", async (timeout) => {
    const client = await toyIn("ready");
    expect(await failure(client.noop({ timeout }))).toBeInstanceOf(UsageError);
    expect(client.toy.log).not.toContain("noop");
  });
});

describe("options of a call", () => {
  test("the time-out of the call, else the client's", async () => {
    const client = await toyIn("ready", { timeouts: { command: 777 } });
    await client.stat();
    await client.stat({ timeout: 5 });
    expect(client.toy.calls.slice(-2).map((call) => call.timeout)).toEqual([777, 5]);
  });

  test("shared calls overlap up to the smaller of the session's depth and the option", async () => {
    for (const [pipelining, depth] of [
      [32, 4],
      [2, 2],
    ] as const) {
      const client = await toyIn("ready", { pipelining });
      client.toy.plans.stat = "hang";
      const calls = Array.from({ length: 6 }, () => failure(client.stat()));
      expect(client.toy.log.filter((each) => each === "stat")).toHaveLength(depth);
      client.close();
      await Promise.all(calls);
    }
  });
});

test("inspect shows where, how and the state, and no secret", async () => {
  const client = await toyIn("ready", {
    credentials: { user: "alice", password: "s3cret" },
    proxy: "http://u:s3cret@p",
  });
  expect(inspect(client)).toBe("ToyClient { pop3://toy.example:995, tls, ready }");
  expect(inspect({ client }, { depth: 9, showHidden: true }) + JSON.stringify(client) + String(client)).not.toContain(
    "s3cret",
  );
});
