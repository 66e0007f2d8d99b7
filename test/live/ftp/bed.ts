/** What the live FTP tests share: one server per describe, clients that are closed after each test, awkward names. */
import { createHash } from "node:crypto";
import { chownSync, statSync, writeFileSync } from "node:fs";
import { expect } from "vitest";
import { FtpClient } from "../../../src/ftp/client.js";
import type { FtpOptions as ClientOptions } from "../../../src/ftp/options.js";
import { encodeText } from "../../../src/wire/text.js";
import { describeBed, errorOf, type LiveBed } from "../bed.js";
import { ABILITIES, type FtpOptions, KINDS, type Kind, type LiveFtp, start as startServer } from "../servers/ftp.js";

export { errorOf };

/** What the server offers, and the client's word for it. */
export const SECURITY = { none: "plain", explicit: "starttls", implicit: "tls" } as const;
export type Tls = keyof typeof SECURITY;

/** Every server in every security it has: the rows of the tables. */
export const ROWS: readonly (readonly [Kind, Tls])[] = KINDS.flatMap((kind) =>
  (["none", "explicit", "implicit"] as const)
    .filter((tls) => tls === "none" || ABILITIES[kind][tls === "explicit" ? "tls" : "implicit"])
    .map((tls) => [kind, tls] as const),
);

/** The same without implicit TLS, which differs from the explicit one in its first bytes only. */
export const PLAIN_AND_TLS = ROWS.filter(([, tls]) => tls !== "implicit");

/** A server for one describe. A client that is ready is in the served folder. */
export interface Bed extends LiveBed<LiveFtp, FtpClient, ClientOptions> {
  readonly kind: Kind;
  readonly tls: Tls;
  /** Puts a file into the served folder, as the server's user's own. The name's bytes are those that a client sends. */
  put(name: string, content?: string | Uint8Array): void;
  /** The path on this machine of a served file. */
  local(name: string): Buffer;
}

/** `describe` with one server for all its tests. */
export function describeServer(kind: Kind, options: FtpOptions, name: string, tests: (bed: Bed) => void): void {
  const tls = options.tls ?? "none";
  const start = () => startServer(kind, options);
  const client = ({ host, port, user, password }: LiveFtp, more: Partial<ClientOptions>, ca: string) =>
    new FtpClient({
      host,
      port,
      security: SECURITY[tls],
      credentials: { user, password },
      ...more,
      ...(tls === "none" ? {} : { tls: { ca, ...more.tls } }),
    });
  describeBed(kind, name, { start, client }, (bed) => {
    const { ready } = bed;
    const local = (name: string) => Buffer.concat([Buffer.from(`${bed.server.home}/`), encodeText(name)]);
    const own = {
      kind,
      tls,
      local,
      async ready(more?: Partial<ClientOptions>) {
        const ftp = await ready(more);
        await ftp.cwd(bed.server.folder);
        return ftp;
      },
      put(name: string, content: string | Uint8Array = "") {
        writeFileSync(local(name), content);
        // What LiveFtp.handOver() does, for one file: the folder belongs to the server's user.
        const { uid, gid } = statSync(bed.server.home);
        chownSync(local(name), uid, gid);
      },
    };
    tests(Object.assign(bed, own));
  });
}

/** One describe per server and security. */
export function describeRows(
  rows: readonly (readonly [Kind, Tls])[],
  options: FtpOptions,
  tests: (bed: Bed) => void,
): void {
  for (const [kind, tls] of rows) describeServer(kind, { ...options, tls }, `${kind}, TLS ${tls}`, tests);
}

/** The client answers, and has not lost count of its replies. */
export async function expectUsable(client: FtpClient): Promise<void> {
  await client.noop();
  expect(await client.pwd()).toMatch(/^\//);
  expect(client.state).toBe("ready");
}

/** A file that is all of it different, so that bytes lost, doubled or swapped are noticed. */
export function pattern(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  let state = 0x9e3779b9;
  for (let at = 0; at + 4 <= size; at += 4) {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + at;
    bytes.writeInt32LE(state | 0, at);
  }
  return bytes;
}

export const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** Names that break clients. In the last ones, `\udcXX` is the byte XX, which is not UTF-8 there. */
export const AWKWARD = {
  "a blank in front": " front",
  "a blank behind": "behind ",
  "two blanks within": "in  between",
  quotes: 'say "hi" and ""',
  "a semicolon": "a;b",
  "an equals sign": "type=dir; x",
  "an arrow": "here -> there",
  "a leading dash": "-la",
  "a tilde": "~root",
  "wild cards": "[x]*?",
  "a leading dot": ".hidden",
  "UTF-8": "žluťoučký 你好 🙂",
  latin1: "caf\udce9",
  "the byte 0xFF": "\udcffiac\udcff",
} as const;
