/**
 * An FTP server at the other end of a long line: a proxy in a process of its own that holds everything back for half a
 * round trip, in both directions, and knows of data connections. This kernel has no netem.
 *
 * The port that EPSV or PASV names is one of the proxy's own. A connection to it is there at once, as it is local; what
 * the three packets of a real one would take is made up for: the server has it, and bytes of the client get to it, one and
 * a half round trips later at the earliest.
 */
import { fork } from "node:child_process";
import { connect, createServer, type Server, type Socket } from "node:net";
import { fileURLToPath } from "node:url";

/** Where to log in. */
interface Target {
  readonly host: string;
  readonly port: number;
}

/** Ports for data connections, used in turn: more than lanes have at a time, as the one that is used again must be over. */
const PORTS = 512;
const HERE = fileURLToPath(import.meta.url);

/** Starts a proxy before a server. `roundTrip` in milliseconds. */
export async function delayedFtp(target: Target, roundTrip: number) {
  const child = fork(HERE, [target.host, String(target.port), String(roundTrip)]);
  const port = await new Promise<number>((resolve, reject) => {
    child.once("message", (message) => resolve(message as number));
    child.once("exit", (code) => reject(new Error(`the proxy ended with ${code}`)));
  });
  return { host: "127.0.0.1", port, close: () => void child.kill() };
}

/** One direction of a connection: what goes in comes out in the same order, later. */
class Way {
  readonly #queue: (() => void)[] = [];
  readonly #wait: number;
  readonly #opens: number;

  /** `wait`: milliseconds; nothing comes out before `opens`, on the clock of `performance.now()`. */
  constructor(wait: number, opens = 0) {
    this.#wait = wait;
    this.#opens = opens;
  }

  send(what: () => void): void {
    this.#queue.push(what);
    const wait = Math.max(this.#wait, this.#opens - performance.now());
    setTimeout(() => this.#queue.shift()?.(), wait);
  }
}

/** Bytes, their end, and what breaks them, from one socket to another. */
function flow(from: Socket, way: Way, to: () => Socket | undefined, rewrite?: (chunk: Buffer) => Buffer): void {
  from.on("data", (chunk: Buffer) => {
    const given = rewrite ? rewrite(chunk) : chunk;
    way.send(() => to()?.write(given));
  });
  from.on("end", () => way.send(() => to()?.end()));
  from.on("error", () => way.send(() => to()?.destroy()));
}

function listening(take: (socket: Socket) => void): Promise<Server> {
  const server = createServer({ noDelay: true, allowHalfOpen: true }, take);
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

const portOf = (server: Server): number => (server.address() as { port: number }).port;

/** The proxy itself. Gives the port of the control connections. */
async function serve({ host, port }: Target, roundTrip: number): Promise<number> {
  const half = roundTrip / 2;
  const leads: number[] = [];
  const ports: number[] = [];
  for (let i = 0; i < PORTS; i++) ports.push(portOf(await listening((client) => data(client, leads[i] as number))));

  function data(client: Socket, to: number): void {
    const there = performance.now() + 3 * half;
    let upstream: Socket | undefined;
    const up = new Way(half, there);
    const down = new Way(half);
    up.send(() => {
      upstream = connect({ host, port: to, noDelay: true, allowHalfOpen: true });
      flow(upstream, down, () => client);
    });
    flow(client, up, () => upstream);
  }

  let next = 0;
  const ownPort = (theirs: number): number => {
    const i = next++ % PORTS;
    leads[i] = theirs;
    return ports[i] as number;
  };
  const own = (line: string): string =>
    line
      .replace(/^(229 .*\|\|\|)(\d+)\|/, (_, before, theirs) => `${before}${ownPort(Number(theirs))}|`)
      .replace(/^(227 .*,)(\d+),(\d+)\)/, (_, before, high, low) => {
        const mine = ownPort(Number(high) * 256 + Number(low));
        return `${before}${mine >> 8},${mine & 255})`;
      });

  const control = await listening((client) => {
    const upstream = connect({ host, port, noDelay: true, allowHalfOpen: true });
    let rest = "";
    const rewrite = (chunk: Buffer) => {
      const lines = (rest + chunk.toString("latin1")).split("\n");
      rest = lines.pop() as string;
      return Buffer.from(lines.map((line) => `${own(line)}\n`).join(""), "latin1");
    };
    flow(client, new Way(half), () => upstream);
    flow(upstream, new Way(half), () => client, rewrite);
  });
  return portOf(control);
}

if (process.argv[1] === HERE) {
  const [host, port, roundTrip] = process.argv.slice(2);
  process.send?.(await serve({ host: host as string, port: Number(port) }, Number(roundTrip)));
  process.on("disconnect", () => process.exit());
}
