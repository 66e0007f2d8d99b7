/** The configuration files and folders of Exim. */
import { createHash } from "node:crypto";
import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CATCH_ALL, DOMAIN, GREYLISTED, RCPT_ANSWERS, REFUSED_SUBJECT } from "./mta-addresses.js";
import type { MtaSetup } from "./mta-server.js";
import { setPasswords } from "./sasldb.js";
import { USER } from "./server.js";

const HOST = `exim.${DOMAIN}`;

/** Writes them into `setup.work`; resolves to the one to be named by -C. */
export async function writeSettings(setup: MtaSetup, program: string): Promise<string> {
  const { work, users, certFile, keyFile, caFile } = setup;
  await Promise.all(["spool", "log", "mail"].map((name) => mkdir(join(work, name))));
  // Copies, as the folder they are in is closed to its account.
  await copyFile(certFile, join(work, "cert.pem"));
  await copyFile(keyFile, join(work, "key.pem"));
  await copyFile(caFile, join(work, "ca.pem"));
  // Keys of a list may hold no colons and no spaces: names are hashed.
  const hash = (name: string) => createHash("sha256").update(name).digest("hex").toUpperCase();
  const passwords = Object.entries(users).map(([name, password]) => `${hash(name)}: ${password}\n`);
  const boxes = Object.keys(users).flatMap((name) => (/["\\ ]/.test(name) ? [] : `${name}: ${name}\n`));
  await writeFile(join(work, "passwords"), passwords.join(""));
  await writeFile(join(work, "boxes"), boxes.join(""));
  const sasl = `pwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: ${work}/sasldb\n`;
  await writeFile(join(work, "exim.conf"), sasl); // libsasl2's, for a service of this name
  setPasswords(join(work, "sasldb"), DOMAIN, users);
  const file = join(work, "exim4.conf");
  await writeFile(file, [main(setup, program), acls(setup), routers(setup), authenticators(setup)].join("\n"));
  return file;
}

/** Extensions that can be left away, and the option that offers each of them. */
export const OFFERS: Record<string, string> = {
  "8BITMIME": "accept_8bitmime",
  CHUNKING: "chunking_advertise_hosts",
  DSN: "dsn_advertise_hosts",
  PIPELINING: "pipelining_advertise_hosts",
  PRDR: "prdr_enable",
  SMTPUTF8: "smtputf8_advertise_hosts",
};

function main(setup: MtaSetup, program: string): string {
  const { host, ports, work, options } = setup;
  const tls = options.tls === "none" ? [] : [ports.smtps];
  const offers = Object.entries(OFFERS).map(([name, option]) => {
    const wanted = !options.without.includes(name);
    return option.endsWith("_hosts") ? `${option} = ${wanted ? "*" : ""}\n` : `${option} = ${wanted}\n`;
  });
  const mayLogIn = options.requireTls ? "def:tls_in_cipher" : "bool{true}";
  return `\
exim_path = ${program}
exim_user = ${USER}
exim_group = ${USER}
deliver_drop_privilege
keep_environment = SASL_CONF_PATH
spool_directory = ${work}/spool
log_file_path = ${work}/log/%s
log_selector = +all_parents +smtp_protocol_error +tls_peerdn
primary_hostname = ${HOST}
local_interfaces = <; ${host}
daemon_smtp_ports = ${[ports.smtp, ports.submission, ...tls].join(" : ")}
tls_on_connect_ports = ${tls.join("")}
${tlsSettings(setup)}\
# Names are of no use here, and would be asked of a name server.
host_lookup =
dkim_verify_signers =
rfc1413_query_timeout = 0s
auth_advertise_hosts = \${if and{{!={$received_port}{${ports.smtp}}}{${mayLogIn}}}{*}{}}
acl_smtp_mail = check_mail
acl_smtp_rcpt = check_rcpt
acl_smtp_data = check_data
acl_smtp_vrfy = accept
acl_smtp_expn = accept
acl_smtp_helo = accept
pipelining_connect_advertise_hosts = ${options.pipeConnect ? "*" : ""}
${offers.join("")}\
allow_utf8_domains
strip_excess_angle_brackets
message_size_limit = ${options.size ?? 10_240_000}
recipients_max = ${options.maxRecipients ?? 1000}
smtp_accept_max = ${options.maxClients ?? 0}
smtp_accept_queue_per_connection = 0
smtp_accept_max_per_connection = 0
smtp_receive_timeout = ${options.idleTimeout ?? 300}s
domainlist here = ${DOMAIN} : ${CATCH_ALL}
`;
}

function tlsSettings({ work, options: { tls, clientCertificate } }: MtaSetup): string {
  if (tls === "none") return "tls_advertise_hosts =\n";
  const verify = { none: "", asked: "tls_try_verify_hosts = *\n", required: "tls_verify_hosts = *\n" };
  return `\
tls_advertise_hosts = *
tls_certificate = ${work}/cert.pem
tls_privatekey = ${work}/key.pem
tls_verify_certificates = ${work}/ca.pem
${verify[clientCertificate]}`;
}

function acls({ ports, options }: MtaSetup): string {
  const secure = `  deny !encrypted = *\n    message = 530 5.7.0 Must issue a STARTTLS command first\n`;
  const answers = Object.entries(RCPT_ANSWERS).map(
    ([address, answer]) =>
      `  ${answer.startsWith("4") ? "defer" : "deny"} recipients = ${address}\n    message = ${answer}\n`,
  );
  return `\
begin acl
check_mail:
${options.requireTls ? secure : ""}\
  deny !condition = \${if eq{$received_port}{${ports.smtp}}}
    !authenticated = *
    message = 530 5.7.0 Authentication required
  accept
check_rcpt:
${answers.join("")}\
  defer recipients = ${GREYLISTED}
    !ratelimit = 1.5 / 1d / strict / per_cmd / $sender_address
    message = 450 4.7.1 greylisted, come back
  accept authenticated = *
  require message = relay not permitted
    domains = +here
  require verify = recipient
  accept
check_data:
  deny condition = \${if eq{$h_subject:}{${REFUSED_SUBJECT}}}
    message = 550 5.7.1 not wanted here
  accept
`;
}

function routers({ work, options }: MtaSetup): string {
  const { deliverTo, relayTo } = options;
  const passOn = "  driver = manualroute\n  transport = relay\n  route_list = * 127.0.0.1\n  self = send\n";
  return `\
begin routers
catchall:
  driver = accept
  domains = ${CATCH_ALL}
  transport = catchall
grey:
  driver = accept
  address_data = grey
  condition = \${if eqi{$local_part@$domain}{${GREYLISTED}}}
  transport = catchall
users:
  driver = accept
  domains = ${DOMAIN}
  local_parts = lsearch;${work}/boxes
  transport = ${deliverTo ? "lmtp" : "users"}
elsewhere:
  domains = !+here
${relayTo ? passOn : "  driver = redirect\n  data = :blackhole:\n"}
begin transports
users:
  driver = appendfile
  directory = ${work}/mail/$local_part_data
${MAILDIR}
catchall:
  driver = appendfile
  directory = ${work}/mail/catchall
${MAILDIR}
lmtp:
  driver = smtp
  protocol = lmtp
  port = ${deliverTo?.ports.lmtp ?? 24}
  hosts = ${deliverTo?.host ?? "127.0.0.1"}
  hosts_avoid_tls = *
  allow_localhost
relay:
  driver = smtp
  port = ${relayTo ?? 25}
  hosts_avoid_tls = *
  allow_localhost
begin retry
* * F,1h,1s
`;
}

const MAILDIR = `\
  maildir_format
  create_directory
  directory_mode = 0755
  mode = 0644
  return_path_add
  envelope_to_add
  delivery_date_add
`;

function authenticators({ work, options }: MtaSetup): string {
  const stored = (name: string) => `\${lookup{\${sha256:${name}}}lsearch{${work}/passwords}`;
  const check = (user: string, password: string) => [
    `server_condition = \${if and{{!eq{${password}}{}}{eq{${password}}{${stored(user)}{$value}{}}}}}}`,
    `server_set_id = ${user}`,
  ];
  const cyrus = [
    "driver = cyrus_sasl",
    "server_service = smtp",
    `server_realm = ${DOMAIN}`,
    `server_hostname = ${HOST}`,
    "server_set_id = $auth1",
  ];
  const settings: Record<string, string[]> = {
    PLAIN: ["driver = plaintext", "server_prompts = :", ...check("$auth2", "$auth3")],
    LOGIN: ["driver = plaintext", "server_prompts = Username:: : Password::", ...check("$auth1", "$auth2")],
    "CRAM-MD5": ["driver = cram_md5", `server_secret = ${stored("$auth1")}{$value}fail}`, "server_set_id = $auth1"],
    "SCRAM-SHA-1": [...cyrus, "server_mech = SCRAM-SHA-1"],
    "SCRAM-SHA-256": [...cyrus, "server_mech = SCRAM-SHA-256"],
    EXTERNAL: [
      "driver = external",
      "server_advertise_condition = $tls_in_certificate_verified",
      // The name in the certificate; who asks for another one is refused.
      `server_param2 = \${certextract {subject,CN}{$tls_in_peercert}{$value}{}}`,
      `server_condition = \${if or{{eq{$auth1}{}}{eq{$auth1}{$auth2}}}}`,
      "server_set_id = $auth2",
    ],
  };
  const blocks = options.mechanisms.map((name) => {
    const lines = [`public_name = ${name}`, ...(settings[name] ?? [])].map((line) => `  ${line}\n`);
    return `${name.toLowerCase().replaceAll("-", "_")}:\n${lines.join("")}`;
  });
  return `begin authenticators\n${blocks.join("")}`;
}
