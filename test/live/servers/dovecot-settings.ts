/** The configuration files of Dovecot. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { account } from "./launch.js";
import type { MailSetup } from "./mail-server.js";
import { BROKEN_USER } from "./mail-users.js";
import { USER } from "./server.js";

/** Writes them into `setup.work`; resolves to the first. */
export async function writeSettings(setup: MailSetup, key: Buffer): Promise<string> {
  const { work } = setup;
  const keys = join(work, "keys/default/HS256");
  await Promise.all([keys, join(work, "base"), join(work, "state")].map((each) => mkdir(each, { recursive: true })));
  await writeFile(join(keys, "default"), key.toString("base64"));
  await writeFile(
    join(work, "oauth2.conf"),
    `introspection_mode = local\nlocal_validation_key_dict = fs:posix:prefix=${work}/keys/\nusername_attribute = sub\n`,
  );
  await writeFile(join(work, "users"), passwdFile(setup));
  const file = join(work, "dovecot.conf");
  await writeFile(file, dovecotConf(setup));
  return file;
}

/** Name, password, uid, gid, and the home in the sixth field. */
function passwdFile({ home, owner, users }: MailSetup): string {
  const line = (name: string, password: string, more: string) => {
    // Quotes and backslashes of a name are escaped before it is looked up. In base64 a password may hold colons.
    const escaped = name.replace(/["'\\]/g, "\\$&");
    return `${escaped}:{PLAIN.b64}${Buffer.from(password).toString("base64")}${more}\n`;
  };
  const place = (name: string) => `:${owner.uid}:${owner.gid}::${home}/${name}::`;
  return [
    ...Object.entries(users).map(([name, password]) => line(name, password, place(name))),
    // May log in, but as an account below first_valid_uid. (Without a place, two processes race to tell the client, and it
    // may hear nothing at all.)
    line(BROKEN_USER, "broken's", `:1:1::${home}/${BROKEN_USER}::`),
    `anonymous:!${place("anonymous")}\n`,
  ].join("");
}

function dovecotConf(setup: MailSetup): string {
  const { host, work, home, options, relay } = setup;
  const settings = {
    protocols: "pop3 imap submission lmtp",
    instance_name: work,
    base_dir: join(work, "base"),
    state_dir: join(work, "state"),
    listen: host,
    log_path: join(work, "log"),
    auth_verbose: "yes",
    // Accounts of this machine, in place of those that Debian's package makes.
    default_login_user: "nobody",
    default_internal_user: USER,
    default_internal_group: USER,
    first_valid_uid: account(USER).uid,
    first_valid_gid: 1,
    mail_location: `${options.format ?? "maildir"}:${home}/%u`,
    mail_fsync: "never",
    // The number of connections is known to its login processes after some milliseconds; who comes earlier waits for 10 s
    // on the lock. Both say [IN-USE].
    pop3_lock_session: options.exclusive ? "yes" : "no",
    mail_max_userip_connections: options.exclusive ? 1 : 0,
    auth_mechanisms: [...options.mechanisms, ...(options.apop === false ? [] : ["APOP"])].join(" ").toLowerCase(),
    auth_username_chars: "", // any
    auth_failure_delay: 0,
    auth_ssl_username_from_cert: "yes",
    auth_ssl_require_client_cert: options.clientCertificate === "required" ? "yes" : "no",
    disable_plaintext_auth: options.requireTls ? "yes" : "no",
    hostname: "localhost",
    submission_relay_host: "127.0.0.1",
    submission_relay_port: relay,
    submission_relay_trusted: "no",
    lmtp_save_to_detail_mailbox: "no",
    ...tlsSettings(setup),
    ...(options.extras && { mail_attribute_dict: "file:%h/attributes", mail_plugins: "acl" }),
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}\n`);
  return [...lines, ...services(setup), lookups(setup), ...(options.extras ? [EXTRAS] : [])].join("");
}

/** What IMAP can have besides. */
const EXTRAS = `protocol imap {
  mail_plugins = $mail_plugins imap_zlib imap_acl
  imap_metadata = yes
}
plugin {
  acl = vfile
}
`;

function tlsSettings({ certFile, keyFile, caFile, options }: MailSetup): Record<string, string> {
  if (options.tls === "none") return { ssl: "no" };
  const ask = {
    ssl_ca: `<${caFile}`,
    ssl_verify_client_cert: "yes",
    ssl_require_crl: "no",
    ssl_cert_username_field: "commonName",
  };
  return {
    ssl: "yes",
    ssl_cert: `<${certFile}`,
    ssl_key: `<${keyFile}`,
    ...(options.clientCertificate === "none" ? {} : ask),
  };
}

function services({ ports, options }: MailSetup): string[] {
  const tls = options.tls !== "none";
  const listener = (name: string, port: number, more = "") =>
    `  inet_listener ${name} {\n    port = ${port}\n${more}  }\n`;
  const login = (name: string, plain: number, secret: number) =>
    [
      // a chroot would have to be made; a process for all logins starts faster than one each
      `service ${name}-login {\n  chroot =\n  service_count = 0\n  process_min_avail = 1\n`,
      listener(name, plain),
      listener(`${name}s`, tls ? secret : 0, "    ssl = yes\n"),
      "}\n",
    ].join("");
  return [
    login("pop3", ports.pop3, ports.pop3s),
    login("imap", ports.imap, ports.imaps),
    login("submission", ports.submission, ports.submissions),
    // alice@anything is alice
    "protocol lmtp {\n  auth_username_format = %Ln\n}\n",
    // no waits for those who failed before
    "service anvil {\n  unix_listener anvil-auth-penalty {\n    mode = 0\n  }\n}\n",
    `service auth {\n${listener("auth", ports.auth)}}\n`,
    `service lmtp {\n${listener("lmtp", ports.lmtp)}}\n`,
  ];
}

/** Who may log in by what, and whose mail is where. */
function lookups({ work }: MailSetup): string {
  const passdb = (driver: string, mechanisms: string, args: string) =>
    `passdb {\n  driver = ${driver}\n  mechanisms = ${mechanisms}\n  args = ${args}\n}\n`;
  return [
    passdb("oauth2", "oauthbearer xoauth2", join(work, "oauth2.conf")),
    // the certificate has told who it is
    passdb("static", "external", "nopassword=y"),
    `passdb {\n  driver = passwd-file\n  args = username_format=%u ${work}/users\n}\n`,
    // LMTP asks whether there is such a user: the list tells, not a rule
    `userdb {\n  driver = passwd-file\n  args = username_format=%u ${work}/users\n}\n`,
  ].join("");
}
