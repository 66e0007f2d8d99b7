/** A port that is listened on by a process that accepts nothing any more: who dials it hears nothing (on Linux). */
import { spawn } from "node:child_process";
import net from "node:net";

export interface DeafPort {
  readonly port: number;
  close(): Promise<void>;
}

export async function deafPort(): Promise<DeafPort> {
  const script = `const s = require("net").createServer();
    s.listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => {
      require("fs").writeSync(1, s.address().port + "\\n");
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    });`;
  const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise((done) => child.once("exit", done));
  const port = Number(await new Promise((done) => child.stdout.once("data", done)));
  const sockets = Array.from({ length: 4 }, () => net.connect(port, "127.0.0.1").on("error", () => {}));
  await new Promise((done) => setTimeout(done, 100));
  const close = async () => {
    for (const socket of sockets) socket.destroy();
    child.kill("SIGKILL");
    await ended;
  };
  return { port, close };
}
