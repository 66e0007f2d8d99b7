/** What the tests of upload, download and trees share: a server in memory, a client in it, a folder of this machine. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect } from "vitest";
import type { PolywireError } from "../../src/client/errors.js";
import { FtpClient } from "../../src/ftp/client.js";
import { FtpServer, type FtpServerOptions } from "../../src/testing/index.js";

export const TIME = new Date("2021-02-03T04:05:06Z");

/** What each test finds made for it. */
export interface Copying {
  server: FtpServer;
  ftp: FtpClient;
  /** A folder of this machine, removed behind the test. */
  here: string;
  /** Another server in place of the usual one. */
  serve(options: FtpServerOptions): Promise<void>;
  /** Another client, logged in. */
  login(): Promise<FtpClient>;
  /** The verbs of the commands sent since the last call. */
  verbs(): string[];
}

/** Makes all that before each test. */
export function copying(): Copying {
  const clients: FtpClient[] = [];
  let seen = 0;
  const bed: Copying = {
    server: undefined as unknown as FtpServer,
    ftp: undefined as unknown as FtpClient,
    here: "",
    async serve(options) {
      await bed.server?.close();
      bed.server = await FtpServer.start(options);
      seen = 0;
      bed.ftp = await bed.login();
      bed.verbs();
    },
    async login() {
      const { host, port } = bed.server;
      const credentials = { user: "test", password: "test" };
      const client = new FtpClient({ host, port, security: "plain", credentials, timeouts: { command: 5_000 } });
      clients.push(client);
      await client.connect();
      await client.login();
      return client;
    },
    verbs() {
      const fresh = bed.server.commands.slice(seen);
      seen = bed.server.commands.length;
      return fresh.map((line) => line.split(" ", 1)[0] as string);
    },
  };
  beforeEach(async () => {
    bed.here = mkdtempSync(join(tmpdir(), "polywire-copy-"));
    await bed.serve({});
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) client.close();
    await bed.server.close();
    rmSync(bed.here, { recursive: true, force: true });
  });
  return bed;
}

/** The error that a call rejects with. */
export async function errorOf(call: Promise<unknown>): Promise<PolywireError> {
  return call.then(
    (value) => expect.unreachable(`it resolved to ${JSON.stringify(value)}`),
    (error) => error,
  );
}
