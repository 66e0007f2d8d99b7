/** Passwords for libsasl2: INN, Cyrus, Postfix and Exim can look them up in such a file. */
import { execFileSync } from "node:child_process";
import { inServers } from "./server.js";

export const SASLPASSWD = inServers("inn/usr/sbin/saslpasswd2");

/** Adds users to the file, under this realm. */
export function setPasswords(file: string, realm: string, users: Readonly<Record<string, string>>): void {
  for (const [name, password] of Object.entries(users)) {
    execFileSync(SASLPASSWD, ["-p", "-c", "-f", file, "-u", realm, name], { input: password });
  }
}
