/** Transfers that are broken off before their turn: other commands, which went along, are still to be answered. */
import { connect, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, expect, it } from "vitest";
import { AbortedError } from "../../../src/client/errors.js";
import type { FtpClient } from "../../../src/ftp/client.js";
import { listen } from "../../net/loopback.js";
import { describeRows, errorOf, expectUsable, pattern, ROWS } from "./bed.js";

const LARGE = pattern(16 * 1024 * 1024);
const SMALL = LARGE.subarray(0, 50_000);

/** Longer than a server has to settle a transfer that was given up. */
const LONG = 5_500;

const CALLS: Record<string, (ftp: FtpClient, signal: AbortSignal) => Promise<unknown>> = {
  "a download": (ftp, signal) => ftp.retr("large.dat", { signal }),
  "an upload": (ftp, signal) => ftp.stor("up.dat", SMALL, { signal }),
  "an upload from a source": (ftp, signal) => ftp.stor("up.dat", LARGE, { signal }),
};
const NAMES = Object.keys(CALLS);

/** A port of control connections to the server, and what holds all that clients say until it is called again. */
async function held(to: { host: string; port: number }): Promise<{ port: number; hold(on: boolean): void }> {
  const turns: ((on: boolean) => void)[] = [];
  const relay = createServer({ allowHalfOpen: true }, (client) => {
    const server = connect({ host: to.host, port: to.port, allowHalfOpen: true }).on("error", () => client.destroy());
    client.on("close", () => server.destroy()).pipe(server);
    server.pipe(client);
    turns.push((on) => (on ? client.unpipe(server).pause() : client.pipe(server)));
  });
  return { port: await listen(relay), hold: (on) => turns.forEach((turn) => void turn(on)) };
}

describeRows(
  ROWS.filter(([, tls]) => tls === "none"),
  {},
  (bed) => {
    beforeAll(() => {
      bed.put("large.dat", LARGE);
      bed.put("first.dat", SMALL);
    });

    it("leave them their replies, and the client usable, however long the server takes", async () => {
      const { port, hold } = await held(bed.server);
      const ready = async () => {
        const ftp = await bed.ready({ port });
        // From then on the transfer goes into one write with the command for its data connection.
        await ftp.retr("first.dat");
        return ftp;
      };
      const clients = await Promise.all(NAMES.map(ready));
      clients.forEach((_, i) => void bed.put(`gone-${i}`));
      hold(true);
      const stop = new AbortController();
      const begun = clients.map((ftp, i) => {
        const along = ftp.pack([`DELE gone-${i}`, "DELE none"], { along: true });
        const call = CALLS[NAMES[i] as string] as (typeof CALLS)[string];
        return { along, error: errorOf(call(ftp, stop.signal)) };
      });
      // The transfers' commands have left, too.
      await sleep(10);
      stop.abort();
      await sleep(LONG);
      hold(false);
      for (const [i, { along, error }] of begun.entries()) {
        const ftp = clients[i] as FtpClient;
        expect(await error, NAMES[i]).toBeInstanceOf(AbortedError);
        expect((await error).clientUsable, NAMES[i]).toBe(true);
        expect((await along).map(({ code }) => code)).toEqual(["250", "550"]);
        await expectUsable(ftp);
        expect((await ftp.retr("large.dat")).equals(LARGE)).toBe(true);
      }
    });
  },
);
