/** Pairs of real servers, each on an address of its own, so that they are foreign to each other; and who has seen the bytes. */
import diagnostics from "node:diagnostics_channel";
import { chownSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import type { Socket } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll } from "vitest";
import { FtpClient } from "../../../src/ftp/client.js";
import type { FtpOptions as ClientOptions } from "../../../src/ftp/options.js";
import { describeLive } from "../available.js";
import { certificates } from "../servers/certs.js";
import { type FtpOptions, type Kind, type LiveFtp, start } from "../servers/ftp.js";
import { SECURITY } from "./bed.js";

/** The makes that know FXP. */
export const MAKES = ["vsftpd", "proftpd", "pureftpd", "pyftpdlib"] as const satisfies readonly Kind[];
export type Make = (typeof MAKES)[number];

/** Every two of different make, in either direction. */
export const PAIRS = MAKES.flatMap((from) => MAKES.filter((to) => to !== from).map((to) => [from, to] as const));

/** One of the servers, and what is in it. */
export class Yard {
  readonly server: LiveFtp;
  readonly #clients: FtpClient[] = [];
  readonly #options: Partial<ClientOptions>;

  constructor(server: LiveFtp, options: Partial<ClientOptions>) {
    this.server = server;
    this.#options = options;
  }

  put(name: string, content: Uint8Array | string): void {
    const { uid, gid } = statSync(this.server.home);
    writeFileSync(this.path(name), content);
    chownSync(this.path(name), uid, gid);
  }

  path(name: string): string {
    return join(this.server.home, name);
  }

  /** Undefined where it is not there. */
  read(name: string): Buffer | undefined {
    return existsSync(this.path(name)) ? readFileSync(this.path(name)) : undefined;
  }

  clear(...names: readonly string[]): void {
    for (const name of names) rmSync(this.path(name), { force: true });
  }

  /** A client that is logged in; it is closed after the test. */
  async ready(more: Partial<ClientOptions> = {}): Promise<FtpClient> {
    const { host, port, user, password } = this.server;
    const client = new FtpClient({ host, port, credentials: { user, password }, ...this.#options, ...more });
    this.#clients.push(client);
    await client.connect();
    await client.login();
    return client;
  }

  hangUp(): void {
    for (const client of this.#clients.splice(0)) client.close();
  }
}

/** `describe` with one server of each make. */
export function describeMakes(
  name: string,
  options: FtpOptions,
  tests: (yards: Readonly<Record<Make, Yard>>) => void,
): void {
  describeLive([...MAKES], name, () => {
    const yards = {} as Record<Make, Yard>;
    beforeAll(async () => {
      const { ca } = await certificates();
      const { tls = "none" } = options;
      const secure = { security: SECURITY[tls], ...(tls === "none" ? {} : { tls: { ca, servername: "localhost" } }) };
      const started = MAKES.map(async (make, i) => {
        const host = options.ipv6 ? "::1" : `127.0.1.${i + 1}`;
        yards[make] = new Yard(await start(make, { ...options, host }), secure);
      });
      await Promise.all(started);
    });
    afterEach(() => {
      for (const make of MAKES) yards[make].hangUp();
    });
    afterAll(async () => {
      await Promise.all(Object.values(yards).map(({ server }) => server.stop()));
    });
    tests(yards);
  });
}

/** Bytes that went over the connections which this process made while a body ran, in both directions. */
export async function bytesSeen(body: () => Promise<unknown>): Promise<number> {
  const sockets: Socket[] = [];
  const note = (message: unknown) => void sockets.push((message as { socket: Socket }).socket);
  diagnostics.subscribe("net.client.socket", note);
  try {
    await body();
  } finally {
    diagnostics.unsubscribe("net.client.socket", note);
  }
  return sockets.reduce((sum, { bytesRead, bytesWritten }) => sum + bytesRead + bytesWritten, 0);
}
