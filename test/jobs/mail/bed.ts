/** A maildrop on a server in memory, a folder to fetch into, and what is in it afterwards. */
import { createReadStream, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createGunzip } from "node:zlib";
import type { FetchMailOptions } from "../../../src/jobs/mail/options.js";
import { readMbox } from "../../../src/message/index.js";
import { Maildir } from "../../../src/message/maildir.js";
import { Pop3Server, type Pop3ServerOptions } from "../../../src/testing/index.js";

/** The message that a number stands for: every one different, with lines that begin with a dot or with From. */
export function messageOf(n: number): string {
  return `Subject: Message ${n}\r\nMessage-ID: <${n}@mail.example>\r\n\r\n.dot\r\nFrom here\r\n..\r\n${"x".repeat(n % 70)}\r\n`;
}

/** Messages 1 to `count`, whose uids are `uid-1` … */
export const messages = (count: number) => Array.from({ length: count }, (_, i) => messageOf(i + 1));

export interface Bed extends AsyncDisposable {
  readonly server: Pop3Server;
  readonly folder: string;
  /** What every job here takes. */
  options(to: string, more?: Partial<FetchMailOptions>): FetchMailOptions;
  at(name: string): string;
}

export async function bed(count: number | Pop3ServerOptions = {}): Promise<Bed> {
  const options =
    typeof count === "number" ? { users: { test: { password: "test", messages: messages(count) } } } : count;
  const server = await Pop3Server.start(options);
  const folder = mkdtempSync(join(tmpdir(), "polywire-mail-"));
  const at = (name: string) => join(folder, name);
  return {
    server,
    folder,
    at,
    options: (to, more = {}) => ({
      server: server.urlOf(),
      to: at(to),
      journal: at("mail.journal"),
      existing: "fail",
      ...more,
    }),
    async [Symbol.asyncDispose]() {
      await server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The messages in a place, with CR LF, sorted. */
export async function mailIn(path: string): Promise<string[]> {
  const found: string[] = [];
  if (/\.mbox(\.gz)?$/.test(path)) {
    const file = createReadStream(path);
    const source = path.endsWith(".gz") ? file.pipe(createGunzip()) : file;
    for await (const { content } of readMbox(source, { crlf: true })) found.push(content.toString());
  } else if (existsSync(join(path, "cur"))) {
    const maildir = await Maildir.open(path);
    for (const each of await maildir.list()) found.push((await maildir.read(each, { crlf: true })).toString());
  } else {
    const names = readdirSync(path).filter((name) => name.endsWith(".eml"));
    for (const name of names) found.push(readFileSync(join(path, name), "utf8"));
  }
  return found.sort();
}

/** What is to be there. */
export const expected = (count: number) => messages(count).sort();
