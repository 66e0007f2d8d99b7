/** Proxies for one test: SOCKS5 (RFC 1928, 1929) and HTTP CONNECT, with user and password. */
import net from "node:net";
import { listen } from "../../net/loopback.js";

export interface RunningProxy {
  readonly url: string;
  /** Every address it was asked for: `127.0.0.1:2121`. */
  readonly asked: string[];
}

/** Starts a proxy, which ends with the test. */
export async function startProxy(kind: "socks5" | "http"): Promise<RunningProxy> {
  const asked: string[] = [];
  const talk = kind === "http" ? talkHttp : talkSocks;
  const port = await listen(
    net.createServer({ allowHalfOpen: true }, (client) => void talk(client, asked).catch(() => client.destroy())),
  );
  return { url: `${kind}://alice:s3cret@127.0.0.1:${port}`, asked };
}

/** Reads exactly so many bytes; later ones stay in the socket. */
async function take(client: net.Socket, bytes: number): Promise<Buffer> {
  for (;;) {
    const chunk: Buffer | null = client.read(bytes);
    if (chunk !== null) return chunk;
    await new Promise((resolve, reject) => client.once("readable", resolve).once("close", reject));
  }
}

async function talkSocks(client: net.Socket, asked: string[]): Promise<void> {
  const [, methods] = (await take(client, 2)) as unknown as [number, number];
  await take(client, methods);
  client.write(Buffer.of(5, 2));
  const user = (await take(client, (await take(client, 2))[1] as number)).toString();
  const password = (await take(client, (await take(client, 1))[0] as number)).toString();
  client.write(Buffer.of(1, user === "alice" && password === "s3cret" ? 0 : 1));
  const type = (await take(client, 4))[3];
  if (type === 4) throw new Error("no IPv6 here");
  const host =
    type === 1
      ? (await take(client, 4)).join(".")
      : (await take(client, (await take(client, 1))[0] as number)).toString();
  await join(client, host, (await take(client, 2)).readUInt16BE(), asked, Buffer.of(5, 0, 0, 1, 0, 0, 0, 0, 0, 0));
}

async function talkHttp(client: net.Socket, asked: string[]): Promise<void> {
  let head = "";
  while (!head.endsWith("\r\n\r\n")) head += (await take(client, 1)).toString("latin1");
  const [, host = "", port] = /^CONNECT (\S+):(\d+) HTTP/.exec(head) ?? [];
  if (!head.includes(`Basic ${Buffer.from("alice:s3cret").toString("base64")}`)) {
    client.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
    return;
  }
  await join(client, host, Number(port), asked, "HTTP/1.1 200 OK\r\n\r\n");
}

async function join(client: net.Socket, host: string, port: number, asked: string[], answer: Buffer | string) {
  asked.push(`${host}:${port}`);
  const server = net.connect({ port, host, allowHalfOpen: true });
  await new Promise((resolve, reject) => server.once("connect", resolve).once("error", reject));
  // One that is reset resets the other; an end goes through in its direction.
  client.on("error", () => server.resetAndDestroy());
  server.on("error", () => client.resetAndDestroy());
  client.write(answer);
  client.pipe(server).pipe(client);
}
