/** Pure-FTPd: replies of many lines, listings cut at 10,000 entries, no configuration file: all is on the command line. */
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { inServers, PASSIVE_PORTS, type Server, USER } from "./server.js";

const PROGRAM = inServers("pureftpd/usr/sbin/pure-ftpd");
const MAKE_DATABASE = inServers("pureftpd/usr/bin/pure-pw");

export const pureftpd: Server = {
  abilities: {
    tls: true,
    implicit: false,
    reuse: false,
    mlsd: true,
    ccc: true,
    active: true,
    hash: false,
    setTime: "MFMT",
  },
  takes: ["requireTls", "maxClients", "maxPerHost", "ipv6", "passivePorts", "allowFxp", "rate", "listLimit"],
  files: [PROGRAM, MAKE_DATABASE],
  async prepare({ work, home, owner, hash, options, host, port, ...tls }) {
    const users = join(work, "users");
    const database = join(work, "users.pdb");
    const log = join(work, "transfers.log");
    // name:password:uid:gid:gecos:home/./:bandwidth, ratio, quota … (all empty)
    await writeFile(users, `${USER}:${hash}:${owner.uid}:${owner.gid}::${home}/./::::::::::::\n`, { mode: 0o600 });
    await promisify(execFile)(MAKE_DATABASE, ["mkdb", database, "-f", users]);
    const args = [
      ...["-S", `${host},${port}`, options.ipv6 ? "-6" : "-4", "-l", `puredb:${database}`, "-A", "-E"],
      // -u: the lowest uid that may log in; -H: no DNS; -D: dot files are listed; -z: and may be used
      ...["-u", "10", "-H", "-D", "-z", "-U", "133:022", "-g", join(work, "pid"), "-f", "none", "-O", `clf:${log}`],
      ...["-c", String(options.maxClients ?? 200)],
    ];
    if (options.maxPerHost) args.push("-C", String(options.maxPerHost));
    args.push("-p", (options.passivePorts ?? PASSIVE_PORTS).join(":"));
    if (options.allowFxp) args.push("-w");
    // In KiB a second.
    if (options.rate) args.push("-T", String(Math.ceil(options.rate / 1024)));
    if (options.listLimit) args.push("-L", `${options.listLimit}:20`);
    if (options.tls === "explicit") {
      // 1: TLS if the client likes; 3: for the login and for the data
      args.push("-Y", options.requireTls ? "3" : "1", "-2", `${tls.certFile},${tls.keyFile}`);
    }
    return { command: PROGRAM, args, logs: [log] };
  },
};
