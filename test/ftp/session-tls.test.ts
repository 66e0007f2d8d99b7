/** AUTH TLS, PBSZ, PROT, CCC, and what follows a login. */
import { describe, expect, test } from "vitest";
import { TimeoutError, TlsError } from "../../src/client/errors.js";
import { failure } from "../net/loopback.js";
import { enter, HELLO, LOGIN, memory, talk } from "./dialogue.js";

describe("the pack behind the login", () => {
  test("refusals in it are no failure of the login", async () => {
    const { ftp } = await talk(HELLO + LOGIN.replace("200 binary", "500 no").replace("200 noop", "502 no"));
    await enter(ftp);
    expect(ftp.state).toBe("ready");
  });

  test("a server that answers only the first command of a pack is asked one by one", async () => {
    const { ftp, server } = await talk(`${HELLO}${LOGIN.slice(0, LOGIN.indexOf("S: 200 noop"))}
      C: NOOP
      S: 200 noop
      C: SYST
      S: 215 UNIX
      C: RNFR a
      S: 350 to
      C: RNTO b
      S: 250 renamed
      C: MKD x
      S: 257 "x"
    `);
    await ftp.connect();
    await ftp.login(undefined, { timeout: 60 });
    await Promise.all([ftp.rename("a", "b"), ftp.mkd("x")]);
    await server.done;
  });

  test("late answers of a slow server are not taken for those of later commands", async () => {
    const { ftp, server } = await talk(`${HELLO}${LOGIN.slice(0, LOGIN.indexOf("S: 200 binary"))}
      C: NOOP
      S: 200 binary
      S: 200 noop
      S: 257 "/home"
      C: SYST
      S: 200 the second noop
      S: 215 UNIX
      C: TYPE I
      S: 200 binary
      C: DELE x
      S: 550 no such file
    `);
    await ftp.connect();
    await ftp.login(undefined, { timeout: 60 });
    expect(await failure(ftp.dele("x"))).toMatchObject({ name: "ReplyError", code: "550" });
    await server.done;
  });

  test("a server that does not come back in step closes the client", async () => {
    const { ftp } = await talk(`${HELLO}${LOGIN.slice(0, LOGIN.indexOf("S: 200 binary"))}C: NOOP\n`);
    await ftp.connect();
    expect(await failure(ftp.login(undefined, { timeout: 60 }))).toBeInstanceOf(TimeoutError);
    expect(ftp.state).toBe("closed");
  });
});

describe("TLS", () => {
  test.each(["500 AUTH?", "502 no", "504 no", "534 no", "421 later"])(
    "%s to AUTH TLS is a TlsError, and no password was sent",
    async (line) => {
      const { ftp, transcript } = await talk(`S: 220 ready\nC: AUTH TLS\nS: ${line}\n`, { security: "starttls" });
      const [connect, login] = [ftp.connect(), ftp.login()].map(failure);
      const error = await connect;
      if (!line.startsWith("421")) {
        expect(error).toBeInstanceOf(TlsError);
        expect(error?.message).toContain('security "plain"');
      }
      await login;
      expect([ftp.state, ftp.secure]).toEqual(["closed", false]);
      expect(transcript.lines.filter((each) => each.who === "C").map((each) => each.text)).toEqual(["AUTH TLS"]);
    },
  );

  test("AUTH TLS, then PBSZ and PROT P behind the login", async () => {
    const { ftp, server } = await talk(
      `S: 220 ready\nC: AUTH TLS\nS: 234 go\nTLS\n${HELLO.slice(HELLO.indexOf("C:"))}${LOGIN.replace("C: TYPE", "C: PBSZ 0\nC: PROT P\nC: TYPE").replace("S: 200 b", "S: 200 0\nS: 200 P\nS: 200 b")}`,
      { security: "starttls" },
    );
    await enter(ftp);
    await server.done;
    expect(ftp.secure).toBe(true);
  });

  test("PROT P refused is a TlsError that names the option", async () => {
    const { ftp } = await talk(
      `TLS\n${HELLO}${LOGIN.replace("C: TYPE", "C: PBSZ 0\nC: PROT P\nC: TYPE").replace("S: 200 b", "S: 200 0\nS: 536 no\nS: 200 b")}`,
      { security: "tls" },
    );
    await ftp.connect();
    const error = await failure(ftp.login());
    expect(error).toBeInstanceOf(TlsError);
    expect(error.message).toContain('protection "clear"');
    expect(ftp.state).toBe("closed");
  });

  test.each(["explicit", "implicit"] as const)(
    "%s TLS with session reuse demanded: listings and files work",
    async (tls) => {
      const { ftp, server } = await memory(
        { tls, requireTls: true, requireReuse: true, files: { "/a.txt": "hello" } },
        { security: tls === "implicit" ? "tls" : "starttls" },
      );
      await enter(ftp);
      expect((await ftp.retr("a.txt")).toString()).toBe("hello");
      expect((await ftp.entries().toArray()).map((each) => each.name)).toEqual(["a.txt"]);
      await ftp.quit();
      expect(server.commands.at(-1)).toBe("QUIT");
    },
  );

  test("CCC refused is a ReplyError: who asked for it must know", async () => {
    const { ftp } = await memory({ tls: "explicit" }, { security: "starttls", clearControl: true });
    expect(await failure(enter(ftp))).toMatchObject({ name: "ReplyError", code: "533", command: "CCC" });
    expect(ftp.secure).toBe(true);
  });
});
