/** GNU inetutils' ftpd: an old BSD server. No TLS, no MLSD, FEAT after login only. Run by inetd.py. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { PYTHON } from "./pyftpdlib.js";
import { inServers, type Server } from "./server.js";

const PROGRAM = inServers("inetutils/usr/sbin/ftpd");
const INETD = fileURLToPath(new URL("inetd.py", import.meta.url));

export const inetutils: Server = {
  abilities: {
    tls: false,
    implicit: false,
    reuse: false,
    mlsd: false,
    ccc: false,
    active: true,
    hash: false,
    setTime: "none",
  },
  takes: ["ipv6", "idleTimeout"],
  files: [PYTHON, PROGRAM],
  async prepare({ host, port, home, work, options }) {
    const log = join(work, "inetd.log");
    const ftpd = [PROGRAM, "--auth=default", ...(options.idleTimeout ? [`--timeout=${options.idleTimeout}`] : [])];
    // It is not in a chroot: the user lands in "/", and names this instance's folder by its path on this machine.
    return { command: PYTHON, args: ["-I", INETD, host, String(port), log, ...ftpd], logs: [log], folder: home };
  },
};
