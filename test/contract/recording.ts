/** A conversation that was recorded, and a server that plays it to whoever connects, up to a byte. */
import net from "node:net";

/** What a server has said. */
export interface Recording {
  /** Its bytes, and how much the client had to say before each piece of them. */
  readonly pieces: readonly { readonly said: number; readonly bytes: Buffer }[];
  /** How many bytes were heard when each call was over. */
  readonly ends: readonly number[];
  /** All of them. */
  readonly total: number;
}

/** How a server dies: it ends the connection, resets it, or stays there and says nothing. */
export type Death = "close" | "reset" | "silence";

export interface Replay {
  readonly port: number;
  close(): Promise<void>;
}

/** Plays it as far as so many bytes; then the server dies. */
export async function replay({ pieces }: Recording, bytes: number, death: Death): Promise<Replay> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.add(socket);
    play(socket, pieces, bytes, death);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as net.AddressInfo;
  const close = async () => {
    const closed = new Promise((done) => server.close(done));
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return { port, close };
}

function play(socket: net.Socket, pieces: Recording["pieces"], bytes: number, death: Death): void {
  let [said, sent, next] = [0, 0, 0];
  const die = () => {
    if (death === "close") socket.end();
    if (death === "reset") socket.resetAndDestroy();
  };
  const goOn = () => {
    for (let piece = pieces[next]; piece !== undefined && piece.said <= said; piece = pieces[next]) {
      if (sent >= bytes) return;
      const part = piece.bytes.subarray(0, bytes - sent);
      sent += part.length;
      next++;
      socket.write(part, () => {
        if (sent >= bytes) die();
      });
    }
  };
  socket.on("error", () => socket.destroy());
  // A client that ends hears no more.
  socket.on("end", () => socket.end());
  socket.on("data", (chunk: Buffer) => {
    said += chunk.length;
    goOn();
  });
  if (bytes === 0) die();
  else goOn();
}
