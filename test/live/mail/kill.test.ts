/** kill -9 at random moments of a mail job that deletes, against a real server: every message once, none lost. */
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
import { type LiveMail, startMail } from "../servers/mail.js";

/** As it was built when the tests began. */
const MAIN = fileURLToPath(new URL("../../../dist/cli/main.js", import.meta.url));

/** To have the same moments again: KILL_SEED=… */
const SEED = Number(process.env.KILL_SEED ?? randomInt(2 ** 31));

const COUNT = 2_000;
const KILLS = 6;
/** Bytes a second: so few that the last life has work left. */
const SLOW = 1_000_000;
/** Greeting, login, UIDL and LIST are less; messages are more. */
const LISTED = 120_000;

/** Every message another one: with dots, with From, with 8-bit letters, from 1 to 5 KB. */
function letter(n: number): string {
  const line = `${String.fromCharCode(97 + (n % 26)).repeat(70)}\r\n`;
  const body = `.\r\n..two\r\nFrom here\r\n>From there\r\nGr\u00fc\u00dfe ${n}\r\n${line.repeat(10 + ((n * 7919) % 60))}`;
  return `From: a@example.org\r\nSubject: Letter ${n}\r\nMessage-ID: <${n}@kill.example>\r\n\r\n${body}`;
}

const LETTERS = Array.from({ length: COUNT }, (_, i) => letter(i + 1));

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

describeLive("dovecot", "mail fetched and deleted by a process that is killed", () => {
  let scratch: string;
  let server: LiveMail;
  const users = { maildir: "kill-1", mbox: "kill-2", folder: "kill-3" };
  beforeAll(async () => {
    process.stderr.write(`KILL_SEED=${SEED}\n`);
    scratch = mkdtempSync(join(tmpdir(), "polywire-kill-"));
    server = await startMail("dovecot", { users });
    for (const user of Object.keys(users)) await server.deliver(user, ...LETTERS);
  });
  afterAll(async () => {
    await server?.stop();
    rmSync(scratch, { recursive: true, force: true });
  });

  function run(port: number, user: string, to: string): ChildProcess {
    const url = `pop3://${user}@127.0.0.1:${port}?security=plain`;
    const args = [MAIN, "mail", url, "--to", to, "--delete-after", "--json", "--progress", "none"];
    const env = { PATH: process.env.PATH, HOME: "/nonexistent", POLYWIRE_PASSWORD: server.users[user] };
    return spawn(process.execPath, args, { stdio: "pipe", env });
  }

  const cases = [
    ["maildir", "Maildir"],
    ["mbox", "mail.mbox"],
    ["folder", "mail/"],
  ] as const;
  describe.concurrent("every message once", () => {
    test.each(cases)("%s", { timeout: 120_000 }, async (user, place) => {
      await using paced = await Paced.start(server.host, server.ports.pop3, SLOW);
      const to = join(scratch, place);
      const next = dice(SEED + place.length);
      let underWay = 0;
      for (let kill = 0; kill < KILLS; kill++) {
        paced.forget();
        const child = run(paced.port, user, place.endsWith("/") ? `${to}/` : to);
        const ended = new Promise((resolve) => child.once("exit", resolve));
        while (child.exitCode === null && paced.bytes < LISTED) await sleep(1);
        await sleep(next() * 1_300);
        if (child.exitCode === null) underWay++;
        child.kill("SIGKILL");
        await ended;
        const there = await mailIn(to).catch(() => []);
        const left = (await server.mailbox(user)).map(String);
        expect(new Set([...there, ...left]).size, "whatever is gone from the server is whole in its place").toBe(COUNT);
      }
      expect(underWay, "the job was not over before the kills").toBe(KILLS);
      paced.rate = 1e9;
      const child = run(paced.port, user, place.endsWith("/") ? `${to}/` : to);
      let [out, errors] = ["", ""];
      child.stdout?.on("data", (chunk) => (out += chunk));
      child.stderr?.on("data", (chunk) => (errors += chunk));
      const code = await new Promise((resolve) => child.once("close", resolve));
      expect(code, out + errors).toBe(0);
      const { fetched, skipped, deleted, failures } = JSON.parse(out);
      expect({ all: fetched + skipped, deleted, failures }).toEqual({ all: COUNT, deleted: COUNT, failures: [] });
      expect(skipped, "the last one went on").toBeGreaterThan(0);
      expect(await mailIn(to)).toEqual([...LETTERS].sort());
      expect(await server.mailbox(user)).toEqual([]);
    });
  });
});
