/** kill -9 at random moments of a mail job that deletes, against real servers: every message once, none lost. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { mailIn } from "../../jobs/mail/bed.js";
import { describeLive } from "../available.js";
import { Paced } from "../headers/paced.js";
import { type LiveMail, type MailKind, startMail } from "../servers/mail.js";
import { eventually } from "../smtp/bed.js";

/** As it was built when the tests began. */
const MAIN = fileURLToPath(new URL("../../../dist/cli/main.js", import.meta.url));

/** To have the same moments again: KILL_SEED=… */
const SEED = Number(process.env.KILL_SEED ?? randomInt(2 ** 31));

/** When a process dies: at most so many milliseconds behind a command of its own. */
interface Moment {
  readonly behind: RegExp;
  readonly within?: number;
  /** A life that is to come to its deletions fetches so many. */
  readonly limit?: number;
  /** The answer never comes: the server has deleted, and the process dies without knowing it. */
  readonly unheard?: true;
}

/** In the login and the listing; in the messages, before and behind commits; in the deletions, and in their end. */
const MOMENTS: readonly Moment[] = [
  { behind: /^(AUTH|USER|APOP)/m, within: 30 },
  { behind: /^UIDL/m, within: 100 },
  { behind: /^RETR/m, within: 1_000 },
  { behind: /^RETR/m, within: 1_500 },
  { behind: /^DELE/m, within: 300 },
  { behind: /^QUIT/m, limit: 100 },
  { behind: /^QUIT/m, limit: 100, unheard: true },
];

/** Bytes a second, while there is something to be killed. */
const RATES: Record<MailKind, number> = { dovecot: 700_000, cyrus: 200_000 };
const COUNTS: Record<MailKind, number> = { dovecot: 2_000, cyrus: 500 };

/** Every message another one: with dots, with From, with 8-bit letters, from 1 to 5 KB. */
function letter(n: number): string {
  const line = `${String.fromCharCode(97 + (n % 26)).repeat(70)}\r\n`;
  const body = `.\r\n..two\r\nFrom here\r\n>From there\r\nGr\u00fc\u00dfe ${n}\r\n${line.repeat(10 + ((n * 7919) % 60))}`;
  return `From: a@example.org\r\nSubject: Letter ${n}\r\nMessage-ID: <${n}@kill.example>\r\n\r\n${body}`;
}

/** 0 to 1 (Mulberry32). */
function dice(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** One mailbox that is fetched into one place, life after life. */
class Victim {
  readonly #server: LiveMail;
  readonly #user: string;
  readonly #to: string;
  readonly #port: number;

  constructor(server: LiveMail, user: string, to: string, port: number) {
    this.#server = server;
    this.#user = user;
    this.#to = to;
    this.#port = port;
  }

  /** Runs until the moment, and is killed. */
  async killed(paced: Paced, { behind, within = 0, limit, unheard }: Moment, random: number): Promise<void> {
    let said = "";
    const child = this.#run(limit === undefined ? [] : ["--limit", String(limit)]);
    const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    const reached = new Promise<void>((resolve) => {
      paced.onSaid = (bytes) => {
        said += bytes.toString("latin1");
        if (!behind.test(said)) return;
        paced.onSaid = () => {};
        if (unheard) paced.rate = 0.001;
        resolve();
      };
    });
    const before = unheard && (await this.#left());
    await Promise.race([reached, exited]);
    if (before !== undefined)
      await eventually(
        () => this.#left(),
        (left) => left < before,
      );
    else await sleep(random * within);
    child.kill("SIGKILL");
    await exited;
    expect(child.signalCode, `the job was not over before the kill behind ${behind}`).toBe("SIGKILL");
  }

  async #left(): Promise<number> {
    return (await this.#server.mailbox(this.#user)).length;
  }

  /** Runs to its end. */
  async ended(): Promise<{ code: unknown; out: string; errors: string }> {
    const child = this.#run([]);
    let [out, errors] = ["", ""];
    child.stdout?.on("data", (chunk) => (out += chunk));
    child.stderr?.on("data", (chunk) => (errors += chunk));
    const code = await new Promise((resolve) => child.once("close", resolve));
    return { code, out, errors };
  }

  #run(more: readonly string[]): ChildProcess {
    const url = `pop3://${this.#user}@127.0.0.1:${this.#port}?security=plain`;
    const args = [MAIN, "mail", url, "--to", this.#to, "--delete-after", "--json", "--progress", "none", ...more];
    const env = { PATH: process.env.PATH, HOME: "/nonexistent", POLYWIRE_PASSWORD: this.#server.users[this.#user] };
    return spawn(process.execPath, args, { stdio: "pipe", env });
  }
}

const PLACES: Record<MailKind, Readonly<Record<string, string>>> = {
  dovecot: { "kill-1": "Maildir", "kill-2": "mail.mbox", "kill-3": "mail/" },
  cyrus: { kill1: "mail.mbox" },
};

describe.each(["dovecot", "cyrus"] as const)("%s", (kind) => {
  describeLive(kind, "mail fetched and deleted by a process that is killed", () => {
    let scratch: string;
    let server: LiveMail;
    beforeAll(async () => {
      process.stderr.write(`KILL_SEED=${SEED}\n`);
      scratch = mkdtempSync(join(tmpdir(), "polywire-kill-"));
      const names = Object.keys(PLACES[kind]);
      server = await startMail(kind, { users: Object.fromEntries(names.map((name) => [name, name])) });
      const letters = Array.from({ length: COUNTS[kind] }, (_, i) => letter(i + 1));
      for (const user of names) await server.deliver(user, ...letters);
    });
    afterAll(async () => {
      await server?.stop();
      rmSync(scratch, { recursive: true, force: true });
    });

    describe.concurrent("every message once", () => {
      test.each(Object.entries(PLACES[kind]))("%s: %s", { timeout: 80_000 }, async (user, place) => {
        // Cyrus puts headers in front: they are part of the message.
        const sent = (await server.mailbox(user)).map(String).sort();
        expect(sent).toHaveLength(COUNTS[kind]);
        await using paced = await Paced.start(server.host, server.ports.pop3, RATES[kind]);
        const to = join(scratch, place);
        const victim = new Victim(server, user, to, paced.port);
        const next = dice(SEED + place.length);
        for (const moment of MOMENTS) {
          await victim.killed(paced, moment, next());
          paced.restart(RATES[kind]);
          // What is gone from the server is whole in its place. A server that still renames files shows all of them soon.
          await eventually(
            async () => {
              const found = new Set([
                ...(await mailIn(to).catch(() => [])),
                ...(await server.mailbox(user)).map(String),
              ]);
              return sent.filter((each) => !found.has(each));
            },
            (lost) => lost.length === 0,
          );
        }
        paced.restart(1e9);
        const { code, out, errors } = await victim.ended();
        expect(code, out + errors).toBe(0);
        const { failures } = JSON.parse(out);
        expect(failures).toEqual([]);
        expect(await mailIn(to)).toEqual(sent);
        expect(await server.mailbox(user)).toEqual([]);
      });
    });
  });
});
