/** kill -9 at random moments of a move between two real servers: nothing lost, nothing half, nothing twice. */
import { randomInt } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, describe, expect, test } from "vitest";
import { describeLive } from "../available.js";
import type { Kind, LiveFtp } from "../servers/ftp.js";
import { type Death, Yard } from "./yard.js";

/** To have the same choices again: KILL_SEED=… */
const SEED = Number(process.env.KILL_SEED ?? randomInt(2 ** 31));
/** All kills and files are so many times as many. */
const SCALE = Number(process.env.KILL_SCALE ?? 1);

interface Plan {
  readonly kinds: readonly [Kind, Kind];
  readonly files: number;
  readonly kills: number;
  readonly source: "delete" | "archive" | "keep";
}

const PLANS: readonly Plan[] = [
  { kinds: ["vsftpd", "proftpd"], files: 2_500, kills: 100, source: "delete" },
  { kinds: ["pureftpd", "pyftpdlib"], files: 2_000, kills: 80, source: "delete" },
  { kinds: ["pyftpdlib", "vsftpd"], files: 500, kills: 20, source: "keep" },
  { kinds: ["proftpd", "pureftpd"], files: 600, kills: 25, source: "archive" },
];

/** What a process is killed behind, as often as it is named; `start`: some time behind its own start. */
const BEHIND: readonly Death["behind"][] = ["start", "temp", "data", "data", "final", "final", "removed", "removed"];
/** Milliseconds behind that, at most. */
const LATER = { start: 400, temp: 15, data: 15, final: 15, removed: 15 } as const;
/** Files that are left, at least, when a process begins: more are planted where a machine was too fast. */
const RESERVE = 150;

/** When the next process dies. On average it does as much as is due: so what is left lasts until the last kill. */
function nextDeath(yard: Yard, { source }: Plan, killsLeft: number): Death {
  const { dice } = yard;
  const possible = BEHIND.filter((each) => each !== "removed" || source !== "keep");
  const behind = possible[Math.floor(dice() * possible.length)] as Death["behind"];
  const due = Math.max(1, Math.floor(yard.left / killsLeft));
  const nth = behind === "start" ? 1 : 1 + Math.floor(dice() * due);
  const later = dice() < 0.5 ? 0 : dice() * LATER[behind];
  return { behind, nth, later };
}

/** A process of the server that serves somebody. */
function aSession({ pid, processes }: LiveFtp, random: number): number | undefined {
  const sessions = processes().filter((each) => each !== pid);
  return sessions[Math.floor(random * sessions.length)];
}

describeLive(["vsftpd", "proftpd", "pureftpd", "pyftpdlib"], "a move killed at random moments", () => {
  beforeAll(() => void process.stderr.write(`KILL_SEED=${SEED}\n`));

  describe.concurrent("ends byte for byte", () => {
    test.each(PLANS)(
      "$kinds: $kills kills, $files files, source: $source",
      { timeout: 900_000 * SCALE },
      async (plan) => {
        const archiveTo = plan.source === "archive" ? "done" : undefined;
        const options = { source: plan.source, archiveTo, lanes: 3 };
        const yard = await Yard.start(plan.kinds, SEED + PLANS.indexOf(plan), options);
        try {
          yard.plant(plan.files * SCALE);
          const all = plan.kills * SCALE;
          let inTransfer = 0;
          for (let kills = 0; kills < all; ) {
            if (yard.left < RESERVE) yard.plant(RESERVE);
            if (await yard.run(nextDeath(yard, plan, all - kills)).wasKilled()) kills++;
            if (yard.check().temps > 0) inTransfer++;
          }
          expect(inTransfer, "kills that broke off transfers").toBeGreaterThan(all / 4);
          if (yard.left === 0) yard.plant(RESERVE);
          yard.checkEnd(await yard.run().result());
        } finally {
          await yard.stop();
        }
      },
    );

    test("sessions of the servers are killed under it", { timeout: 600_000 * SCALE }, async () => {
      const kills = 60 * SCALE;
      // Each of them may be the one that is killed, every time.
      const tries = { retry: 10_000 };
      const yard = await Yard.start(["vsftpd", "proftpd"], SEED - 1, { lanes: 4, tries });
      try {
        yard.plant(1_000 * SCALE);
        let life = yard.run();
        for (let killed = 0; killed < kills; ) {
          if (yard.left < RESERVE) yard.plant(RESERVE);
          const until = yard.left - 1 - Math.floor(yard.dice() * 10);
          while (life.runs && yard.left > until) await sleep(5);
          const session = aSession(yard.dice() < 0.5 ? yard.from : yard.to, yard.dice());
          if (!life.runs) {
            expect(await life.result()).toMatchObject({ failed: 0, conflicts: 0, gone: 0, left: 0 });
            yard.plant(RESERVE);
            life = yard.run();
          } else if (session !== undefined && kill(session)) killed++;
          yard.check();
        }
        await life.result();
        yard.checkEnd(await yard.run().result());
      } finally {
        await yard.stop();
      }
    });
  });
});

/** False where it had gone. */
function kill(pid: number): boolean {
  try {
    return process.kill(pid, "SIGKILL");
  } catch {
    return false;
  }
}
