/** The scripted server: plays its lines, in every cut, and names the first wrong one. */
import { once } from "node:events";
import { connect } from "node:net";
import { expect, test } from "vitest";
import { ScriptedServer, type ScriptedServerOptions, ScriptMismatch } from "../../src/testing/index.js";
import { RawClient, readAll } from "./raw-client.js";

async function played(script: string, client: (raw: RawClient) => Promise<void>, options?: ScriptedServerOptions) {
  await using server = await ScriptedServer.start(script, options);
  const raw = RawClient.open(server.port, options?.tls ? {} : undefined);
  await client(raw);
  await server.done;
  raw.close();
}

const LOGIN = `
  S: 220-hello
  S: 220 ready
  C: USER alice
  S: 331 password
  C: PASS ***
  S: 230 in`;

const login = async (raw: RawClient) => {
  expect(await raw.reply()).toBe("220-hello\r\n220 ready");
  expect(await raw.ask("USER alice")).toBe("331 password");
  expect(await raw.ask("PASS a secret")).toBe("230 in");
};

test("a dialogue", () => played(LOGIN, login));
test("one byte per segment", async () => {
  await played(
    LOGIN,
    async (raw) => {
      await login(raw);
      expect(raw.segments.every((segment) => segment.length === 1)).toBe(true);
    },
    { onePerSegment: true },
  );
});
test("every write cut at byte 3", async () => {
  await played(
    LOGIN,
    async (raw) => {
      await login(raw);
      expect(raw.segments.slice(0, 2)).toEqual(["220", "-hello\r\n220 ready\r\n"]);
    },
    { splitAt: 3, delay: 5 },
  );
});
test("TLS from the first byte", () => played(LOGIN, login, { tls: true }));

test("TLS in the middle", () =>
  played("S: 220 ready\nC: AUTH TLS\nS: 234 go\nTLS\nC: NOOP\nS: 200 ok", async (raw) => {
    await raw.reply();
    await raw.startTls();
    expect(await raw.ask("NOOP")).toBe("200 ok");
  }));

test("several commands in one segment", () =>
  played("S: 220 a\nC: A\nS: 200 a\nC: B\nS: 200 b\nC: C\nS: 200 c", async (raw) => {
    await raw.reply();
    expect(await raw.pack("A", "B", "C")).toEqual(["200 a", "200 b", "200 c"]);
  }));

test("exact bytes both ways", () =>
  played("C~ AAEC\nS~ MjAwIG9rDQo=", async (raw) => {
    raw.write("\x00\x01\x02");
    expect(await raw.reply()).toBe("200 ok");
  }));

test("data connections, out and in", () =>
  played(
    `S: 229 ok ({epsv})
     C: RETR a
     S: 150 opening
     D: hello
     D~ AAEC
     D CLOSE
     S: 226 done
     S: 229 ok ({epsv})
     C: /STOR/
     D< /^x+$/
     S: 226 done
     S: 227 ok ({pasv}).
     D< any
     S: 200 port {port}
     D< line`,
    async (raw) => {
      const open = (reply: string) => connect({ port: Number(/\|(\d+)\|/.exec(reply)?.[1]), host: "127.0.0.1" });
      const first = readAll(open(await raw.reply()));
      raw.write("RETR a\r\n");
      expect(await first).toBe("hello\r\n\0\x01\x02");
      expect([await raw.reply(), await raw.reply()]).toEqual(["150 opening", "226 done"]);
      const second = open(await raw.reply());
      raw.write("STOR b\r\n");
      second.resume().end("xxxx");
      expect(await raw.reply()).toBe("226 done");
      const numbers =
        /\((.*)\)/
          .exec(await raw.reply())?.[1]
          ?.split(",")
          .map(Number) ?? [];
      expect(numbers.slice(0, 4)).toEqual([127, 0, 0, 1]);
      connect((numbers[4] ?? 0) * 256 + (numbers[5] ?? 0), "127.0.0.1").end("anything");
      connect(Number((await raw.reply()).split(" ")[2]), "127.0.0.1").end("line\r\n");
    },
  ));

test("the second connection plays the second part", async () => {
  await using server = await ScriptedServer.start("S: 220 one\nCLOSE\n---\nS: 220 two\nRESET");
  for (const text of ["220 one", "220 two"]) {
    const raw = RawClient.open(server.port);
    expect(await raw.reply()).toBe(text);
    await raw.hungUp();
  }
  await server.done;
});

test("the first wrong line is named, with what came instead, and the client is cut off", async () => {
  await using server = await ScriptedServer.start("S: 220 a\nC: USER alice\nS: 331 b");
  const raw = RawClient.open(server.port);
  await raw.reply();
  expect(await raw.ask("USER bob")).toBe("");
  const error = await server.done.catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(ScriptMismatch);
  expect(error).toMatchObject({ line: 2, expected: "C: USER alice", got: "C: USER bob" });
  expect(String(error)).toContain("script line 2: expected C: USER alice\n");
});

test.each([
  ["a line that does not match", "C: /^QUIT$/", "QUITS\r\n", "C: QUITS"],
  ["the end in place of a line", "C: QUIT", undefined, "the end of the connection"],
  ["other bytes", "C~ AAEC", "\x00\x01\x03", "\\u0000\\u0001\\u0003"],
  ["a secret that is missing", "C: PASS ***", "PASS \r\n", "C: PASS "],
  ["a line too many", "C: A", "A\r\nB\r\n", "B\\r\\n"],
])("%s", async (_name, script, sent, got) => {
  await using server = await ScriptedServer.start(script);
  const raw = RawClient.open(server.port);
  await once(raw.socket, "connect");
  if (sent === undefined) raw.close();
  else raw.write(sent);
  await expect(server.done).rejects.toMatchObject({ got });
  raw.close();
});

test("a connection too many is an error", async () => {
  await using server = await ScriptedServer.start("S: 220 a\nC: A");
  const clients = [RawClient.open(server.port), RawClient.open(server.port)];
  await expect(server.done).rejects.toThrow("opened one more");
  for (const client of clients) client.close();
});

test("closed before the end, it says so", async () => {
  const server = await ScriptedServer.start("S: 220 a");
  expect(server.url("pop3")).toBe(`pop3://127.0.0.1:${server.port}`);
  await server.close();
  await expect(server.done).rejects.toThrow("after 0 of 1 connections");
});
