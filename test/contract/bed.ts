/** A server for one describe, clients that reach it through a relay, and a look at what they leave behind. */
import { afterAll, afterEach, beforeAll, beforeEach, expect } from "vitest";
import type { ClientOptions } from "../../src/client/options.js";
import type { Security } from "../../src/client/session.js";
import { Transcript } from "../../src/client/transcript.js";
import { Relay } from "./relay.js";
import type { Certificate, Place, Row, Subject } from "./row.js";

/** Time-outs that make a failing test quick. */
export const QUICK = { connect: 5_000, greeting: 5_000, command: 5_000, idle: 5_000, quit: 1_000 };

/** What is not looked at has time, whatever the time-outs of the client. */
const PATIENT = { timeout: 5_000 };

/** How `expect.poll` looks: often, as what is waited for takes no time. */
export const OFTEN = { interval: 2, timeout: 5_000 };

/** A client, the wire to its server, and what was said. */
export interface Met extends Subject {
  readonly relay: Relay;
  readonly transcript: Transcript;
}

export interface Bed {
  readonly row: Row;
  /** There from the first test on. */
  readonly place: Place;
  /** A relay to the server, with a client that is not yet connected; in the clear unless told otherwise. */
  meet(options?: Partial<ClientOptions>, port?: number): Promise<Met>;
  /** The same, connected. */
  connected(options?: Partial<ClientOptions>): Promise<Met>;
  /** The same, logged in. */
  ready(options?: Partial<ClientOptions>): Promise<Met>;
  /** It is closed when the test is over. */
  keep<T extends { close(): unknown }>(made: T): T;
}

/** To be called in a describe: starts the server, and after each test looks for what was left. */
export function bedOf(row: Row, certificate: Certificate = "server"): Bed {
  let place: Place | undefined;
  const open: { close(): unknown }[] = [];
  beforeAll(async () => {
    place = await row.start(certificate);
  });
  afterAll(() => place?.stop());
  leavesNothing(async () => {
    for (const each of open.splice(0).reverse()) await each.close();
  });
  const bed: Bed = {
    row,
    get place() {
      if (place === undefined) throw new Error("the server is started before the first test");
      return place;
    },
    async meet(options = {}, port = bed.place.ports[options.security ?? "plain"]) {
      const { host, user, password, ca } = bed.place;
      const relay = bed.keep(await Relay.start(port, host));
      const transcript = new Transcript();
      const credentials = { user, password };
      const common = { host: relay.host, port: relay.port, security: "plain" as Security, timeouts: QUICK };
      const tls = { ca, ...options.tls };
      const subject = row.client({ ...common, credentials, transcript, ...options, tls });
      bed.keep(subject.client);
      return { ...subject, relay, transcript };
    },
    async connected(options) {
      const met = await bed.meet(options);
      await met.client.connect(PATIENT);
      return met;
    },
    async ready(options) {
      const met = await bed.connected(options);
      await met.client.login(undefined, PATIENT);
      return met;
    },
    keep(made) {
      open.push(made);
      return made;
    },
  };
  return bed;
}

/** After each test of the describe: no rejection that nobody took, no socket of it, and no listener on the process. */
function leavesNothing(closeAll: () => Promise<void>): void {
  const rejections: unknown[] = [];
  const onRejection = (reason: unknown) => void rejections.push(reason);
  let before = { sockets: 0, listeners: 0 };
  beforeEach(() => {
    process.on("unhandledRejection", onRejection);
    before = { sockets: sockets(), listeners: listeners() };
  });
  afterEach(async () => {
    try {
      await closeAll();
      await expect.poll(sockets, OFTEN).toBeLessThanOrEqual(before.sockets);
      expect(listeners()).toBe(before.listeners);
    } finally {
      process.off("unhandledRejection", onRejection);
    }
    expect(rejections.splice(0)).toEqual([]);
  });
}

/** Sockets, and servers, of this process that are open. */
export function sockets(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind.startsWith("TCP")).length;
}

function listeners(): number {
  return process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0);
}

/** `ok`, or the error of each call, in the order in which they settled: index and outcome. */
export function settling(calls: readonly Promise<unknown>[]): Promise<(readonly [index: number, error: unknown])[]> {
  const order: (readonly [number, unknown])[] = [];
  const each = calls.map((call, index) =>
    call.then(
      () => void order.push([index, undefined]),
      (error: unknown) => void order.push([index, error]),
    ),
  );
  return Promise.all(each).then(() => order);
}
