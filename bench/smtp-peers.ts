/** Peers of the SMTP bench: nodemailer's pool in this process, Python's smtplib in one of its own; and a server with CHUNKING. */
import { spawn } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import nodemailer from "nodemailer";
import { type Peer, startPeer } from "./peer.js";

interface Place {
  readonly host: string;
  readonly port: number;
}

const SMTPLIB = `
import sys, smtplib
host, port, size, count = sys.argv[1:]
line = b"The quick brown fox jumps over the lazy dog, again and again.\\r\\n"
head = b"From: <alice@example.org>\\r\\nTo: <bob@example.net>\\r\\nSubject: bench\\r\\n\\r\\n"
message = head + line * ((int(size) - len(head)) // len(line))
smtp = smtplib.SMTP(host, int(port))
smtp.ehlo()
print("ready", flush=True)
for _ in sys.stdin:
    for _ in range(int(count)):
        smtp.sendmail("alice@example.org", ["bob@example.net"], message)
    print(count, flush=True)
`;

/** Python's smtplib, connected. */
export function smtplib({ host, port }: Place, size: number, count: number): Promise<Peer> {
  return startPeer("python3", ["-c", SMTPLIB, host, String(port), String(size), String(count)], tmpdir());
}

/** nodemailer's pool of one connection, which it keeps. */
export function nodemailerPool({ host, port }: Place) {
  const options = { pool: true, maxConnections: 1, maxMessages: Number.POSITIVE_INFINITY };
  const transport = nodemailer.createTransport({ ...options, host, port, secure: false, ignoreTLS: true });
  return {
    async send(message: Buffer, count: number): Promise<void> {
      const mail = { envelope: { from: "alice@example.org", to: ["bob@example.net"] }, raw: message };
      await Promise.all(Array.from({ length: count }, () => transport.sendMail(mail)));
    },
    close: () => transport.close(),
  };
}

/** A server with PIPELINING and CHUNKING that keeps nothing, in a process of its own. */
export async function chunkingServer(): Promise<Place & { stop(): void }> {
  const script = `
    const { SmtpServer } = await import(${JSON.stringify(join(import.meta.dirname, "../dist/testing/index.js"))});
    const server = await SmtpServer.start({ keep: "count", logLimit: 10 });
    console.log(server.port);
  `;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const { value } = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next();
  return { host: "127.0.0.1", port: Number(value), stop: () => void child.kill() };
}
