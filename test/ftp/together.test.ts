/** The transfer command in one write with the command that asks for the data connection, once that is known to work. */
import { describe, expect, test } from "vitest";
import { AbortedError, ReplyError, TimeoutError } from "../../src/client/errors.js";
import { failure } from "../net/loopback.js";
import { afterFirst, enter, FIRST, HELLO, LOGIN, memory, QUICK, SECOND, talk } from "./dialogue.js";

/** What a transfer is broken off by, and a sign of life behind it. */
const BROKEN_OFF = `C: ABOR
S: 150 here it is
S: 426 broken
C: PWD
S: 226 aborted
S: 257 "/"
C: NOOP
S: 200 yes
`;

describe("the second transfer", () => {
  test("is one write", async () => {
    const { ftp, server } = await talk(`${HELLO}${LOGIN}${FIRST}${SECOND}`);
    await enter(ftp);
    expect((await ftp.retr("a")).toString()).toBe("one\r\n");
    expect((await ftp.retr("b")).toString()).toBe("two\r\n");
    await server.done;
  });

  test("that begins in the middle waits for REST to be taken", async () => {
    const { ftp, server } = await afterFirst(`C: PASV
      S: 227 ok ({pasv})
      C: REST 3
      S: 350 ok
      C: RETR b
      S: 150 here it is
      D: two
      D CLOSE
      S: 226 done
    `);
    await ftp.retr("b", { offset: 3 });
    await server.done;
  });

  test("rejects with the refusal of PASV where both are refused, and the client goes on", async () => {
    const { ftp, server } = await afterFirst(`C: PASV
      C: RETR b
      S: 450 no port is free
      WAIT 50
      S: 425 use PASV first
      C: NOOP
      S: 200 yes
    `);
    const error = await failure(ftp.retr("b"));
    expect(error).toBeInstanceOf(ReplyError);
    expect(error).toMatchObject({ code: "450", command: "PASV", clientUsable: true });
    await ftp.noop();
    await server.done;
  });

  test("is told from what is said before the reply to PASV", async () => {
    const { ftp, server } = await afterFirst(`C: PASV
      C: STOU
      S: 120 FILE: soon
      S: 227 ok ({pasv})
      S: 150 FILE: unique
      D< any
      S: 226 done
    `);
    expect((await ftp.stou(Buffer.from("x"))).name).toBe("unique");
    await server.done;
  });

  test("of a file that is not there rejects with that, and the client goes on", async () => {
    const { ftp, server } = await afterFirst(`C: PASV
      C: RETR b
      S: 227 ok ({pasv})
      S: 550 no such file
      C: NOOP
      S: 200 yes
    `);
    expect(await failure(ftp.retr("b"))).toMatchObject({ code: "550", clientUsable: true });
    await ftp.noop();
    await server.done;
  });
});

describe("a pack that goes along", () => {
  test("is one write with the transfer behind it, before those that waited longer", async () => {
    const { ftp, server } = await afterFirst(`${SECOND}C: SIZE a
      C: SIZE b
      C: PASV
      C: RETR c
      S: 213 5
      S: 550 no such file
      S: 227 ok ({pasv})
      S: 150 here it is
      D: three
      D CLOSE
      S: 226 done
    `);
    const [b, c] = [ftp.retr("b"), ftp.retr("c")];
    const sizes = ftp.stats(["a", "b"], { times: false, along: true });
    expect((await b).toString()).toBe("two\r\n");
    expect((await c).toString()).toBe("three\r\n");
    expect(await sizes).toEqual([{ size: 5, modified: undefined }, undefined]);
    await server.done;
  });

  test("is answered before what comes next, where the server wants one command at a time", async () => {
    const script = `${HELLO}C: USER alice
      S: 331 password
      C: PASS ***
      S: 230 in
      C: TYPE I
      S: 200 binary
      C: DELE a
      S: 250 gone
      C: DELE b
      S: 450 busy
      C: NOOP
      S: 200 yes
    `;
    const { ftp, server } = await talk(script, { pipelining: 1 });
    await enter(ftp);
    const replies = ftp.pack(["DELE a", "DELE b"], { along: true });
    await ftp.noop();
    expect((await replies).map(({ code }) => code)).toEqual(["250", "450"]);
    await server.done;
  });

  test.each([
    ["of a file in memory", {}],
    ["to a sink", { to: () => {} }],
  ])("may take longer than a server may be silent in the transfer behind it, %s", async (_name, to) => {
    const script = `C: DELE a
      C: DELE b
      C: DELE c
      C: PASV
      C: RETR b
      WAIT 400
      S: 250 gone
      WAIT 400
      S: 250 gone
      WAIT 400
      S: 250 gone
      S: 227 ok ({pasv})
      S: 150 here it is
      D: two
      D CLOSE
      S: 226 done
    `;
    const { ftp, server } = await afterFirst(script, { timeouts: { ...QUICK, command: 1_000, idle: 1_000 } });
    const replies = ftp.pack(["DELE a", "DELE b", "DELE c"], { along: true });
    const b = ftp.retr("b", to as object);
    expect((await replies).map(({ code }) => code)).toEqual(["250", "250", "250"]);
    await b;
    await server.done;
  });

  test("has its replies where the transfer is broken off before its turn", async () => {
    const script = `C: DELE a
      C: DELE b
      C: PASV
      C: RETR b
      WAIT 100
      S: 250 gone
      S: 550 no such file
      S: 227 ok ({pasv})
      ${BROKEN_OFF}`;
    const { ftp, server, transcript } = await afterFirst(script);
    const replies = ftp.pack(["DELE a", "DELE b"], { along: true });
    const abort = new AbortController();
    const b = failure(ftp.retr("b", { signal: abort.signal }));
    await expect.poll(() => transcript.lines.at(-1)?.text).toBe("RETR b");
    abort.abort();
    expect((await replies).map(({ code }) => code)).toEqual(["250", "550"]);
    expect(await b).toBeInstanceOf(AbortedError);
    expect(await b).toMatchObject({ clientUsable: true });
    await ftp.noop();
    await server.done;
  });

  test("that fills the window keeps back an upload, which is not begun where it is broken off by then", async () => {
    const { ftp, server } = await memory();
    await enter(ftp);
    await ftp.stor("/first", Buffer.from("1"));
    const names = Array.from({ length: 300 }, (_, i) => `/name-${i}`);
    for (const name of names) server.tree.write(name, "x");
    const replies = ftp.pack(
      names.map((name) => `DELE ${name}`),
      { along: true },
    );
    const abort = new AbortController();
    const up = failure(ftp.stor("/up", Buffer.from("new"), { signal: abort.signal }));
    abort.abort();
    expect(await up).toBeInstanceOf(AbortedError);
    expect(await up).toMatchObject({ clientUsable: true });
    expect((await replies).every(({ ok }) => ok)).toBe(true);
    await ftp.noop();
    expect(server.commands.filter((line) => /^(STOR|ABOR)/.test(line))).toEqual(["STOR /first"]);
    await ftp.stor("/up", Buffer.from("newer"));
    expect(server.tree.read("/up").toString()).toBe("newer");
  });
});

describe("vsftpd, which bears a command in the middle of a transfer, is sent the next one", () => {
  const GREETING = HELLO.replace("ready", "(vsFTPd 3.0.3)");
  const vsftpd = (script: string, given?: Parameters<typeof talk>[1]) => afterFirst(script, given, GREETING);

  test("when all bytes of a download have come, before it says so itself", async () => {
    const { ftp, server } = await vsftpd(`C: PASV
      C: RETR b
      S: 227 ok ({pasv})
      S: 150 here it is
      D: two
      D CLOSE
      C: PASV
      C: RETR c
      S: 226 done
      S: 227 ok ({pasv})
      S: 150 here it is
      D: three
      D CLOSE
      S: 226 done
    `);
    const [b, c] = await Promise.all([ftp.retr("b"), ftp.retr("c")]);
    expect([b.toString(), c.toString()]).toEqual(["two\r\n", "three\r\n"]);
    await server.done;
  });

  test("and a download that it refuses in the end fails alone", async () => {
    const { ftp, server } = await vsftpd(`C: PASV
      C: RETR b
      S: 227 ok ({pasv})
      S: 150 here it is
      D: tw
      D CLOSE
      C: PASV
      C: RETR c
      S: 451 the disk cannot be read
      S: 227 ok ({pasv})
      S: 150 here it is
      D: three
      D CLOSE
      S: 226 done
      C: NOOP
      S: 200 yes
    `);
    const [b, c] = await Promise.allSettled([ftp.retr("b"), ftp.retr("c")]);
    expect(b).toMatchObject({ status: "rejected", reason: { code: "451", clientUsable: true } });
    expect(c.status === "fulfilled" && c.value.toString()).toBe("three\r\n");
    await ftp.noop();
    await server.done;
  });

  test("and a signal that fires then has nothing to break off", async () => {
    const { ftp, server, transcript } = await vsftpd(`C: PASV
      C: RETR b
      S: 227 ok ({pasv})
      S: 150 here it is
      D: two
      D CLOSE
      C: NOOP
      WAIT 50
      S: 226 done
      S: 200 yes
    `);
    const abort = new AbortController();
    const b = ftp.retr("b", { signal: abort.signal });
    const noop = ftp.noop().then(() => "answered");
    const isSent = () => transcript.lines.at(-1)?.text === "NOOP";
    while (!isSent()) await new Promise((resolve) => setTimeout(resolve, 1));
    abort.abort();
    expect((await b).toString()).toBe("two\r\n");
    expect(await noop).toBe("answered");
    await server.done;
  });

  /** Two downloads, the second one sent before the 226 of the first. */
  const two = async (end: string, timeouts: { command: number; idle: number }, signal?: AbortSignal) => {
    const script = `C: PASV
      C: RETR b
      S: 227 ok ({pasv})
      S: 150 here it is
      D: two
      D CLOSE
      C: PASV
      C: RETR c
      ${end}`;
    const both = await vsftpd(script, { timeouts: { ...QUICK, ...timeouts } });
    return { ...both, b: both.ftp.retr("b"), c: both.ftp.retr("c", { signal }) };
  };

  test("and may be silent before the 226 for as long as in any transfer", async () => {
    const end = `WAIT 1200
      S: 226 done
      S: 227 ok ({pasv})
      S: 150 here it is
      D: three
      D CLOSE
      S: 226 done
    `;
    const { server, b, c } = await two(end, { command: 600, idle: 3_000 });
    expect((await Promise.all([b, c])).map(String)).toEqual(["two\r\n", "three\r\n"]);
    await server.done;
  });

  test("and may not be for longer: the download that waits for its 226 is told as the one that stands still", async () => {
    const { ftp, b, c } = await two("WAIT 3000", { command: 500, idle: 1_000 });
    const [first, second] = await Promise.all([failure(b), failure(c)]);
    for (const error of [first, second]) expect(error).toBeInstanceOf(TimeoutError);
    expect(first.message).toContain('in time of "RETR b"');
    expect(ftp.state).toBe("closed");
  });

  test("and where that is broken off before its turn, the one before it ends as if nothing had been", async () => {
    const end = `WAIT 100
      S: 226 done
      S: 227 ok ({pasv})
      ${BROKEN_OFF}`;
    const abort = new AbortController();
    const { ftp, server, b, c, transcript } = await two(end, QUICK, abort.signal);
    const broken = failure(c);
    await expect.poll(() => transcript.lines.at(-1)?.text).toBe("RETR c");
    abort.abort();
    expect((await b).toString()).toBe("two\r\n");
    expect(await broken).toMatchObject({ name: "AbortedError", clientUsable: true });
    await ftp.noop();
    await server.done;
  });
});
