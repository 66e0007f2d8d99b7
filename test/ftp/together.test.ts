/** The transfer command in one write with the command that asks for the data connection, once that is known to work. */
import { describe, expect, test } from "vitest";
import { ReplyError } from "../../src/client/errors.js";
import { failure } from "../net/loopback.js";
import { enter, HELLO, LOGIN, talk } from "./dialogue.js";

/** The first transfer: whether the server bears PASV is not known before. */
const FIRST = `C: PASV
S: 227 ok ({pasv})
C: RETR a
S: 150 here it is
D: one
D CLOSE
S: 226 done
`;

describe("the second transfer", () => {
  test("is one write", async () => {
    const { ftp, server } = await talk(`${HELLO}${LOGIN}${FIRST}C: PASV
      C: RETR b
      S: 227 ok ({pasv})
      S: 150 here it is
      D: two
      D CLOSE
      S: 226 done
    `);
    await enter(ftp);
    expect((await ftp.retr("a")).toString()).toBe("one\r\n");
    expect((await ftp.retr("b")).toString()).toBe("two\r\n");
    await server.done;
  });

  test("that begins in the middle waits for REST to be taken", async () => {
    const { ftp, server } = await talk(`${HELLO}${LOGIN}${FIRST}C: PASV
      S: 227 ok ({pasv})
      C: REST 3
      S: 350 ok
      C: RETR b
      S: 150 here it is
      D: two
      D CLOSE
      S: 226 done
    `);
    await enter(ftp);
    await ftp.retr("a");
    await ftp.retr("b", { offset: 3 });
    await server.done;
  });

  test("rejects with the refusal of PASV where both are refused, and the client goes on", async () => {
    const { ftp, server } = await talk(`${HELLO}${LOGIN}${FIRST}C: PASV
      C: RETR b
      S: 450 no port is free
      WAIT 50
      S: 425 use PASV first
      C: NOOP
      S: 200 yes
    `);
    await enter(ftp);
    await ftp.retr("a");
    const error = await failure(ftp.retr("b"));
    expect(error).toBeInstanceOf(ReplyError);
    expect(error).toMatchObject({ code: "450", command: "PASV", clientUsable: true });
    await ftp.noop();
    await server.done;
  });

  test("of a file that is not there rejects with that, and the client goes on", async () => {
    const { ftp, server } = await talk(`${HELLO}${LOGIN}${FIRST}C: PASV
      C: RETR b
      S: 227 ok ({pasv})
      S: 550 no such file
      C: NOOP
      S: 200 yes
    `);
    await enter(ftp);
    await ftp.retr("a");
    expect(await failure(ftp.retr("b"))).toMatchObject({ code: "550", clientUsable: true });
    await ftp.noop();
    await server.done;
  });
});
