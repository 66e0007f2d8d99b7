/** Connect, log in, list a folder, read a file, quit: the four verbs. */
import { open } from "polywire";
import { FtpServer } from "polywire/testing";

await using server = await FtpServer.start({
  files: { "/in/a.txt": "hello\n", "/in/b.txt": "world\n", "/in/old/c.txt": "!\n" },
});

await using ftp = await open(server.urlOf("/in"));
for await (const entry of ftp.entries()) {
  console.log(entry.type.padEnd(9), String(entry.size ?? "").padStart(6), entry.name);
}
console.log((await ftp.retr("a.txt")).toString());

// Calls may overlap: they travel together.
const sizes = await Promise.all(["a.txt", "b.txt"].map((name) => ftp.size(name)));
console.log("sizes", sizes);

const reply = await ftp.request("SYST");
console.log(reply.code, reply.text);
