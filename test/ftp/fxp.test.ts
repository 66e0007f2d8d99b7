/** Files between two servers in memory: what one is told of the other, and what is left behind each failure. */
import { describe, expect, test } from "vitest";
import { AbortedError, ConnectionError, ProtocolError, ReplyError, UsageError } from "../../src/client/errors.js";
import { Transcript } from "../../src/client/transcript.js";
import { FtpClient } from "../../src/ftp/client.js";
import { FxpError, FxpPair } from "../../src/ftp/fxp-pair.js";
import type { FtpOptions } from "../../src/ftp/options.js";
import { FtpServer, type FtpServerOptions } from "../../src/testing/index.js";
import { failure } from "../net/loopback.js";

const CONTENT = "0123456789".repeat(30_000);

interface Side {
  readonly server: FtpServer;
  readonly client: FtpClient;
}

async function ready(server: FtpServer, more: Partial<FtpOptions> = {}): Promise<FtpClient> {
  const { host, port } = server;
  const client = new FtpClient({
    host,
    port,
    security: "plain",
    credentials: { user: "test", password: "test" },
    ...more,
  });
  await client.connect();
  await client.login();
  return client;
}

/** Two servers, a client of each. */
async function withBoth(
  body: (source: Side, target: Side) => Promise<void>,
  options: { source?: FtpServerOptions; target?: FtpServerOptions; client?: Partial<FtpOptions> } = {},
): Promise<void> {
  await using one = await FtpServer.start({ files: { "/a.dat": CONTENT }, ...options.source });
  await using other = await FtpServer.start({ ...options.target });
  const [source, target] = await Promise.all([ready(one, options.client), ready(other, options.client)]);
  try {
    await body({ server: one, client: source }, { server: other, client: target });
  } finally {
    for (const client of [source, target]) client.close();
  }
}

const stored = ({ server }: Side, path = "/b.dat") => server.tree.read(path).toString();

async function expectUsable(...sides: readonly Side[]): Promise<void> {
  for (const { client } of sides) expect(await client.pwd()).toBe("/");
}

describe("a file goes from server to server", () => {
  test("with one command for the data connection on each side, and bytes and size are right", () =>
    withBoth(async (source, target) => {
      expect(await source.client.fxp("a.dat", target.client, "b.dat")).toMatchObject({
        passive: "target",
        bytes: CONTENT.length,
        source: { code: "226" },
        target: { code: "226" },
      });
      expect(stored(target)).toBe(CONTENT);
      expect(source.server.commands.slice(-3)).toEqual([
        "SIZE a.dat",
        expect.stringMatching(/^PORT 127,0,0,1,/),
        "RETR a.dat",
      ]);
      expect(target.server.commands.slice(-3)).toEqual(["PASV", "STOR b.dat", "SIZE b.dat"]);
    }));

  test("the other way round, where the source does not connect, and that is remembered", () =>
    withBoth(
      async (source, target) => {
        for (const name of ["b.dat", "c.dat"]) {
          expect(await source.client.fxp("a.dat", target.client, name)).toMatchObject({ passive: "source" });
          expect(stored(target, `/${name}`)).toBe(CONTENT);
        }
        expect(source.server.commands.filter((each) => each.startsWith("PORT"))).toHaveLength(1);
      },
      { source: { files: { "/a.dat": CONTENT }, features: { active: false } } },
    ));

  test("what one pair of clients found out, others know by the same FxpPair", () =>
    withBoth(
      async (source, target) => {
        const pair = new FxpPair();
        await source.client.fxp("a.dat", target.client, "b.dat", { pair });
        const [another, third] = await Promise.all([ready(source.server), ready(target.server)]);
        await another.fxp("a.dat", third, "c.dat", { pair });
        for (const client of [another, third]) client.close();
        expect(pair.passive).toBe("source");
        expect(source.server.commands.filter((each) => each.startsWith("PORT"))).toHaveLength(1);
      },
      { source: { files: { "/a.dat": CONTENT }, features: { active: false } } },
    ));

  test("two that cross each other both come to their end", () =>
    withBoth(async (source, target) => {
      target.server.tree.write("/back.dat", "back");
      const there = Array.from({ length: 5 }, (_, i) => source.client.fxp("a.dat", target.client, `${i}.dat`));
      const back = Array.from({ length: 5 }, (_, i) => target.client.fxp("back.dat", source.client, `${i}.back`));
      await Promise.all([...there, ...back]);
      expect(stored(source, "/4.back")).toBe("back");
      expect(stored(target, "/4.dat")).toBe(CONTENT);
    }));
});

describe("what a server says of its own address", () => {
  test("is not told to the other one", () =>
    withBoth(async (source, target) => {
      target.server.faults.wrongPasvHost = "10.1.2.3";
      await source.client.fxp("a.dat", target.client, "b.dat");
      expect(source.server.commands.join("\n")).not.toContain("10,1,2,3");
      expect(stored(target)).toBe(CONTENT);
    }));

  test("is, where the user wants that", () =>
    withBoth(
      async (source, target) => {
        target.server.faults.wrongPasvHost = "10.1.2.3";
        await source.client.fxp("a.dat", target.client, "b.dat").catch(() => {});
        expect(source.server.commands.join("\n")).toContain("PORT 10,1,2,3,");
      },
      { client: { allowForeignHost: true } },
    ));

  test("must not be a port of another service", () =>
    withBoth(async (source, target) => {
      for (const { server } of [source, target]) server.faults.reply = { PASV: "227 here (127,0,0,1,0,25)" };
      const error = await failure(source.client.fxp("a.dat", target.client, "b.dat"));
      expect(error).toBeInstanceOf(FxpError);
      expect(error.message).toContain("listens on port 25");
      expect(source.server.commands.join("\n")).not.toContain("PORT");
    }));
});

describe("a failure", () => {
  test("of both ways is an FxpError that tells of each, and both clients go on", () =>
    withBoth(
      async (source, target) => {
        const error = await failure(source.client.fxp("a.dat", target.client, "b.dat"));
        expect(error).toBeInstanceOf(FxpError);
        expect(error.message).toMatch(
          /target listening, the source .* PORT .*; with the source listening, the target .* PORT/,
        );
        expect(error).toMatchObject({ clientUsable: true });
        await expectUsable(source, target);
      },
      {
        source: { files: { "/a.dat": CONTENT }, features: { active: false } },
        target: { features: { active: false } },
      },
    ));

  test("to read or to write the file is that server's refusal, and the other side waits for nothing", () =>
    withBoth(async (source, target) => {
      for (const _ of [1, 2]) {
        const gone = await failure(source.client.fxp("gone.dat", target.client, "b.dat"));
        expect(gone).toBeInstanceOf(ReplyError);
        expect(gone).toMatchObject({ code: "550", clientUsable: true, server: `127.0.0.1:${source.server.port}` });
        const full = await failure(source.client.fxp("a.dat", target.client, "no/folder/b.dat"));
        expect(full).toBeInstanceOf(ReplyError);
        expect(full).toMatchObject({ clientUsable: true, server: `127.0.0.1:${target.server.port}` });
        await expectUsable(source, target);
        await source.client.fxp("a.dat", target.client, "b.dat");
      }
    }));

  test("of the data connection in a way that worked is a ConnectionError, and both clients go on", () =>
    withBoth(async (source, target) => {
      await source.client.fxp("a.dat", target.client, "b.dat");
      source.server.faults.cutDataAt = 1000;
      const error = await failure(source.client.fxp("a.dat", target.client, "b.dat"));
      expect(error).toBeInstanceOf(ConnectionError);
      expect(error).toMatchObject({ phase: "data", retryable: true, clientUsable: true });
      await expectUsable(source, target);
      source.server.clearFaults();
      await source.client.fxp("a.dat", target.client, "b.dat");
      expect(stored(target)).toBe(CONTENT);
    }));

  test("that both servers take for success is found by the size", () =>
    withBoth(async (source, target) => {
      await source.client.fxp("a.dat", target.client, "b.dat");
      Object.assign(source.server.faults, { cutDataAt: 1000, cutDataCleanly: true });
      const error = await failure(source.client.fxp("a.dat", target.client, "b.dat"));
      expect(error).toBeInstanceOf(ProtocolError);
      expect(error.message).toContain("1000 of 300000 bytes arrived");
      await expectUsable(source, target);
    }));

  test("of one control connection leaves the other client usable", () =>
    withBoth(async (source, target) => {
      await source.client.fxp("a.dat", target.client, "b.dat");
      target.server.faults.closeBeforeCommand = { command: "STOR" };
      const error = await failure(source.client.fxp("a.dat", target.client, "b.dat"));
      expect(error).toBeInstanceOf(ConnectionError);
      expect(error).toMatchObject({ clientUsable: false });
      expect(target.client.state).toBe("closed");
      await expectUsable(source);
    }));

  test("to be used as it should is told before anything is sent", () =>
    withBoth(async (source, target) => {
      expect(await failure(source.client.fxp("a.dat", source.client, "b.dat"))).toBeInstanceOf(UsageError);
      expect(await failure(source.client.fxp("a\r\n.dat", target.client, "b.dat").then())).toBeInstanceOf(UsageError);
      await expectUsable(source, target);
    }));
});

describe("a transfer that is broken off before its turn", () => {
  const ORDERLY: FtpServerOptions = { greeting: "(vsFTPd 3.0.3)", files: { "/a.dat": CONTENT, "/old": "x" } };

  test("leaves what went along its replies, and says nothing before its own", () =>
    withBoth(
      async (source, target) => {
        const transcript = new Transcript();
        const client = await ready(source.server, { transcript });
        await client.fxp("a.dat", target.client, "b.dat");
        // The server does one command after the other, each when its turn has come.
        source.server.faults.replyDelay = 100;
        const replies = client.pack(["DELE /old", "DELE /none"], { along: true });
        const abort = new AbortController();
        const call = failure(client.fxp("a.dat", target.client, "c.dat", { signal: abort.signal, size: 300_000 }));
        await expect.poll(() => transcript.lines.at(-1)?.text).toBe("RETR a.dat");
        abort.abort();
        expect((await replies).map(({ code }) => code)).toEqual(["250", "550"]);
        expect(await call).toMatchObject({ name: "AbortedError", clientUsable: true });
        expect(await client.pwd()).toBe("/");
        await expectUsable(target);
        const lines = transcript.lines.map(({ who, text }) => `${who} ${text}`);
        const sent = lines.slice(lines.lastIndexOf("C RETR a.dat"));
        const port = sent.findIndex((line) => /^S 200/.test(line));
        const said = sent.findIndex((line, i) => i > 0 && /^C (ABOR|PWD)/.test(line));
        expect(port).toBeGreaterThan(0);
        expect(said).toBeGreaterThan(port);
        client.close();
      },
      { source: ORDERLY, target: ORDERLY },
    ));
});

describe("a transfer that stands still", () => {
  const stalls = (body: (source: Side, target: Side) => Promise<void>) =>
    withBoth(
      async (source, target) => {
        await source.client.fxp("a.dat", target.client, "b.dat");
        source.server.faults.stallDataAt = 1000;
        await body(source, target);
        await expectUsable(source, target);
      },
      { client: { timeouts: { idle: 300, command: 300 } } },
    );

  test("is broken off by a signal, and both clients go on", () =>
    stalls(async (source, target) => {
      const abort = new AbortController();
      const call = source.client.fxp("a.dat", target.client, "b.dat", { signal: abort.signal });
      setTimeout(() => abort.abort(), 50);
      const error = await failure(call);
      expect(error).toBeInstanceOf(AbortedError);
      expect(error).toMatchObject({ clientUsable: true });
    }));

  test("is broken off where its size says that it should be over", { timeout: 60_000 }, () =>
    stalls(async (source, target) => {
      const error = await failure(source.client.fxp("a.dat", target.client, "b.dat", { size: 1000 }));
      expect(error).toBeInstanceOf(ConnectionError);
      expect(error).toMatchObject({ phase: "data", clientUsable: true });
      expect(error.message).toContain("said nothing within");
    }),
  );
});
