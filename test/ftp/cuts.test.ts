/** The same dialogue however its bytes are cut, and wherever it ends. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { PolywireError } from "../../src/client/errors.js";
import type { FtpClient } from "../../src/ftp/client.js";
import type { FtpOptions } from "../../src/ftp/options.js";
import type { FtpServerOptions } from "../../src/testing/ftp/options.js";
import { FtpServer } from "../../src/testing/ftp-server.js";
import { ScriptedServer } from "../../src/testing/scripted-server.js";
import { clientOf, enter, HELLO, LOGIN, memory, QUICK, talk } from "./dialogue.js";

const DIALOGUE = `${HELLO}${LOGIN}C: SITE HELP
S: 214-The commands:
S:  250 is not the end
S: 214 End
C: RNFR a
C: RNTO b
S: 350 to
S: 250 done
C: EPSV
S: 500 what?
C: SIZE \xfc
S: 213 42
C: QUIT
S: 221 bye
`;

async function dialogue(ftp: FtpClient): Promise<unknown[]> {
  const { text } = await ftp.connect();
  await ftp.login();
  const help = (await ftp.request("SITE HELP")).lines;
  await ftp.rename("a", "b");
  const epsv = (await ftp.request("OPTS X", { expect: "any" })).code;
  const size = await ftp.size("\udcfc");
  await ftp.quit();
  return [text, help, epsv, size];
}

const SCRIPT = DIALOGUE.replace("C: EPSV", "C: OPTS X");
const RESULT = ["ready", ["214-The commands:", " 250 is not the end", "214 End"], "500", 42];

describe("replies in pieces", () => {
  test("every write cut in two, at every byte", async () => {
    const longest = 60;
    for (let splitAt = 1; splitAt <= longest; splitAt++) {
      const { ftp, server } = await talk(SCRIPT, {}, { splitAt });
      expect(await dialogue(ftp), `split at ${splitAt}`).toEqual(RESULT);
      await server.done;
    }
  });

  test("byte by byte", async () => {
    const { ftp, server } = await talk(SCRIPT, {}, { onePerSegment: true });
    expect(await dialogue(ftp)).toEqual(RESULT);
    await server.done;
  });

  test("over TLS, byte by byte", async () => {
    const tls = { tls: "explicit", faults: { byteByByte: true }, files: { "/a": "hello" } } as const;
    const { ftp } = await memory(tls, { security: "starttls" });
    await enter(ftp);
    expect((await ftp.retr("a")).toString()).toBe("hello");
  });
});

/** Connect, log in, and use every kind of call at once. */
async function work(ftp: FtpClient): Promise<PromiseSettledResult<unknown>[]> {
  const signal = AbortSignal.timeout(10_000);
  const results = await Promise.allSettled([
    ftp.connect(),
    ftp.login(),
    ftp.noop({ signal }),
    ftp.entries().toArray(),
    ftp.rename("a", "b"),
    ftp.retr("b", { signal }),
    ftp.stor("c", { text: "hello" }),
    ftp.size("c"),
    ftp.exists("d"),
  ]);
  await ftp.quit();
  return results;
}

describe("the server dies", () => {
  const caught: unknown[] = [];
  const onUnhandled = (reason: unknown) => void caught.push(reason);
  beforeEach(() => void process.on("unhandledRejection", onUnhandled));
  afterEach(() => void process.off("unhandledRejection", onUnhandled));

  async function once(given: FtpServerOptions, options: Partial<FtpOptions>, closeAtByte?: number) {
    const server = await FtpServer.start({
      users: { alice: "s3cret" },
      files: { "/a": "x".repeat(5000) },
      ...given,
      faults: { closeAtByte },
    });
    try {
      const { ftp } = clientOf(server, { ...options, timeouts: { ...QUICK, connect: 5_000 } });
      const results = await work(ftp);
      expect(ftp.state).toBe("closed");
      return { results, bytes: server.controlBytes };
    } finally {
      await server.close();
    }
  }

  test.each([
    ["in the clear", {}, {}, 1],
    ["in active mode", {}, { mode: "active" }, 5],
    ["without EPSV and MLSD", { features: { epsv: false, mlsd: false, feat: false } }, {}, 5],
    ["under TLS", { tls: "explicit" }, { security: "starttls" }, 25],
  ] as const)(
    "at every byte of its replies, %s: no call hangs, no rejection is unhandled",
    async (_name, given, options, step) => {
      const whole = await once(given, options);
      expect(whole.results.map((each) => (each.status === "rejected" ? String(each.reason) : "ok"))).toEqual(
        Array(9).fill("ok"),
      );
      for (let at = 0; at < whole.bytes; at += step) {
        const { results } = await once(given, options, at);
        for (const each of results) {
          if (each.status === "rejected") expect(each.reason, `closed at ${at}`).toBeInstanceOf(PolywireError);
        }
        const first = results.findIndex((each) => each.status === "rejected");
        if (first === -1) expect(at, "only the goodbye may be lost").toBeGreaterThan(whole.bytes - 60);
        else
          expect(
            results.slice(first).every((each) => each.status === "rejected"),
            `closed at ${at}`,
          ).toBe(true);
      }
      expect(caught).toEqual([]);
    },
  );
});

test("a transcript is a script that a scripted server plays to the same client", async () => {
  const options = { tls: "explicit", greeting: "Grüße\nready" } as const;
  const { ftp, server, transcript } = await memory(options, { security: "starttls" });
  const use = async (client: FtpClient) => {
    await enter(client);
    await client.mkd("日本");
    await client.cwd("日本");
    const pwd = await client.pwd();
    const refused = await client.dele("ü").catch((error) => error.code);
    await client.quit();
    return [client.greeting.text, pwd, refused];
  };
  const first = await use(ftp);
  await server.close();
  const replay = await ScriptedServer.start(transcript.script());
  const again = clientOf(replay, { security: "starttls" });
  expect(await use(again.ftp)).toEqual(first);
  await replay.done;
  await replay.close();
});
