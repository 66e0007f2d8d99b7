/**
 * Postfix's smtp-sink: takes all mail at once and throws it away, or keeps it in a file. No TLS, no SIZE, no CHUNKING; AUTH
 * is announced and always granted. And smtp-source, which sends mail as fast as it can.
 */
import { execFile } from "node:child_process";
import { chownSync, existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readdir, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { freePort, listens } from "./daemon.js";
import { account, type Live, launch } from "./launch.js";
import { inServers, USER } from "./server.js";

export interface SinkOptions {
  /** LMTP: LHLO, and a reply for each recipient behind the data. Default: false. */
  lmtp?: boolean;
  /** With false EHLO is refused, as by a server from before 1993. Default: true. */
  esmtp?: boolean;
  /** Extensions that are not announced. Default: none. */
  without?: readonly Extension[];
  /** Commands answered with 500 5.3.0, as "RCPT"; "." is the end of the data. Takes PIPELINING away. */
  reject?: readonly string[];
  /** Commands answered with 450 4.3.0, likewise. */
  defer?: readonly string[];
  /** Commands behind which it hangs up without an answer. */
  drop?: readonly string[];
  /** Commands behind which it answers 421 and hangs up. */
  shut?: readonly string[];
  /** Seconds to wait before the answer to a command: `{ DATA: 1 }`. */
  delay?: Readonly<Record<string, number>>;
  /** Ends by itself after so many sessions. */
  sessions?: number;
  /**
   * What is kept for `messages()`. "one file": all, in order; long messages that come at the same time on several connections
   * get mixed up. "a file each": all, in any order. Default: "one file"; for a bench: "nothing".
   */
  keep?: "one file" | "a file each" | "nothing";
  /** Default: a free port. */
  port?: number;
}

const FLAGS = {
  PIPELINING: "-p",
  "8BITMIME": "-8",
  AUTH: "-a",
  ENHANCEDSTATUSCODES: "-E",
  DSN: "-N",
  XCLIENT: "-C",
  XFORWARD: "-F",
} as const;

export type Extension = keyof typeof FLAGS;

export interface SinkMessage {
  /** What was said to EHLO, HELO or LHLO. */
  readonly helo: string;
  /** Behind "MAIL FROM:", with its parameters; each octet above 127 is a question mark. */
  readonly mail: string;
  /** Behind each "RCPT TO:". */
  readonly rcpt: readonly string[];
  /** Without what smtp-sink puts in front. Lines end with LF, and dots are single. */
  readonly content: Buffer;
}

export interface LiveSink extends Live {
  readonly host: string;
  readonly port: number;
  /** What has come so far; see `keep`. */
  messages(): Promise<SinkMessage[]>;
}

const POSTFIX = inServers("postfix/usr");
const ENV = ["/usr/bin/env", "-i", `LD_LIBRARY_PATH=${join(POSTFIX, "lib/postfix")}`];
const [SINK, SOURCE] = [join(POSTFIX, "sbin/smtp-sink"), join(POSTFIX, "sbin/smtp-source")];

export const sinkInstalled = (): boolean => existsSync(SINK) && existsSync(SOURCE);

/** Stands before each message in the file: the octet 1 is in no mail that a test would send. */
const MARK = "\x01polywire\x01\n";
const IN_C = "\\001polywire\\001\\n";

/** Starts an smtp-sink on 127.0.0.1. Any number may run at one time. */
export async function startSink(options: SinkOptions = {}): Promise<LiveSink> {
  const port = options.port ?? freePort();
  if (listens(port)) throw new Error(`port ${port} is taken`);
  const work = await mkdtemp(join(tmpdir(), "polywire-sink-"));
  await chmod(work, 0o755);
  const folder = join(work, "mail");
  await mkdir(folder);
  const owner = account(USER);
  chownSync(folder, owner.uid, owner.gid);
  const [host, backlog] = ["127.0.0.1", "1000"];
  const args = [...ENV.slice(1), SINK, "-u", USER, ...flags(options, folder), `${host}:${port}`, backlog];
  const live = await launch({ kind: "smtp-sink", command: ENV[0]!, args, work, ports: [port], logs: [] });
  let last: SinkMessage[] | undefined; // what it had when its folder was removed
  const stop = async () => {
    last ??= await readMessages(folder);
    await live.stop();
  };
  return { ...live, host, port, stop, messages: async () => last ?? readMessages(folder) };
}

function flags(options: SinkOptions, folder: string): string[] {
  const { keep = "one file", without = [], delay = {} } = options;
  const list = (flag: string, commands: readonly string[] = []) => (commands.length ? [flag, commands.join()] : []);
  return [
    ...(options.lmtp ? ["-L"] : []),
    ...(options.esmtp === false ? ["-e"] : []),
    ...without.map((name) => FLAGS[name]),
    ...list("-f", options.reject),
    ...list("-r", options.defer),
    ...list("-q", options.drop),
    ...list("-Q", options.shut),
    ...Object.entries(delay).flatMap(([command, seconds]) => ["-W", `${command}:${seconds}`]),
    ...(options.sessions ? ["-n", String(options.sessions)] : []),
    ...(keep === "one file" ? ["-D", join(folder, "all"), "-S", IN_C] : []),
    ...(keep === "a file each" ? ["-d", join(folder, "m."), "-S", IN_C] : []),
  ];
}

async function readMessages(folder: string): Promise<SinkMessage[]> {
  const files = await Promise.all((await readdir(folder)).map((name) => readFile(join(folder, name), "latin1")));
  return files.flatMap((text) => text.split(MARK).slice(1).map(parseDump));
}

/** Headers of its own (X-Helo-Args, X-Mail-Args, X-Rcpt-Args, Received), the message, and a line end. */
function parseDump(text: string): SinkMessage {
  const own = /^(?:X-.*\n)*Received: .*\n(?:\t.*\n)*/.exec(text)?.[0] ?? "";
  const values = (name: string) => [...own.matchAll(new RegExp(`^X-${name}-Args: (.*)$`, "gm"))].map(([, all]) => all!);
  return {
    helo: values("Helo")[0] ?? "",
    mail: values("Mail")[0] ?? "",
    rcpt: values("Rcpt"),
    content: Buffer.from(text.slice(own.length).replace(/\n$/, ""), "latin1"),
  };
}

export interface SourceOptions {
  /** Messages in all. */
  count: number;
  /** At one time. Default: 1. */
  sessions?: number;
  /** Octets of each. Default: what smtp-source makes, 67 or so. */
  size?: number;
  /** Keep sessions for many messages. Default: true. */
  reuse?: boolean;
  to: string;
}

/** Has smtp-source send mail to a server of this machine; resolves when all is sent. */
export async function runSource(server: { host: string; port: number }, options: SourceOptions): Promise<void> {
  const { count, sessions = 1, size, reuse = true, to } = options;
  const args = ["-s", String(sessions), "-m", String(count), "-f", "source@polywire.example", "-t", to];
  if (size) args.push("-l", String(size));
  if (reuse) args.push("-d");
  const [env = "", ...rest] = ENV;
  await promisify(execFile)(env, [...rest, SOURCE, ...args, `inet:${server.host}:${server.port}`]);
}
