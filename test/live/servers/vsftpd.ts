/** vsftpd: no MLSD, no MFMT, and it requires TLS session reuse unless told otherwise. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { inServers, PASSIVE_PORTS, type Server, type Setup, USUAL } from "./server.js";

const PROGRAM = inServers("vsftpd/usr/sbin/vsftpd");
const yes = (on: boolean | undefined): string => (on ? "YES" : "NO");

export const vsftpd: Server = {
  abilities: {
    tls: true,
    implicit: true,
    reuse: true,
    mlsd: false,
    ccc: false,
    active: true,
    hash: false,
    setTime: "MDTM",
  },
  takes: [...USUAL, "requireReuse", "requireClientCertificate", "quiet", "sharedUploads"],
  files: [PROGRAM],
  async prepare(setup) {
    const config = join(setup.work, "vsftpd.conf");
    await mkdir(join(setup.work, "empty"));
    await writeFile(config, settings(setup).join("\n"));
    return { command: PROGRAM, args: [config], logs: [join(setup.work, "vsftpd.log")] };
  },
};

function settings({ host, port, home, work, options, ...tls }: Setup): string[] {
  const lines = [
    options.ipv6 ? `listen=NO\nlisten_ipv6=YES\nlisten_address6=${host}` : `listen=YES\nlisten_address=${host}`,
    `listen_port=${port}`,
    "background=NO",
    // These need rights that a container may not have.
    "isolate=NO\nisolate_network=NO\nseccomp_sandbox=NO",
    "anonymous_enable=NO\nlocal_enable=YES\nwrite_enable=YES\nlocal_umask=022",
    "pam_service_name=polywire\nsession_support=NO\ntcp_wrappers=NO",
    "delay_failed_login=0\ndelay_successful_login=0",
    `chroot_local_user=YES\nallow_writeable_chroot=YES\nlocal_root=${home}`,
    `secure_chroot_dir=${join(work, "empty")}`,
    `xferlog_enable=${yes(!options.quiet)}\nlog_ftp_protocol=${yes(!options.quiet)}`,
    `vsftpd_log_file=${join(work, "vsftpd.log")}`,
    "mdtm_write=YES\nasync_abor_enable=YES\nascii_upload_enable=YES\nascii_download_enable=YES",
    "connect_from_port_20=NO\nforce_dot_files=YES",
    `max_clients=${options.maxClients ?? 200}\nmax_per_ip=${options.maxPerHost ?? 0}`,
    `pasv_promiscuous=${yes(options.allowFxp)}\nport_promiscuous=${yes(options.allowFxp)}`,
  ];
  const [first, last] = options.passivePorts ?? PASSIVE_PORTS;
  lines.push(`pasv_min_port=${first}\npasv_max_port=${last}`);
  if (options.deny?.length) lines.push(`cmds_denied=${options.deny.join(",")}`);
  if (options.idleTimeout) lines.push(`idle_session_timeout=${options.idleTimeout}`);
  if (options.rate) lines.push(`local_max_rate=${options.rate}`);
  if (options.sharedUploads) lines.push("lock_upload_files=NO");
  if (options.tls !== "none") {
    lines.push(
      `ssl_enable=YES\nssl_ciphers=HIGH\nimplicit_ssl=${yes(options.tls === "implicit")}`,
      `rsa_cert_file=${tls.certFile}\nrsa_private_key_file=${tls.keyFile}`,
      `force_local_logins_ssl=${yes(options.requireTls)}\nforce_local_data_ssl=${yes(options.requireTls)}`,
      `require_ssl_reuse=${yes(options.requireReuse)}\ndebug_ssl=YES`,
    );
  }
  if (options.requireClientCertificate) {
    lines.push(`ca_certs_file=${tls.caFile}\nrequire_cert=YES\nvalidate_cert=YES`);
  }
  return [...lines, ""];
}
