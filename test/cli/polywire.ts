/** Runs the CLI as a process of its own, and checks what no run may do: show a secret, or control a terminal. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { type FtpServer, testTls } from "../../src/testing/index.js";

/** As it was built when the tests began. */
const MAIN = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

/** The password of every server in these tests. It must never be seen. */
export const PASSWORD = "t0p-secret";
export const USERS = { users: { alice: PASSWORD } };

export interface Ran {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  env?: Record<string, string>;
  cwd?: string;
  input?: string;
  /** Sees the process while it runs. */
  running?: (child: ChildProcess) => void;
}

/** A folder that is removed at the end; also home of a user without a netrc file. */
export const folder = mkdtempSync(join(tmpdir(), "polywire-cli-"));

/** To be called behind all tests of a file. */
export function cleanUp(): Promise<void> {
  return rm(folder, { recursive: true, force: true });
}

export async function polywire(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const env = { PATH: process.env.PATH ?? "", HOME: folder, TZ: "UTC", ...options.env };
  const cwd = options.cwd ?? folder;
  const child = spawn(process.execPath, [MAIN, ...args], { env, cwd });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => err.push(chunk));
  child.stdin.on("error", () => {});
  child.stdin.end(options.input ?? "");
  options.running?.(child);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject).on("close", resolve);
  });
  const ran = { code, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() };
  for (const text of [ran.stdout, ran.stderr]) {
    expect(text).not.toContain(PASSWORD);
    expect(text).not.toMatch(/[\0-\x09\x0b-\x1f\x7f]/);
  }
  return ran;
}

/** The URL of a path for alice, without her password. */
export function urlOf(server: FtpServer, path = "/"): string {
  return `${server.url.replace(`:${PASSWORD}`, "")}${path}`;
}

/** What every run against a plain server in memory takes. */
export const PLAIN = { env: { POLYWIRE_PASSWORD: PASSWORD } };

export { testTls };
