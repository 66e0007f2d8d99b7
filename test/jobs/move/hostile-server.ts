/** An FTP server that lists whatever it is told to: names that no honest server sends. */
import { type AddressInfo, createServer, type Socket } from "node:net";

export interface HostileServer {
  /** `ftp://…` of its root. */
  readonly url: string;
  /** The listings it was asked for. */
  readonly listed: string[];
  close(): Promise<void>;
}

const ANSWERS: Readonly<Record<string, string>> = {
  USER: "331 password?",
  PASS: "230 in",
  FEAT: "211-\r\n MLST type*;size*;modify*;unique*;\r\n UTF8\r\n EPSV\r\n SIZE\r\n MDTM\r\n211 end",
  PWD: '257 "/" is it',
  QUIT: "221 bye",
};

/** `rows` gives the rows of a folder's MLSD. */
export async function hostileServer(rows: (path: string) => readonly string[]): Promise<HostileServer> {
  const listed: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((control) => {
    sockets.add(control);
    let data: Promise<Socket> | undefined;
    let text = "";
    const say = (line: string) => control.write(`${line}\r\n`);
    const list = async (path: string) => {
      say("150 here");
      const text = rows(path).map((row) => `${row}\r\n`);
      (await data)?.end(text.join(""), "latin1", () => say("226 done"));
    };
    const answer = (line: string) => {
      const [verb = "", ...rest] = line.split(" ");
      if (verb === "EPSV") data = listen((port) => say(`229 (|||${port}|)`));
      else if (verb !== "MLSD") say(ANSWERS[verb] ?? "200 fine");
      else {
        listed.push(line);
        void list(rest.join(" "));
      }
    };
    say("220 welcome");
    control.on("error", () => {});
    control.on("data", (chunk) => {
      text += chunk.toString("latin1");
      for (let end = text.indexOf("\r\n"); end !== -1; end = text.indexOf("\r\n")) {
        const line = text.slice(0, end);
        text = text.slice(end + 2);
        answer(line);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `ftp://u:p@127.0.0.1:${port}/?security=plain`,
    listed,
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** Waits for one data connection. */
function listen(onPort: (port: number) => void): Promise<Socket> {
  return new Promise((resolve) => {
    const data = createServer((socket) => {
      data.close();
      socket.on("error", () => {});
      resolve(socket);
    });
    data.listen(0, "127.0.0.1", () => onPort((data.address() as AddressInfo).port));
  });
}
