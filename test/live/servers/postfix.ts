/**
 * Postfix: smtpd on three ports, virtual(8) into Maildirs, discard for all the rest. Its processes run as "mail" and
 * "daemon", accounts of every Debian that no mail here is delivered to.
 */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import type { MtaServer, QueuedMail } from "./mta-server.js";
import { DAEMONS, LIBRARIES, writeQueue, writeSettings } from "./postfix-settings.js";
import { SASLPASSWD } from "./sasldb.js";
import { inServers } from "./server.js";

const MASTER = join(DAEMONS, "master");
const POSTQUEUE = inServers("postfix/usr/sbin/postqueue");

export const postfix: MtaServer = {
  abilities: {
    ehlo: [
      ...["8BITMIME", "CHUNKING", "DSN", "ENHANCEDSTATUSCODES", "ETRN", "PIPELINING", "SIZE 10240000", "SMTPUTF8"],
      ...["STARTTLS", "VRFY"],
    ],
    mechanisms: ["PLAIN", "LOGIN", "CRAM-MD5", "DIGEST-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"],
    pipeConnect: false,
    vrfy: true,
    expn: false,
    help: false,
    etrn: true,
  },
  takes: ["authBy", "maxClients"],
  withouts: ["8BITMIME", "CHUNKING", "DSN", "ENHANCEDSTATUSCODES", "ETRN", "PIPELINING", "SIZE", "SMTPUTF8", "VRFY"],
  files: [MASTER, POSTQUEUE, SASLPASSWD],
  async prepare(setup) {
    const { work } = setup;
    const folder = await writeSettings(setup);
    writeQueue(work);
    const env = [`LD_LIBRARY_PATH=${LIBRARIES}`, "PATH=/usr/bin:/bin"];
    const queue = async (tries = 5): Promise<QueuedMail[]> => {
      try {
        const list = await promisify(execFile)("/usr/bin/env", ["-i", ...env, POSTQUEUE, "-c", folder, "-j"]);
        return list.stdout.split("\n").filter(Boolean).map(parseQueued);
      } catch (error) {
        // Of a master that was killed this moment, another process had begun to answer.
        if (tries === 1 || !String(error).includes("malformed showq")) throw error;
        await new Promise((resolve) => setTimeout(resolve, 200));
        return queue(tries - 1);
      }
    };
    return {
      command: "/usr/bin/env",
      args: ["-i", ...env, MASTER, "-c", folder],
      logs: [join(work, "maillog")],
      queue,
    };
  },
};

function parseQueued(json: string): QueuedMail {
  const { queue_id: id, sender: from, recipients } = JSON.parse(json);
  return { id, from, to: recipients.map(({ address }: { address: string }) => address) };
}
