/** ProFTPD: MLSD, MFMT, HASH. It answers a command sent during a transfer at once, out of order.
 * Where a session has just ended, it takes the next connection up to half a second late. */
import { chown, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { inServers, type Server, type Setup, USER, USUAL } from "./server.js";

const PROGRAM = inServers("proftpd/usr/sbin/proftpd");
const MODULES = inServers("proftpd/usr/lib/proftpd");

export const proftpd: Server = {
  abilities: {
    tls: true,
    implicit: true,
    reuse: true,
    mlsd: true,
    ccc: true,
    active: true,
    hash: true,
    setTime: "MFMT",
  },
  takes: [...USUAL, "requireReuse", "requireClientCertificate", "listLimit", "wholeFiles"],
  files: [PROGRAM, join(MODULES, "mod_tls.so")],
  async prepare(setup) {
    const { work, home, owner } = setup;
    const users = join(work, "users");
    // A file that others can read is refused.
    await writeFile(users, `${USER}:${setup.hash}:${owner.uid}:${owner.gid}::${home}:/bin/sh\n`, { mode: 0o600 });
    await chown(users, owner.uid, owner.gid);
    const config = join(work, "proftpd.conf");
    await writeFile(config, settings(setup).join("\n"));
    const logs = [join(work, "system.log"), join(work, "tls.log")];
    return { command: PROGRAM, args: ["--nodaemon", "--config", config], logs };
  },
};

function settings({ host, port, work, options, ...tls }: Setup): string[] {
  const lines = [
    `ModulePath ${MODULES}`,
    "LoadModule mod_tls.c",
    "LoadModule mod_digest.c",
    'ServerName "polywire tests"\nServerType standalone\nSocketBindTight on',
    `UseIPv6 ${options.ipv6 ? "on" : "off"}\nDefaultAddress ${host}\nPort ${port}`,
    `User ${USER}\nGroup ${USER}\nUmask 022`,
    "AuthOrder mod_auth_file.c\nRequireValidShell off\nDefaultRoot ~",
    `AuthUserFile ${join(work, "users")}`,
    `PidFile ${join(work, "pid")}\nScoreboardFile ${join(work, "scoreboard")}\nDelayTable none\nDelayEngine off`,
    `SystemLog ${join(work, "system.log")}\nTransferLog none\nWtmpLog off\nControlsEngine off`,
    "UseReverseDNS off\nAllowOverwrite on\nTimesGMT on",
    `AllowStoreRestart ${options.wholeFiles ? "off" : "on"}\nAllowRetrieveRestart ${options.wholeFiles ? "off" : "on"}`,
    `MaxInstances 300\nMaxClients ${options.maxClients ?? 200}`,
    `AllowForeignAddress ${options.allowFxp ? "on" : "off"}`,
    "DigestEngine on",
  ];
  if (options.maxPerHost) lines.push(`MaxClientsPerHost ${options.maxPerHost}`);
  if (options.passivePorts) lines.push(`PassivePorts ${options.passivePorts.join(" ")}`);
  if (options.deny?.length) lines.push(`<Limit ${options.deny.join(" ")}>\nDenyAll\n</Limit>`);
  if (options.idleTimeout) lines.push(`TimeoutIdle ${options.idleTimeout}`);
  // In KiB a second.
  if (options.rate) lines.push(`TransferRate RETR,STOR,APPE,STOU ${options.rate / 1024}`);
  if (options.listLimit) lines.push(`ListOptions "" maxfiles ${options.listLimit}`);
  if (options.tls !== "none") {
    if (!options.requireReuse) lines.push("TLSOptions NoSessionReuseRequired");
    if (options.tls === "implicit") lines.push("TLSOptions UseImplicitSSL");
    lines.push(
      `TLSEngine on\nTLSLog ${join(work, "tls.log")}\nTLSProtocol TLSv1.2 TLSv1.3\nTLSRenegotiate none`,
      `TLSRSACertificateFile ${tls.certFile}\nTLSRSACertificateKeyFile ${tls.keyFile}`,
      // "on" asks for TLS in all three: login, commands and data.
      `TLSRequired ${options.requireTls ? "on" : "off"}`,
      options.requireClientCertificate ? "TLSVerifyClient on" : "TLSVerifyClient off",
    );
    // As a TLS client (SSCN) it looks at the certificate of the other server.
    if (options.requireClientCertificate || options.allowFxp) lines.push(`TLSCACertificateFile ${tls.caFile}`);
  }
  return [...lines, ""];
}
