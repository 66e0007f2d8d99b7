/** What every bed has: one server for the tests of a describe, a folder for files, clients that are closed after each test. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import type { Client } from "../../src/client/client.js";
import type { PolywireError } from "../../src/client/errors.js";
import { describeLive, type LiveKind } from "./available.js";
import { certificates } from "./servers/certs.js";

/** A server for one describe. */
export interface LiveBed<Server, C extends Client, Options> {
  /** There from the first test on. */
  readonly server: Server;
  /** A folder of this machine for sinks and sources. */
  readonly scratch: string;
  /** A client that is not yet connected; it is closed after the test. */
  client(more?: Partial<Options>): C;
  /** A client that is logged in. */
  ready(more?: Partial<Options>): Promise<C>;
}

/** What a protocol supplies. */
export interface LiveBedSetup<Server, C extends Client, Options> {
  start(): Promise<Server>;
  /** `ca` is what signed the server's certificate. */
  client(server: Server, more: Partial<Options>, ca: string): C;
}

/** `describe` with one server for all its tests. */
export function describeBed<Server extends { stop(): Promise<unknown> }, C extends Client, Options>(
  kind: LiveKind,
  name: string,
  setup: LiveBedSetup<Server, C, Options>,
  tests: (bed: LiveBed<Server, C, Options>) => void,
): void {
  describeLive(kind, name, () => {
    let server: Server | undefined;
    let ca = "";
    let scratch = "";
    const clients: C[] = [];
    beforeAll(async () => {
      scratch = mkdtempSync(join(tmpdir(), "polywire-scratch-"));
      ca = (await certificates()).ca;
      server = await setup.start();
    });
    afterEach(() => {
      for (const client of clients.splice(0)) client.close();
    });
    afterAll(async () => {
      rmSync(scratch, { recursive: true, force: true });
      await server?.stop();
    });
    const bed: LiveBed<Server, C, Options> = {
      get scratch() {
        return scratch;
      },
      get server() {
        if (server === undefined) throw new Error("the server is started before the first test");
        return server;
      },
      client(more = {}) {
        const client = setup.client(bed.server, more, ca);
        clients.push(client);
        return client;
      },
      async ready(more) {
        const client = bed.client(more);
        await client.connect();
        await client.login();
        return client;
      },
    };
    tests(bed);
  });
}

/** The error that a call rejects with. */
export async function errorOf(call: Promise<unknown>): Promise<PolywireError> {
  return call.then(
    (value) => expect.unreachable(`it resolved to ${String(value).slice(0, 200)}`),
    (error) => error,
  );
}
