/** The same dialogue however its bytes are cut. */
import { describe, expect, test } from "vitest";
import type { Pop3Client } from "../../src/pop3/client.js";
import { capa, enter, hello, mailbox, talk, USER_PASS } from "./dialogue.js";

const DIALOGUE = `${hello("UIDL", "TOP")}${USER_PASS}${capa("UIDL")}C: STAT
S: +OK 2 40
C: LIST
S: +OK
S: 1 20
S: 2 20
S: .
C: UIDL
S: +OK
S: 1 a
S: 2 b
S: .
C: RETR 1
S: +OK 20 octets
S: Subject: x
S: 
S: ..
S: ...
S: .. .
S: .
C: TOP 2 0
S: +OK
S: .
C: RETR 3
S: -ERR [SYS/PERM] no
C: QUIT
S: +OK bye
`;

async function dialogue(pop3: Pop3Client): Promise<unknown[]> {
  await enter(pop3);
  const stat = await pop3.stat();
  const sizes = (await pop3.list().toArray()).map(({ bytes }) => bytes);
  const uids = (await pop3.uidl().toArray()).map(({ uid }) => uid);
  const content = (await pop3.retr(1)).content.toString();
  const top = (await pop3.top(2, 0)).content.toString();
  const refused = await pop3.retr(3).then(
    () => "given",
    (error) => error.enhanced,
  );
  await pop3.commit();
  return [stat, sizes, uids, content, top, refused];
}

const RESULT = [{ count: 2, bytes: 40 }, [20, 20], ["a", "b"], "Subject: x\r\n\r\n.\r\n..\r\n. .\r\n", "", "SYS/PERM"];

describe("replies in pieces", () => {
  test("every write cut in two, at every byte", async () => {
    const longest = 56;
    for (let splitAt = 1; splitAt <= longest; splitAt++) {
      const { pop3, server } = await talk(DIALOGUE, {}, { splitAt });
      expect(await dialogue(pop3), `split at ${splitAt}`).toEqual(RESULT);
      await server.done;
    }
  });

  test("byte by byte", async () => {
    const { pop3, server } = await talk(DIALOGUE, {}, { onePerSegment: true });
    expect(await dialogue(pop3)).toEqual(RESULT);
    await server.done;
  });

  test("byte by byte, pipelined, over TLS", async () => {
    const { pop3, server } = await mailbox(
      ["one\r\n", ".two\r\n", "three\r\n"],
      { tls: "starttls", mechanisms: ["SCRAM-SHA-256"], iterations: 4096 },
      { security: "starttls" },
    );
    server.faults.byteByByte = true;
    const all = await Promise.all([pop3.retr(1), pop3.retr(2), pop3.uidl().toArray(), pop3.retr(3), pop3.stat()]);
    expect([all[0], all[1], all[3]].map(({ content }) => content.toString())).toEqual([
      "one\r\n",
      ".two\r\n",
      "three\r\n",
    ]);
  });

  test.each([1, 2, 3, 4, true] as const)(
    "the end of a message cut in front of its byte %s",
    async (splitTerminator) => {
      const { pop3, server } = await mailbox(["one\r\n", "two\r\n"]);
      server.faults.splitTerminator = splitTerminator;
      const all = await Promise.all([pop3.retr(1), pop3.retr(2)]);
      expect(all.map(({ content }) => content.toString())).toEqual(["one\r\n", "two\r\n"]);
    },
  );

  test("lines that end with LF alone", async () => {
    const { pop3, server } = await mailbox(["one\r\n\r\n.two\r\n"]);
    server.faults.loneLf = true;
    expect((await pop3.retr(1)).content.toString()).toBe("one\n\n.two\n");
    expect(await pop3.uidl().toArray()).toEqual([{ number: 1, uid: "uid-1" }]);
  });
});
