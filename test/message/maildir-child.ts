/** A process that delivers without end, to be killed: `maildir-child.ts <Maildir> <life>`. */
import { writeSync } from "node:fs";
import { Maildir } from "../../src/message/maildir.js";

const [path = "", life = "0"] = process.argv.slice(2);
const maildir = await Maildir.open(path);
const body = `${"x".repeat(99)}\r\n`.repeat(2000);
for (let i = 0; ; i += 4) {
  await Promise.all([0, 1, 2, 3].map((n) => maildir.deliver(Buffer.from(`${life} ${i + n}\r\n${body}end\r\n`))));
  if (i === 0) writeSync(1, "begun\n");
}
