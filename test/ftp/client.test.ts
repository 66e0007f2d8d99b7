/** FTP's named methods: names, refusals, raw requests. */
import { describe, expect, test } from "vitest";
import { AbortedError, ProtocolError, ReplyError, UsageError } from "../../src/client/errors.js";
import { failure, tcpServer } from "../net/loopback.js";
import { clientOf, enter, HELLO, LOGIN, memory, talk } from "./dialogue.js";

/** Calls it in a promise. */
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

test("connect() to a host that does not answer is ended by close() at once", async () => {
  const port = await tcpServer();
  const { ftp } = clientOf({ host: "127.0.0.1", port }, { security: "tls", timeouts: { connect: 20_000 } });
  const connect = failure(ftp.connect());
  ftp.close();
  expect(await connect).toBeInstanceOf(AbortedError);
});
