/** The test bed itself: every server starts in every TLS mode it has, is used by curl or Python's ftplib, and goes. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, expect, it } from "vitest";
import { describeLive } from "./available.js";
import { type Certificates, certificates } from "./servers/certs.js";
import { ABILITIES, type FtpOptions, KINDS, type Kind, type LiveFtp, start } from "./servers/ftp.js";

const run = promisify(execFile);
const modes = ["none", "explicit", "implicit"] as const;
const supported = (kind: Kind) =>
  modes.filter((tls) => tls === "none" || ABILITIES[kind][tls === "explicit" ? "tls" : "implicit"]);

const running: LiveFtp[] = [];
async function live(kind: Kind, options?: FtpOptions): Promise<LiveFtp> {
  const server = await start(kind, options);
  running.push(server);
  return server;
}
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.stop()));
});

/** curl on a name in the server's folder; resolves to its standard output. */
async function curl(server: LiveFtp, tls: (typeof modes)[number], name: string, ...args: string[]): Promise<string> {
  const { caFile } = await certificates();
  const scheme = tls === "implicit" ? "ftps" : "ftp";
  const url = `${scheme}://localhost:${server.port}/${server.folder.slice(1)}/${name}`.replace(/(?<!:)\/+/g, "/");
  const secure = tls === "explicit" ? ["--ssl-reqd"] : [];
  const user = ["--user", `${server.user}:${server.password}`, "--resolve", `localhost:${server.port}:${server.host}`];
  const { stdout } = await run("curl", ["-sS", "-m", "10", ...user, "--cacert", caFile, ...secure, ...args, url]);
  return stdout;
}

/** Python's ftplib, logged in over TLS as `ftp`, runs the script; resolves to what it prints. It never resumes TLS sessions. */
async function ftplib(server: LiveFtp, tls: (typeof modes)[number], script: string): Promise<string> {
  const { caFile } = await certificates();
  const program = `
import ftplib, io, ssl, sys
host, port, user, password, ca, tls, script = sys.argv[1:]
class Implicit(ftplib.FTP_TLS):
    def connect(self, *args):
        self.raw, ftplib.FTP.getresp = ftplib.FTP.getresp, lambda self: "220 later"
        super().connect(*args)
        ftplib.FTP.getresp = self.raw
        self.sock = self.context.wrap_socket(self.sock, server_hostname=host)
        self.file = self.sock.makefile("r", encoding=self.encoding)
        self.welcome = self.getresp()
context = ssl.create_default_context(cafile=ca)
ftp = ftplib.FTP() if tls == "none" else (Implicit if tls == "implicit" else ftplib.FTP_TLS)(context=context)
ftp.connect(host, int(port), 10)
ftp.login(user, password)
if tls != "none": ftp.prot_p()
exec(script)
`;
  const { host, port, user, password } = server;
  const args = [host, String(port), user, password, caFile, tls, script];
  return (await run("/usr/bin/python3", ["-I", "-c", program, ...args])).stdout;
}

for (const kind of KINDS) {
  describeLive(kind, kind, () => {
    for (const tls of supported(kind)) {
      it(`takes a login, an upload and a listing with TLS ${tls}`, async () => {
        const server = await live(kind, { tls });
        if (kind === "pyftpdlib" && tls !== "none") {
          // curl 7.88 cannot: it waits for the data connection's handshake before it sends the command.
          const script = 'ftp.storbinary("STOR hello.txt", io.BytesIO(b"hello\\n")); print(ftp.nlst())';
          expect(await ftplib(server, tls, script)).toContain("hello.txt");
        } else {
          const folder = await mkdtemp(join(tmpdir(), "polywire-upload-"));
          await writeFile(join(folder, "hello.txt"), "hello\n");
          await curl(server, tls, "hello.txt", "-T", join(folder, "hello.txt"));
          await rm(folder, { recursive: true });
          expect(await curl(server, tls, "", "--list-only")).toContain("hello.txt");
        }
        expect(await readFile(join(server.home, "hello.txt"), "utf8")).toBe("hello\n");
      });
    }

    it("refuses a wrong password", async () => {
      const server = await live(kind);
      const refused = ftplib({ ...server, password: "wrong" }, "none", "pass");
      await expect(refused).rejects.toThrow(/530/);
    });

    it("can do what the table says", async () => {
      const { tls, mlsd, hash, setTime, ccc } = ABILITIES[kind];
      const server = await live(kind, { tls: tls ? "explicit" : "none" });
      const said = await ftplib(server, tls ? "explicit" : "none", 'print(ftp.sendcmd("FEAT"))');
      expect(/^ MLST/m.test(said)).toBe(mlsd);
      expect(/^ HASH/m.test(said)).toBe(hash);
      expect(/^ MFMT/m.test(said)).toBe(setTime === "MFMT");
      expect(/^ AUTH.*TLS/m.test(said)).toBe(tls);
      if (!tls) return;
      const plain = ftplib(server, "explicit", 'ftp.ccc(); print("plain:", ftp.pwd())');
      expect(await plain.catch((error) => String(error))).toMatch(ccc ? /plain: \// : /50\d/);
    });

    it("serves two folders from two instances at once", async () => {
      const [one, two] = await Promise.all([live(kind), live(kind)]);
      await writeFile(join(one.home, "one.txt"), "1");
      await writeFile(join(two.home, "two.txt"), "2");
      expect((await curl(one, "none", "", "--list-only")).match(/\w+\.txt/g)).toEqual(["one.txt"]);
      expect((await curl(two, "none", "", "--list-only")).match(/\w+\.txt/g)).toEqual(["two.txt"]);
    });

    it("renames what a test has handed over", async () => {
      const server = await live(kind);
      await mkdir(join(server.home, "in"));
      await writeFile(join(server.home, "in", "a"), "a");
      server.handOver();
      await ftplib(server, "none", `ftp.cwd("${server.folder}"); ftp.rename("in/a", "in/b")`);
      expect(existsSync(join(server.home, "in", "b"))).toBe(true);
    });

    it("takes active data connections", async () => {
      const server = await live(kind);
      await writeFile(join(server.home, "a.txt"), "active");
      expect(await curl(server, "none", "a.txt", "--ftp-port", "127.0.0.1")).toBe("active");
    });

    if (kind !== "inetutils") {
      it("keeps to its passive ports and its number of clients", async () => {
        const server = await live(kind, { maxClients: 1, passivePorts: [30_100, 30_120] });
        const another = `
print(ftp.sendcmd("EPSV"))
try:
    two = ftplib.FTP(); two.connect(host, int(port), 10); two.login(user, password)
except ftplib.Error as error: print(error)`;
        expect(await ftplib(server, "none", another)).toMatch(/^229 .*\|\|\|301[012]\d\|\)\.?\n(421|530) /);
      });
    }

    it("is gone after stop(), with its sessions and folders", async () => {
      const server = await live(kind);
      const client = connect(server.port, server.host);
      await new Promise((resolve) => client.once("data", resolve));
      client.on("error", () => {}); // it is reset
      expect(server.processes()).toContain(server.pid);
      await server.stop();
      await server.stop();
      expect(server.processes()).toEqual([]);
      expect(existsSync(server.home)).toBe(false);
      client.destroy();
    });

    it("comes back after a crash on the same port, with the same files", async () => {
      const home = await mkdtemp(join(tmpdir(), "polywire-home-"));
      const first = await live(kind, { home });
      await writeFile(join(home, "kept.txt"), "kept");
      first.signal("SIGKILL");
      await first.stop();
      const second = await live(kind, { home, port: first.port });
      expect(await curl(second, "none", "kept.txt").catch(String)).toBe("kept");
      await rm(home, { recursive: true });
    });
  });
}

for (const kind of KINDS.filter((kind) => ABILITIES[kind].reuse)) {
  describeLive(kind, `${kind} with required TLS session reuse`, () => {
    it("refuses a client that does not resume the session", async () => {
      const server = await live(kind, { tls: "explicit", requireReuse: true });
      await expect(ftplib(server, "explicit", "ftp.nlst()")).rejects.toThrow(/522|425/);
    });
    it("takes one that does", async () => {
      const server = await live(kind, { tls: "explicit", requireReuse: true });
      await writeFile(join(server.home, "a.txt"), "");
      expect(await curl(server, "explicit", "", "--list-only")).toContain("a.txt");
    });
  });
}

for (const kind of KINDS.filter((kind) => ABILITIES[kind].tls)) {
  describeLive(kind, `${kind} with required TLS`, () => {
    it("refuses a login in plain text", async () => {
      const server = await live(kind, { tls: "explicit", requireTls: true });
      await expect(ftplib(server, "none", "pass")).rejects.toThrow(/5[0-9][0-9]|421/);
    });
    it.each(["expired", "wrongHost"] satisfies (keyof Certificates)[])("shows the %s certificate", async (name) => {
      const server = await live(kind, { tls: "explicit", certificate: (await certificates())[name] });
      await expect(curl(server, "explicit", "", "--list-only")).rejects.toThrow(/certificate/);
    });
  });
}

describeLive("pyftpdlib", "pyftpdlib", () => {
  it("does without clients that vanish behind an upload, and says little of them", async () => {
    const server = await live("pyftpdlib");
    // It hears of both connections at once, of the data first.
    const vanish = `
import os, signal, socket, struct, time
data = ftp.transfercmd("STOR a.dat")
data.sendall(bytes(100_000))
time.sleep(0.02)
ftp.file.close()
os.kill(${server.pid}, signal.SIGSTOP)
for each in data, ftp.sock:
    each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    each.close()
os.kill(${server.pid}, signal.SIGCONT)
os._exit(0)`;
    for (let i = 0; i < 5; i++) await ftplib(server, "none", vanish);
    expect(await ftplib(server, "none", "print(ftp.pwd())")).toContain("/");
    expect(server.log()).not.toContain("Traceback");
  });
});

describeLive("vsftpd", "a server whose test process was killed", () => {
  it("ends too, and its folder goes", async () => {
    const module = new URL("servers/ftp.ts", import.meta.url);
    const script = `import(${JSON.stringify(module)}).then((m) => m.start("vsftpd")).then((s) => {
      console.log(s.pid + " " + s.home); setTimeout(() => process.kill(process.pid, "SIGKILL"), 50) })`;
    const failed = await run(process.execPath, ["--import", "tsx", "-e", script]).catch((error) => error);
    const [pid, home] = String(failed.stdout).trim().split(" ");
    await expect.poll(() => existsSync(`/proc/${pid}`) || existsSync(home!), { timeout: 5000 }).toBe(false);
  });
});

it("says which option a server cannot do", async () => {
  await expect(start("inetutils", { tls: "explicit", maxClients: 3 })).rejects.toThrow(
    "inetutils cannot do: maxClients, tls: explicit",
  );
});
