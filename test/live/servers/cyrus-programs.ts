/** What Cyrus' news and mail servers share: one folder of programs, one master that starts them. */
import { connect } from "node:net";
import { inServers } from "./server.js";

export const program = (name: string): string => inServers("cyrus/usr/lib/cyrus/bin", name);

/** Its name, and the realm of its users. */
export const HOST = "cyrus.example";

/** The command that runs the services. */
export function master(settings: string, services: string, pidFile: string): { command: string; args: string[] } {
  const libraries = `LD_LIBRARY_PATH=${inServers("cyrus/usr/lib", machine(), "")}`;
  const run = [program("master"), "-D", "-C", settings, "-M", services, "-p", pidFile];
  return { command: "/usr/bin/env", args: ["-i", "PATH=/usr/bin:/bin", libraries, ...run] };
}

/** The folder Debian keeps this machine's libraries in. */
const machine = (): string => `${process.arch === "arm64" ? "aarch64" : "x86_64"}-linux-gnu`;

/** imapd.conf, for all of them. */
export const settingLines = (settings: Record<string, string | number>): string =>
  Object.entries(settings)
    .map(([name, value]) => `${name}: ${value}\n`)
    .join("");

/** Sends all commands at once, resolves to all that was said, a character for each octet; rejects with the first refusal. */
export async function imap(host: string, port: number, commands: string[]): Promise<string> {
  const socket = connect(port, host);
  socket.write(commands.map((command, index) => `t${index} ${command}\r\n`).join(""), "latin1");
  const refused = /^(t\d+ (?:NO|BAD)|\* BYE (?!LOGOUT)).*/m;
  let said = "";
  for await (const bytes of socket) said += (bytes as Buffer).toString("latin1");
  const bad = refused.exec(said) ?? (said.includes(`t${commands.length - 1} OK`) ? undefined : [said.slice(-200)]);
  if (bad) throw new Error(`Cyrus refused: ${bad[0]}`);
  return said;
}
