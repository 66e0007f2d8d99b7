/** The configuration files and folders of Postfix. */
import { chmodSync, chownSync, mkdirSync } from "node:fs";
import { mkdir, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Account, account } from "./launch.js";
import { CATCH_ALL, DOMAIN, GREYLISTED, RCPT_ANSWERS, REFUSED_SUBJECT } from "./mta-addresses.js";
import type { MtaSetup } from "./mta-server.js";
import { setPasswords } from "./sasldb.js";
import { inServers, USER } from "./server.js";

export const LIBRARIES = inServers("postfix/usr/lib/postfix");
export const DAEMONS = join(LIBRARIES, "sbin");

/** The queue's owner: no mail is delivered to its account. */
const MAIL_OWNER = "mail";
/** The account of scripts. */
const SCRIPTS_OWNER = "daemon";
/** Postfix waits until a file is no longer new, in case that somebody still writes it: for 2 s. */
const LONG_AGO = new Date("2020-01-01T00:00:00Z");
const HOST = `mx.${DOMAIN}`;

/** Writes them into a folder of `setup.work`; resolves to that. */
export async function writeSettings(setup: MtaSetup): Promise<string> {
  const { work, users } = setup;
  const etc = join(work, "etc");
  await mkdir(join(etc, "sasl"), { recursive: true });
  const boxes = Object.keys(users).flatMap((name) => (/["\\ ]/.test(name) ? [] : `${name}@${DOMAIN} ${name}/\n`));
  const answers = Object.entries(RCPT_ANSWERS).map(([address, answer]) => `${address} ${answer}\n`);
  const refused = Object.keys(RCPT_ANSWERS).map((address) => `${address} catchall/\n`);
  const files: Record<string, string> = {
    "main.cf": settings({ ...mainCf(setup, etc), ...tlsSettings(setup), ...authSettings(setup) }),
    "master.cf": masterCf(setup, etc),
    boxes: [...boxes, ...refused, `${GREYLISTED} catchall/\n`, `@${CATCH_ALL} catchall/\n`].join(""),
    answers: answers.join(""),
    grey: `${GREYLISTED} greylist\n`,
    refuse: `/^Subject: ${REFUSED_SUBJECT}/ REJECT not wanted here\n`,
    "greylist.sh": GREYLIST,
    "sasl/smtpd.conf": saslConf(setup, etc),
  };
  for (const [name, text] of Object.entries(files)) {
    await writeFile(join(etc, name), text);
    await utimes(join(etc, name), LONG_AGO, LONG_AGO);
  }
  setPasswords(join(etc, "sasldb"), DOMAIN, users);
  chownSync(join(etc, "sasldb"), account(MAIL_OWNER).uid, 0);
  return etc;
}

const saslConf = ({ options }: MtaSetup, etc: string): string =>
  `pwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: ${etc}/sasldb\nmech_list: ${options.mechanisms.join(" ")}\n`;

function mainCf({ host, work, options }: MtaSetup, etc: string): Record<string, string | number> {
  const lmtp = options.deliverTo && `lmtp:inet:[${options.deliverTo.host}]:${options.deliverTo.ports.lmtp}`;
  const { uid, gid } = account(USER);
  return {
    compatibility_level: "3.7",
    queue_directory: join(work, "queue"),
    data_directory: join(work, "data"),
    daemon_directory: DAEMONS,
    command_directory: inServers("postfix/usr/sbin"),
    meta_directory: inServers("postfix/usr/share/postfix"),
    shlib_directory: LIBRARIES,
    mail_owner: MAIL_OWNER,
    default_privs: SCRIPTS_OWNER,
    setgid_group: "utmp", // anything that is nobody's own: nobody hands in mail by a setgid program here
    import_environment: `MAIL_CONFIG LANG=C PATH=/usr/bin:/bin LD_LIBRARY_PATH=${LIBRARIES}`,
    maillog_file: join(work, "maillog"),
    maillog_file_prefixes: work,
    myhostname: HOST,
    mydomain: DOMAIN,
    inet_interfaces: host,
    inet_protocols: options.ipv6 ? "ipv6" : "ipv4",
    mynetworks: "", // loopback may do no more than others
    mydestination: "",
    alias_maps: "",
    local_recipient_maps: "",
    local_transport: "error:no local mail",
    virtual_mailbox_domains: `${DOMAIN} ${CATCH_ALL}`,
    virtual_mailbox_maps: `texthash:${etc}/boxes`,
    virtual_mailbox_base: join(work, "mail"),
    virtual_uid_maps: `static:${uid}`,
    virtual_gid_maps: `static:${gid}`,
    virtual_transport: lmtp ?? "virtual",
    default_transport: options.relayTo ? `smtp:[127.0.0.1]:${options.relayTo}` : "discard:",
    smtp_tls_security_level: "none",
    disable_dns_lookups: "yes",
    smtpd_peername_lookup: "no",
    smtpd_helo_required: "yes",
    smtpd_relay_restrictions: "permit_sasl_authenticated reject_unauth_destination",
    smtpd_recipient_restrictions: `check_recipient_access texthash:${etc}/answers check_recipient_access texthash:${etc}/grey`,
    smtpd_restriction_classes: "greylist",
    greylist: "check_policy_service unix:private/greylist",
    smtpd_discard_ehlo_keywords: options.without.join(" ").toLowerCase(),
    smtpd_recipient_limit: options.maxRecipients ?? 1000,
    smtpd_client_connection_count_limit: options.maxClients ?? 0,
    smtpd_timeout: `${options.idleTimeout ?? 300}s`,
    smtpd_error_sleep_time: 0, // else 1 s before each refusal from the tenth on
    fast_flush_domains: DOMAIN,
    header_checks: `regexp:${etc}/refuse`,
    message_size_limit: options.size ?? 10_240_000,
    virtual_mailbox_limit: 0,
    in_flow_delay: 0, // else 1 s of waiting for each message that comes faster than it is delivered
    notify_classes: "",
  };
}

function tlsSettings({ certFile, keyFile, caFile, options }: MtaSetup): Record<string, string> {
  if (options.tls === "none") return {};
  return {
    smtpd_tls_security_level: options.requireTls ? "encrypt" : "may",
    smtpd_tls_auth_only: options.requireTls ? "yes" : "no",
    smtpd_tls_cert_file: certFile,
    smtpd_tls_key_file: keyFile,
    smtpd_tls_CAfile: caFile,
    smtpd_tls_ask_ccert: options.clientCertificate === "none" ? "no" : "yes",
    smtpd_tls_req_ccert: options.clientCertificate === "required" ? "yes" : "no",
    smtpd_tls_received_header: "yes",
  };
}

function authSettings({ options }: MtaSetup): Record<string, string> {
  const { authBy } = options;
  const dovecot = { smtpd_sasl_type: "dovecot", smtpd_sasl_path: `inet:${authBy?.host}:${authBy?.ports.auth}` };
  const own = { smtpd_sasl_type: "cyrus", smtpd_sasl_path: "smtpd" };
  return {
    smtpd_sasl_local_domain: DOMAIN,
    smtpd_sasl_security_options: "noanonymous",
    ...(authBy ? dovecot : own),
  };
}

/** Name, type, private, unprivileged, chroot, wakeup, most processes, command. */
function masterCf({ ports, options }: MtaSetup, etc: string): string {
  const login = "-o smtpd_sasl_auth_enable=yes -o smtpd_client_restrictions=permit_sasl_authenticated,reject";
  const smtps = `${ports.smtps} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes ${login}\n`;
  return `\
${ports.smtp} inet n - n - - smtpd
${ports.submission} inet n - n - - smtpd ${login}
${options.tls === "none" ? "" : smtps}\
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
lmtp unix - - n - - lmtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
greylist unix - n n - 0 spawn user=${SCRIPTS_OWNER} argv=/bin/sh ${etc}/greylist.sh ${join(etc, "../grey")}
`;
}

/** Speaks Postfix' policy protocol: attributes up to an empty line, then an action. A sender's second try is taken. */
const GREYLIST = `while read -r line; do
  case $line in
  sender=*) key=$(printf %s "$line" | md5sum | cut -c1-32) ;;
  "")
    if [ -e "$1/$key" ]; then echo action=dunno; else
      : >"$1/$key"
      echo action=450 4.7.1 greylisted, come back
    fi
    echo ;;
  esac
done
`;

const settings = (values: Record<string, string | number>): string =>
  Object.entries(values)
    .map(([name, value]) => `${name} = ${value}\n`)
    .join("");

/** The folders, as Postfix' own scripts make them. */
export function writeQueue(work: string): void {
  const [mail, scripts, user] = [MAIL_OWNER, SCRIPTS_OWNER, USER].map(account) as [Account, Account, Account];
  const make = (name: string, mode: number, { uid, gid }: Account | { uid: 0; gid: 0 }) => {
    mkdirSync(join(work, name), { recursive: true });
    chmodSync(join(work, name), mode);
    chownSync(join(work, name), uid, gid);
  };
  const root = { uid: 0, gid: 0 };
  make("queue", 0o755, root);
  make("queue/pid", 0o755, root);
  for (const name of [
    "active",
    "bounce",
    "corrupt",
    "defer",
    "deferred",
    "flush",
    "hold",
    "incoming",
    "private",
    "saved",
    "trace",
  ]) {
    make(`queue/${name}`, 0o700, mail);
  }
  make("queue/public", 0o710, mail);
  make("queue/maildrop", 0o730, mail);
  make("data", 0o700, mail);
  make("grey", 0o700, scripts);
  make("mail", 0o755, user);
}
