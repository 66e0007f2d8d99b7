/** The process that a test watches: sends so many MiB, in one message or in many, and says how much memory it had at most. */
import { readFileSync } from "node:fs";
import { SmtpClient } from "../../../src/smtp/client.js";

const [port, mebibytes, chunking, size] = process.argv.slice(2);
const peak = () => Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync("/proc/self/status", "latin1"))?.[1]) * 1024;

const piece = Buffer.from(".a line that begins with a dot, and is of 64 octets with its end\r\n".repeat(1_000));
const head = Buffer.from("Subject: large\r\n\r\n");
const pieces = Math.ceil((Number(mebibytes) * 1024 * 1024) / piece.length);

function* content(count: number) {
  yield head;
  for (let i = 0; i < count; i++) yield piece;
}

const smtp = new SmtpClient({
  ...{ host: "127.0.0.1", port: Number(port), security: "plain", name: "client.example.org" },
  chunking: chunking === "true",
});
await smtp.connect();
const envelope = { from: "alice@x.org", to: "bob@x.org" };
// What a first message of some MiB needs is there before the count begins.
await smtp.send({ envelope, raw: content(200) });
const before = peak();
const [bytes, expected] = size === undefined ? await inOne() : await inMany(Number(size));
await smtp.quit();
console.log(JSON.stringify({ bytes, expected, grown: peak() - before }));

async function inOne() {
  const { bytes } = await smtp.send({ envelope, raw: content(pieces) });
  return [bytes, head.length + pieces * piece.length];
}

/** Messages of so many octets, each in memory of its own. */
async function inMany(octets: number) {
  const count = (Number(mebibytes) * 1024 * 1024) / octets;
  let bytes = 0;
  for await (const outcome of smtp.sendAll(messages(count, octets))) bytes += outcome.bytes;
  return [bytes, count * octets];
}

function* messages(count: number, octets: number) {
  const line = `${"x".repeat(62)}\r\n`;
  for (let i = 0; i < count; i++) yield { envelope, raw: Buffer.alloc(octets, line) };
}
