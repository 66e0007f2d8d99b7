/** The process that scale.ts lists: a server in memory with one folder of so many files, made as they are asked for. */
import { FtpServer } from "../src/testing/index.js";
import { MTIME, nameOf } from "./scale-names.js";

const files = Number(process.argv[2]);
const server = await FtpServer.start();
server.tree.generate("/out", files, nameOf, () => 0, { modifiedOf: () => new Date(MTIME) });
console.log(server.urlOf("/out"));
