/** An IMAP server that gives as much as is taken: a process that has one answer to FETCH in memory, and says OK to the rest. */
import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";

const SCRIPT = `
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
const [file, count] = process.argv.slice(1);
const answer = readFileSync(file);
const says = {
  CAPABILITY: "* CAPABILITY IMAP4rev1\\r\\n",
  LIST: '* LIST () "/" INBOX\\r\\n',
  SELECT: \`* \${count} EXISTS\\r\\n* OK [UIDVALIDITY 1] ok\\r\\n* OK [UIDNEXT \${Number(count) + 1}] ok\\r\\n\`,
  FETCH: answer,
};
const server = createServer({ noDelay: true }, (socket) => {
  let rest = "";
  socket.write("* OK ready\\r\\n");
  socket.on("error", () => {}).setEncoding("latin1");
  socket.on("data", (text) => {
    const lines = (rest + text).split("\\r\\n");
    rest = lines.pop();
    for (const line of lines) {
      const [tag, verb, second] = line.split(" ");
      socket.write(says[verb === "UID" ? second : verb] ?? "");
      socket.write(tag + " OK done\\r\\n");
    }
  });
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
`;

/** Starts it with these messages in INBOX; `folder` is for its file. Any name and password will do. */
export async function sourceFeed(contents: readonly Buffer[], folder: string) {
  const file = join(folder, "feed");
  const end = Buffer.from(")\r\n");
  const rows = contents.flatMap((content, i) => [
    Buffer.from(`* ${i + 1} FETCH (UID ${i + 1} BODY[] {${content.length}}\r\n`),
    content,
    end,
  ]);
  await writeFile(file, Buffer.concat(rows));
  const args = ["--input-type=module", "-e", SCRIPT, file, String(contents.length)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const { value } = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next();
  return { host: "127.0.0.1", port: Number(value), stop: () => void child.kill() };
}
