/** What the live FTP tests share: one server per describe, clients that are closed after each test, awkward names. */
import { createHash } from "node:crypto";
import { chownSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import type { PolywireError } from "../../../src/client/errors.js";
import { FtpClient } from "../../../src/ftp/client.js";
import type { FtpOptions as ClientOptions } from "../../../src/ftp/options.js";
import { encodeText } from "../../../src/wire/text.js";
import { describeLive } from "../available.js";
import { certificates } from "../servers/certs.js";
import { ABILITIES, type FtpOptions, KINDS, type Kind, type LiveFtp, start } from "../servers/ftp.js";

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

/** A server for one describe. */
export interface Bed {
  readonly kind: Kind;
  readonly tls: Tls;
  /** There from the first test on. */
  readonly server: LiveFtp;
  /** A folder of this machine for sinks and sources. */
  readonly scratch: string;
  /** A client that is not yet connected; it is closed after the test. */
  client(more?: Partial<ClientOptions>): FtpClient;
  /** A client that is logged in, in the served folder. */
  ready(more?: Partial<ClientOptions>): Promise<FtpClient>;
  /** Puts a file into the served folder, as the server's user's own. The name's bytes are those that a client sends. */
  put(name: string, content?: string | Uint8Array): void;
  /** The path on this machine of a served file. */
  local(name: string): Buffer;
}

/** `describe` with one server for all its tests. */
export function describeServer(kind: Kind, options: FtpOptions, name: string, tests: (bed: Bed) => void): void {
  describeLive(kind, name, () => {
    let server: LiveFtp | undefined;
    let ca = "";
    let scratch = "";
    const clients: FtpClient[] = [];
    beforeAll(async () => {
      scratch = mkdtempSync(join(tmpdir(), "polywire-scratch-"));
      server = await start(kind, options);
      ca = (await certificates()).ca;
    });
    afterEach(() => {
      for (const client of clients.splice(0)) client.close();
    });
    afterAll(async () => {
      rmSync(scratch, { recursive: true, force: true });
      await server?.stop();
    });
    const tls = options.tls ?? "none";
    const bed: Bed = {
      kind,
      tls,
      get scratch() {
        return scratch;
      },
      get server() {
        if (server === undefined) throw new Error("the server is started before the first test");
        return server;
      },
      client(more = {}) {
        const { host, port, user, password } = bed.server;
        const client = new FtpClient({
          host,
          port,
          security: SECURITY[tls],
          credentials: { user, password },
          ...more,
          ...(tls === "none" ? {} : { tls: { ca, ...more.tls } }),
        });
        clients.push(client);
        return client;
      },
      async ready(more) {
        const client = bed.client(more);
        await client.connect();
        await client.login();
        await client.cwd(bed.server.folder);
        return client;
      },
      put(name, content = "") {
        writeFileSync(bed.local(name), content);
        // What LiveFtp.handOver() does, for one file: the folder belongs to the server's user.
        const { uid, gid } = statSync(bed.server.home);
        chownSync(bed.local(name), uid, gid);
      },
      local: (name) => Buffer.concat([Buffer.from(`${bed.server.home}/`), encodeText(name)]),
    };
    tests(bed);
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

/** The error that a call rejects with. */
export async function errorOf(call: Promise<unknown>): Promise<PolywireError> {
  return call.then(
    (value) => expect.unreachable(`it resolved to ${String(value).slice(0, 200)}`),
    (error) => error,
  );
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
