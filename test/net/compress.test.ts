/** COMPRESS DEFLATE: what stands behind the agreement, in its segment too, is deflated (RFC 4978 §3, RFC 8054 §2.2.2). */
import type net from "node:net";
import { constants, createDeflateRaw, createInflateRaw } from "node:zlib";
import { expect, onTestFinished, test } from "vitest";
import { ProtocolError } from "../../src/client/errors.js";
import { Transcript } from "../../src/client/transcript.js";
import { ImapClient } from "../../src/imap/client.js";
import { NntpClient } from "../../src/nntp/client.js";
import type { NntpOptions } from "../../src/nntp/options.js";
import { failure, tcpServer } from "./loopback.js";

/** How a server talks: what it says first, and what it answers to a command. */
interface Manners {
  readonly greeting: string;
  readonly answer: (command: string) => string;
}

/** Deflates behind its agreement; `early` leaves in one segment with that, deflated, or as it stands. */
function deflating({ greeting, answer }: Manners, early: string | Buffer): Promise<number> {
  return tcpServer((socket) => {
    let say = (text: string) => void socket.write(text);
    const deflate = () => {
      const [out, incoming] = [createDeflateRaw(), createInflateRaw()];
      const pieces: Buffer[] = [];
      say = (text) => {
        out.write(text);
        out.flush(constants.Z_SYNC_FLUSH, () => socket.write(Buffer.concat(pieces.splice(0))));
      };
      out.on("data", (piece: Buffer) => pieces.push(piece));
      socket.removeAllListeners("data").on("data", (chunk: Buffer) => incoming.write(chunk));
      listenTo(incoming, (command) => say(answer(command)));
      return (agreement: Buffer) => pieces.unshift(agreement);
    };
    listenTo(socket, (command) => {
      if (!/COMPRESS DEFLATE$/.test(command)) return say(answer(command));
      const agreement = Buffer.from(answer(command));
      if (Buffer.isBuffer(early)) return void socket.write(Buffer.concat([agreement, early]));
      deflate()(agreement);
      say(early);
    });
    say(greeting);
  });
}

/** Calls back with each line. */
function listenTo(stream: net.Socket | NodeJS.ReadableStream, call: (line: string) => void): void {
  let rest = "";
  stream.on("data", (chunk: Buffer) => {
    const lines = (rest + chunk.toString("latin1")).split("\r\n");
    rest = lines.pop() as string;
    for (const line of lines) call(line);
  });
}

const IMAP: Manners = {
  greeting: "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN COMPRESS=DEFLATE] ready\r\n",
  answer: (command) => `${command.split(" ")[0]} OK done\r\n`,
};

function imapAt(port: number): ImapClient {
  const credentials = { user: "alice", password: "s3cret" };
  const imap = new ImapClient({ host: "127.0.0.1", port, security: "plain", credentials });
  onTestFinished(() => imap.close());
  return imap;
}

const NNTP: Manners = {
  greeting: "200 hello\r\n",
  answer: (command) => {
    if (command === "CAPABILITIES") return "101 list\r\nVERSION 2\r\nREADER\r\nCOMPRESS DEFLATE\r\n.\r\n";
    return command === "COMPRESS DEFLATE" ? "206 on\r\n" : "111 20260118213145\r\n";
  },
};

function nntpAt(port: number, given: Partial<NntpOptions> = {}): NntpClient {
  const nntp = new NntpClient({ host: "127.0.0.1", port, security: "plain", ...given });
  onTestFinished(() => nntp.close());
  return nntp;
}

test("IMAP: what the server tells along with its OK is heard", async () => {
  const capabilities = "* CAPABILITY IMAP4rev1 IDLE XEARLY\r\n";
  const imap = imapAt(await deflating({ ...IMAP, answer: answerWithCapabilities }, capabilities));
  await imap.connect();
  await imap.login();
  await imap.noop();
  expect([...imap.capabilities.keys()]).toEqual(["IMAP4REV1", "IDLE", "XEARLY"]);
});

/** The capabilities come along with the login. */
function answerWithCapabilities(command: string): string {
  const [tag, verb] = command.split(" ");
  return verb === "AUTHENTICATE" ? `${tag} OK [CAPABILITY IMAP4rev1 COMPRESS=DEFLATE] in\r\n` : `${tag} OK done\r\n`;
}

test("NNTP: what the server tells along with its 206 is heard", async () => {
  // It may say at any time that it goes down (RFC 3977 §3.2.1).
  const transcript = new Transcript();
  const nntp = nntpAt(await deflating(NNTP, "400 going down\r\n"), { transcript });
  await Promise.allSettled([nntp.connect()]);
  const heard = transcript.lines.filter(({ who }) => who === "S").map(({ text }) => text);
  expect(heard.slice(heard.indexOf("206 on"), heard.indexOf("206 on") + 2)).toEqual(["206 on", "400 going down"]);
});

test.each([
  [
    "IMAP",
    async () => {
      const imap = imapAt(
        await deflating({ ...IMAP, answer: answerWithCapabilities }, Buffer.from("* BYE in the clear\r\n")),
      );
      await imap.connect();
      await imap.login();
      await imap.noop();
    },
  ],
  ["NNTP", async () => nntpAt(await deflating(NNTP, Buffer.from("\xff\xff\xff\xff", "latin1"))).connect()],
])("%s: bytes there that are not deflated close the client", async (_, run) => {
  const error = await failure(run());
  expect(error).toBeInstanceOf(ProtocolError);
  expect(error.message).toContain("compressed bytes");
});
