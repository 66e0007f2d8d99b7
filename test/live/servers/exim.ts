/**
 * Exim, the heavy one of Debian: one daemon on three ports, Maildirs of its own. As its configuration is at an unusual place
 * it may not change accounts: all it does is done as "polywire". Its TLS is GnuTLS; the others have OpenSSL.
 */
import { execFile } from "node:child_process";
import { chownSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { OFFERS, writeSettings } from "./exim-settings.js";
import { give } from "./launch.js";
import type { MtaServer, QueuedMail } from "./mta-server.js";
import { SASLPASSWD } from "./sasldb.js";
import { inServers } from "./server.js";

const EXIM = inServers("exim/usr/sbin/exim4");

export const exim: MtaServer = {
  abilities: {
    ehlo: [
      "8BITMIME",
      "CHUNKING",
      "DSN",
      "EXPN",
      "HELP",
      "PIPELINING",
      "PRDR",
      "SIZE 10240000",
      "SMTPUTF8",
      "STARTTLS",
      "VRFY",
    ],
    mechanisms: ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256", "EXTERNAL"],
    pipeConnect: true,
    vrfy: true,
    expn: true,
    help: true,
    etrn: false,
  },
  takes: ["pipeConnect", "maxClients"],
  withouts: Object.keys(OFFERS),
  files: [EXIM, SASLPASSWD],
  async prepare(setup) {
    const { work, owner } = setup;
    const file = await writeSettings(setup, EXIM);
    give(work, owner);
    chownSync(file, 0, 0); // it takes no other's
    const run = ["-i", "PATH=/usr/bin:/bin", `SASL_CONF_PATH=${work}`, EXIM, "-C", file];
    const queue = async (): Promise<QueuedMail[]> =>
      parseQueue((await promisify(execFile)("/usr/bin/env", [...run, "-bp"])).stdout);
    return {
      command: "/usr/bin/env",
      args: [...run, "-bdf", "-oP", "/dev/null"],
      logs: ["main", "reject", "panic"].map((name) => join(work, "log", name)),
      queue,
    };
  },
};

/** AGE SIZE ID <SENDER>, then a recipient on each line, with a D where it is done. */
function parseQueue(list: string): QueuedMail[] {
  return list.split(/\n\s*\n/).flatMap((block) => {
    const [, id, from] = /^\s*\S+\s+\S+\s+(\S+) <(.*)>/.exec(block) ?? [];
    const to = block.split("\n").flatMap((line) => (/^ {10}(\S.*)$/.exec(line) ? [line.trim()] : []));
    return id === undefined || from === undefined ? [] : [{ id, from, to }];
  });
}
