/** kill -9 in the middle of a mail job that deletes: no message is lost, and none is there twice, wherever it died. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { fetchMail } from "../../../src/jobs/mail/fetch.js";
import { bed, expected, mailIn, messages } from "./bed.js";

const CHILD = fileURLToPath(new URL("./child.ts", import.meta.url));
const COUNT = 400;

/** After which command the n-th process dies, the how many milliseconds later. */
const MOMENTS = [
  ["UIDL", 0],
  ["RETR 3", 0],
  ["RETR 100", 5],
  ["DELE", 0],
  ["DELE", 8],
  ["QUIT", 0],
] as const;

describe.concurrent("a job that is killed", () => {
  test.each(["Maildir", "mail.mbox", "mail.mbox.gz", "mail/"])("into %s", { timeout: 60_000 }, async (place) => {
    let onCommand = (_line: string) => {};
    const users = { test: { password: "test", messages: messages(COUNT) } };
    await using job = await bed({ users, onCommand: (line) => onCommand(line) });
    let killed = 0;
    for (const [command, later] of MOMENTS) {
      const args = ["--import", "tsx", CHILD, job.server.urlOf(), job.at(place), job.at("mail.journal")];
      // A path that ends with a slash is a folder.
      if (place.endsWith("/")) args[4] = `${job.at(place.slice(0, -1))}/`;
      const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"] });
      const ended = new Promise((resolve) => child.once("exit", resolve));
      let errors = "";
      child.stderr.on("data", (chunk) => (errors += chunk));
      onCommand = (line) => {
        if (line !== command && !line.startsWith(`${command} `)) return;
        onCommand = () => {};
        setTimeout(() => child.kill("SIGKILL"), later);
      };
      await ended;
      expect(errors).toBe("");
      if (child.signalCode === "SIGKILL") killed++;
      // Whatever is gone from the server is whole in its place.
      const left = job.server.maildrop().uids.map((uid) => messages(COUNT)[Number(uid.slice(4)) - 1] as string);
      const there = await mailIn(job.at(place)).catch(() => []);
      const found = new Set([...there, ...left]);
      const lost = messages(COUNT).filter((each) => !found.has(each));
      expect(lost, `after ${command}`).toEqual([]);
    }
    expect(killed).toBeGreaterThanOrEqual(4);
    const to = place.endsWith("/") ? `${job.at(place.slice(0, -1))}/` : job.at(place);
    await fetchMail({ server: job.server.urlOf(), to, journal: job.at("mail.journal"), deleteAfter: true });
    expect(await mailIn(to)).toEqual(expected(COUNT));
    expect(job.server.maildrop().count).toBe(0);
  });
});
