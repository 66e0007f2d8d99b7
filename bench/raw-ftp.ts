/**
 * What Node and FTP servers can do at most: bare sockets, no checks, no journal, no time-outs. A reply is a line with a
 * code and a blank; commands are packed; files go over in pieces, as they come.
 */
import { connect, type OnReadOpts, type Socket } from "node:net";

/** Where to log in. */
export interface RawServer {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

/** A control connection: commands in, final replies out, in order. */
class RawControl {
  readonly #socket: Socket;
  readonly #host: string;
  readonly #waiting: ((line: string) => void)[] = [];
  #rest = "";

  constructor({ host, port }: RawServer) {
    this.#host = host;
    this.#socket = connect({ host, port, noDelay: true });
    this.#socket.setEncoding("latin1").on("data", (text: string) => {
      const lines = (this.#rest + text).split("\r\n");
      this.#rest = lines.pop()!;
      for (const line of lines) if (/^[2-5]\d\d /.test(line)) this.#waiting.shift()?.(line);
    });
  }

  reply(): Promise<string> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  ask(...commands: string[]): Promise<string[]> {
    const replies = commands.map(() => this.reply());
    this.#socket.write(`${commands.join("\r\n")}\r\n`, "latin1");
    return Promise.all(replies);
  }

  /** EPSV and the transfer command in one write. Resolves to the data connection, and to the 226 that follows. */
  async transfer(command: string, buffer?: OnReadOpts): Promise<{ data: Socket; done: Promise<string> }> {
    const agreed = this.reply();
    const done = this.reply();
    this.#socket.write(`EPSV\r\n${command}\r\n`, "latin1");
    const reply = await agreed;
    const port = /\|(\d+)\|/.exec(reply)?.[1];
    if (port === undefined) throw new Error(`no data connection for ${command}: ${reply}`);
    return { data: connect({ host: this.#host, port: Number(port), ...(buffer && { onread: buffer }) }), done };
  }

  close(): void {
    this.#socket.end("QUIT\r\n");
  }
}

async function open(server: RawServer, folder: string): Promise<RawControl> {
  const control = new RawControl(server);
  await control.reply();
  await control.ask(`USER ${server.user}`);
  await control.ask(`PASS ${server.password}`);
  await control.ask("TYPE I", `CWD ${folder}`);
  return control;
}

/** Moves the names, taking from the end, until there are none: transfers, then renames and removals in packs of 16. */
export async function rawLane(
  source: RawServer,
  from: string,
  target: RawServer,
  to: string,
  names: string[],
): Promise<void> {
  const [reader, writer] = await Promise.all([open(source, from), open(target, to)]);
  while (names.length > 0) {
    const group = names.splice(-16);
    for (const name of group) {
      const [down, up] = await Promise.all([reader.transfer(`RETR ${name}`), writer.transfer(`STOR ${name}.part`)]);
      down.data.pipe(up.data);
      await Promise.all([down.done, up.done]);
    }
    await writer.ask(...group.flatMap((name) => [`RNFR ${name}.part`, `RNTO ${name}`]));
    await reader.ask(...group.map((name) => `DELE ${name}`));
  }
  reader.close();
  writer.close();
}

/** Downloads a file into one buffer, over and over. */
export async function rawDownload(server: RawServer, name: string): Promise<void> {
  const control = await open(server, "/");
  const { data, done } = await control.transfer(`RETR ${name}`, {
    buffer: Buffer.allocUnsafe(1024 * 1024),
    callback: () => true,
  });
  data.resume();
  await done;
  control.close();
}
