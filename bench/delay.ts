/** A TCP proxy that holds everything back for half a round trip, in both directions: this kernel has no netem. */
import { connect, createServer, type Socket } from "node:net";

/** Starts it on a free port. `roundTrip` in milliseconds. */
export async function delayed(target: { host: string; port: number }, roundTrip: number) {
  const server = createServer({ noDelay: true }, (client) => {
    const upstream = connect({ host: target.host, port: target.port, noDelay: true });
    hold(client, upstream, roundTrip / 2);
    hold(upstream, client, roundTrip / 2);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  return { host: "127.0.0.1", port, close: () => server.close() };
}

function hold(from: Socket, to: Socket, wait: number): void {
  from.on("data", (chunk: Buffer) => setTimeout(() => to.writable && to.write(chunk), wait));
  from.on("end", () => setTimeout(() => to.end(), wait));
  from.on("error", () => to.destroy());
}
