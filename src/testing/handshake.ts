/** TLS on the server's side of a connection. */
import type { Socket } from "node:net";
import { TLSSocket, type TLSSocketOptions } from "node:tls";

/** Begins TLS. A client that leaves in the middle of the handshake takes the connection with it: Node would keep it. */
export function serveTls(socket: Socket, options: TLSSocketOptions): TLSSocket {
  const secured = new TLSSocket(socket, options);
  const left = () => secured.destroy();
  secured.once("end", left).once("secure", () => secured.off("end", left));
  return secured;
}
