/** FTP's named methods: refusals, names, order, cancelling. */
import { getEventListeners } from "node:events";
import { describe, expect, test } from "vitest";
import {
  AbortedError,
  type PolywireError,
  ProtocolError,
  ReplyError,
  SinkError,
  TimeoutError,
  UsageError,
} from "../../src/client/errors.js";
import { failure, tcpServer } from "../net/loopback.js";
import { clientOf, enter, HELLO, LOGIN, memory, QUICK, talk } from "./dialogue.js";

/** Calls it in a promise: some methods throw at once. */
async function later(call: () => Promise<unknown>): Promise<unknown> {
  return await call();
}

describe("names", () => {
  test.each(["a\r\nDELE b", "a\nb", "a\0b", "\ud800"])(
    "%j is refused before anything is sent, by every method",
    async (bad) => {
      const { ftp, server } = await memory({ files: { "/a": "x" } });
      await enter(ftp);
      await ftp.retr("a");
      const before = server.commandCount;
      const calls = [
        () => ftp.cwd(bad),
        () => ftp.mkd(bad),
        () => ftp.rmd(bad),
        () => ftp.dele(bad),
        () => ftp.rename(bad, "b"),
        () => ftp.rename("a", bad),
        () => ftp.size(bad),
        () => ftp.mdtm(bad),
        () => ftp.mfmt(bad, new Date(0)),
        () => ftp.mlst(bad),
        () => ftp.stat(bad),
        () => ftp.site(bad),
        () => ftp.request(`DELE ${bad}`),
        () => ftp.pack(["NOOP", `DELE ${bad}`]),
        () => ftp.retr(bad),
        () => ftp.stor(bad, { text: "x" }),
        () => ftp.appe(bad, { text: "x" }),
        () => ftp.list(bad).toArray(),
        () => ftp.mlsd(bad).toArray(),
        () => ftp.nlst(bad).toArray(),
        () => ftp.read(bad).toArray(),
      ];
      for (const call of calls) expect(await failure(later(call)), String(call)).toBeInstanceOf(UsageError);
      expect(server.commandCount).toBe(before);
      await ftp.noop();
      expect((await ftp.retr("a")).toString()).toBe("x");
    },
  );

  test("an empty path is refused", async () => {
    const { ftp } = await memory();
    await enter(ftp);
    for (const call of [() => ftp.cwd(""), () => ftp.retr(""), () => ftp.dele(""), () => ftp.list("").toArray()]) {
      expect(await failure(later(call))).toBeInstanceOf(UsageError);
    }
  });

  test("names of any bytes go out and come in the same", async () => {
    const { ftp } = await memory();
    await enter(ftp);
    for (const name of ["ü 日本", "\udcfc\udcff", 'a"b', " lead", "tab\t"]) {
      await ftp.stor(name, { text: "x" });
      expect((await ftp.entries().toArray()).map((each) => each.name)).toEqual([name]);
      await ftp.dele(name);
    }
  });
});

describe("request", () => {
  test.each([
    ["RETR a", "retr()"],
    ["  stor a", "stor()"],
    ["LIST", "list()"],
    ["mlsd\tx", "mlsd()"],
    ["PASV", "mode"],
    ["ABOR", "AbortSignal"],
    ["PASS x", "login()"],
    ["AUTH TLS", "security"],
    ["QUIT", "quit()"],
  ])("%j is a UsageError that names %s", async (command, instead) => {
    const { ftp, server } = await memory();
    await enter(ftp);
    const before = server.commandCount;
    const error = await failure(ftp.request(command));
    expect(error).toBeInstanceOf(UsageError);
    expect(error.message).toContain(instead);
    expect(await failure(ftp.pack(["NOOP", command]))).toBeInstanceOf(UsageError);
    expect(server.commandCount).toBe(before);
  });

  test("gives the reply; a refusal is a ReplyError, unless any reply is expected", async () => {
    const { ftp } = await talk(
      `${HELLO}${LOGIN}C: SITE A\nS: 200-a\nS:  b\nS: 200 c\nC: SITE B\nS: 500 no\nC: SITE B\nS: 500 no\n`,
    );
    await enter(ftp);
    expect((await ftp.request("SITE A")).lines).toEqual(["200-a", " b", "200 c"]);
    expect(await failure(ftp.request("SITE B"))).toBeInstanceOf(ReplyError);
    expect((await ftp.request("SITE B", { expect: "any" })).code).toBe("500");
  });

  test("what is shown in place of a command is shown everywhere", async () => {
    const { ftp, transcript } = await talk(`${HELLO}${LOGIN}C: SITE PSWD old n3w\nS: 500 no\n`);
    await enter(ftp);
    const error = await failure(ftp.request("SITE PSWD old n3w", { shown: "SITE PSWD ***" }));
    expect(error).toMatchObject({ command: "SITE PSWD ***" });
    expect(error.message + transcript.script()).not.toContain("n3w");
  });
});

describe("refusals", () => {
  test("550 is a ReplyError with the command, the server and advice; the client is usable", async () => {
    const { ftp, server } = await talk(`${HELLO}${LOGIN}C: DELE x\nS: 550 nope\nC: NOOP\nS: 200 ok\n`);
    await enter(ftp);
    const error = await failure(ftp.dele("x"));
    expect(error).toMatchObject({
      name: "ReplyError",
      code: "550",
      command: "DELE x",
      protocol: "ftp",
      server: `${server.host}:${server.port}`,
      retryable: false,
      clientUsable: true,
    });
    expect(error.message).toContain("you may not");
    await ftp.noop();
  });

  test("rename is one write; the refusal is that of the command that was refused", async () => {
    const { ftp, server } = await talk(`${HELLO}${LOGIN}C: RNFR a\nC: RNTO b\nS: 550 no a\nS: 503 RNFR first\n`);
    await enter(ftp);
    expect(await failure(ftp.rename("a", "b"))).toMatchObject({ code: "550", command: "RNFR a" });
    await server.done;
  });

  test("421 to a command rejects it with the server's words, and everything behind it", async () => {
    const { ftp } = await talk(`${HELLO}${LOGIN}C: DELE a\nC: DELE b\nS: 421 shutting down\nCLOSE\n`);
    await enter(ftp);
    const [a, b] = [ftp.dele("a"), ftp.dele("b")].map(failure);
    expect(await a).toMatchObject({ code: "421", clientUsable: false });
    expect((await b)?.message).toContain("421 shutting down");
    expect(ftp.state).toBe("closed");
  });

  test("an answer that cannot be read closes the client", async () => {
    const { ftp } = await talk(`${HELLO}${LOGIN}C: PWD\nS: 257 nothing quoted\n`);
    await enter(ftp);
    expect(await failure(ftp.pwd())).toBeInstanceOf(ProtocolError);
    expect(ftp.state).toBe("closed");
  });
});

describe("transfers that do not come about", () => {
  /** A server that refuses RETR and leaves the data connection as it is, as pyftpdlib does. */
  const REFUSES = `C: PASV\nS: 227 ({pasv})\nC: RETR x\nS: 550 no\nC: NOOP\nS: 200 ok\n`;

  test("a refusal ends a download at once, though the server leaves the data connection open", async () => {
    const { ftp, server } = await talk(HELLO + LOGIN + REFUSES);
    await enter(ftp);
    expect(await failure(ftp.retr("x"))).toMatchObject({ name: "ReplyError", code: "550" });
    await ftp.noop();
    await server.done;
  });

  test("a refused transfer leaves no listener on its signal, and no timer", async () => {
    const { ftp } = await memory({ files: { "/a": "x" } });
    const { signal } = new AbortController();
    await enter(ftp);
    for (const mode of ["a", "missing", "a"]) await ftp.retr(mode, { signal }).catch(() => {});
    await ftp.entries(".", { signal }).toArray();
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });

  test.each(["passive", "active"] as const)(
    "%s: a data connection that is refused by the server leaves the client usable",
    async (mode) => {
      const { ftp, server } = await memory({ files: { "/a": "x" } }, { mode });
      await enter(ftp);
      server.faults.refuseData = true;
      expect(await failure(ftp.retr("a"))).toMatchObject({ code: "425", retryable: true });
      server.faults.refuseData = false;
      expect((await ftp.retr("a")).toString()).toBe("x");
    },
  );

  test("a file cut in the middle is an error, though the data connection ended in order", async () => {
    const { ftp, server } = await memory({ files: { "/a": "x".repeat(100_000) } });
    await enter(ftp);
    server.faults.cutDataAt = 50_000;
    server.faults.dataFaultsTimes = 1;
    const error = await failure(ftp.retr("a"));
    expect(error).toMatchObject({ name: "ReplyError", code: "426", clientUsable: true });
    expect(await ftp.retr("a")).toHaveLength(100_000);
  });

  test("a transfer that stands still is a TimeoutError", async () => {
    const { ftp, server } = await memory(
      { files: { "/a": "x".repeat(1000) } },
      { timeouts: { ...QUICK, idle: 60, command: 60 } },
    );
    await enter(ftp);
    server.faults.stallDataAt = 10;
    expect(await failure(ftp.retr("a"))).toBeInstanceOf(TimeoutError);
  });

  test("a sink that fails leaves the client usable", async () => {
    const { ftp } = await memory({ files: { "/a": "x".repeat(1_000_000) } });
    await enter(ftp);
    const to = () => {
      throw new Error("disk on fire");
    };
    expect(await failure(ftp.retr("a", { to }))).toMatchObject({ name: "SinkError", clientUsable: true });
    await ftp.noop();
  });

  test("a source that fails is a SinkError, and the client stays usable", async () => {
    const { ftp } = await memory();
    await enter(ftp);
    async function* source() {
      yield Buffer.from("half");
      throw new Error("source gone");
    }
    const error = await failure(ftp.stor("a", source()));
    expect(error).toBeInstanceOf(SinkError);
    await ftp.noop();
  });
});

describe("cancelling", () => {
  test("a download in flight is broken off by ABOR, and the client stays usable", async () => {
    const { ftp, server } = await memory({ files: { "/a": "x".repeat(5_000_000), "/b": "y" } });
    await enter(ftp);
    const stop = new AbortController();
    const error = await failure(ftp.retr("a", { signal: stop.signal, to: () => stop.abort() }));
    expect(error).toMatchObject({ name: "AbortedError", clientUsable: true });
    expect(server.commands).toContain("ABOR");
    expect((await ftp.retr("b")).toString()).toBe("y");
  });

  test("a listing left early ends the transfer, and the client stays usable", async () => {
    const { ftp, server } = await memory();
    server.tree.generate("/many", 20_000, (i) => `file-${i}`);
    await enter(ftp);
    for await (const _ of ftp.entries("/many")) break;
    expect(await ftp.pwd()).toBe("/");
    expect((await ftp.entries("/many").toArray()).length).toBe(20_000);
  });

  test("a call made inside the loop of a listing waits for it and does not deadlock", async () => {
    const { ftp, server } = await memory();
    server.tree.generate("/many", 5_000, (i) => `file-${i}`);
    await enter(ftp);
    let count = 0;
    for await (const _ of ftp.entries("/many")) if (count++ % 1000 === 0) await ftp.noop();
    expect(count).toBe(5_000);
  });

  test("past the read-ahead the call inside the loop rejects and says why", async () => {
    const { ftp, server } = await memory({}, { limits: { readAhead: 1_000 } });
    server.tree.generate("/many", 50_000, (i) => `file-${i}`);
    await enter(ftp);
    let error: PolywireError | undefined;
    let count = 0;
    for await (const _ of ftp.entries("/many")) {
      count++;
      error ??= (await ftp.noop().catch((each) => each)) as PolywireError;
    }
    expect(error).toBeInstanceOf(UsageError);
    expect(error?.message).toContain("readAhead");
    expect(count).toBe(50_000);
  });

  test("close() in the middle of a download rejects it with the reason", async () => {
    const { ftp } = await memory({ files: { "/a": "x".repeat(5_000_000) } });
    await enter(ftp);
    const error = await failure(ftp.retr("a", { to: () => ftp.close() }));
    expect(error).toBeInstanceOf(AbortedError);
    expect(ftp.state).toBe("closed");
  });
});

test("connect() to a host that does not answer is ended by close() at once", async () => {
  const port = await tcpServer();
  const { ftp } = clientOf({ host: "127.0.0.1", port }, { security: "tls", timeouts: { connect: 20_000 } });
  const connect = failure(ftp.connect());
  ftp.close();
  expect(await connect).toBeInstanceOf(AbortedError);
});
