/** Data connections in every mode that FTP has, over both IP versions, and through proxies. */
import net from "node:net";
import { networkInterfaces } from "node:os";
import { beforeAll, expect, it } from "vitest";
import { ConnectionError, ReplyError } from "../../../src/client/errors.js";
import { Transcript } from "../../../src/client/transcript.js";
import type { FtpClient } from "../../../src/ftp/client.js";
import type { DataCommand, FtpSession } from "../../../src/ftp/session.js";
import { listen } from "../../net/loopback.js";
import { freePort } from "../servers/daemon.js";
import { ABILITIES, KINDS } from "../servers/ftp.js";
import { type Bed, describeRows, describeServer, errorOf, expectUsable, PLAIN_AND_TLS, pattern, ROWS } from "./bed.js";
import { startProxy } from "./proxies.js";

const BYTES = pattern(300_000);

/** A file up, down, and seen in a listing, twice. */
async function expectTransfers(ftp: FtpClient): Promise<void> {
  for (const name of ["one", "two"]) {
    await ftp.stor(name, BYTES);
    expect((await ftp.retr(name)).equals(BYTES)).toBe(true);
    expect(await ftp.nlst().toArray()).toContain(name);
    await ftp.dele(name);
  }
  await expectUsable(ftp);
}

/** The commands that asked for data connections. */
function asked(transcript: Transcript): string[] {
  const commands = transcript.lines.filter(({ who }) => who === "C").map(({ text }) => text.split(" ")[0] as string);
  return [...new Set(commands.filter((word) => /^(EPSV|PASV|EPRT|PORT)$/.test(word)))];
}

/** A client that opens its data connections by this command only. */
async function withCommand(bed: Bed, command: DataCommand, transcript: Transcript, more = {}): Promise<FtpClient> {
  const active = command === "EPRT" || command === "PORT";
  const ftp = await bed.ready({ mode: active ? "active" : "passive", transcript, ...more });
  (ftp as unknown as { session: FtpSession }).session.dataCommand = command;
  return ftp;
}

describeRows(PLAIN_AND_TLS, { allowFxp: false }, (bed) => {
  it.each(["EPSV", "PASV", "EPRT", "PORT"] as const)("moves files and listings by %s", async (command) => {
    const transcript = new Transcript();
    await expectTransfers(await withCommand(bed, command, transcript));
    expect(asked(transcript)).toEqual([command]);
  });

  it("chooses a command by itself, in both modes", async () => {
    for (const mode of ["passive", "active"] as const) await expectTransfers(await bed.ready({ mode }));
  });

  it("keeps to the range of ports in active mode", async () => {
    const transcript = new Transcript();
    const first = freePort();
    await expectTransfers(await bed.ready({ mode: "active", activePorts: [first, first + 3], transcript }));
    const ports = transcript.lines.flatMap(({ who, text }) => {
      const [, port] = /^EPRT \|1\|127\.0\.0\.1\|(\d+)\|$/.exec(text) ?? [];
      const [, high, low] = /^PORT 127,0,0,1,(\d+),(\d+)$/.exec(text) ?? [];
      return who !== "C" ? [] : port ? [Number(port)] : high ? [Number(high) * 256 + Number(low)] : [];
    });
    expect(ports.length).toBeGreaterThan(5);
    for (const port of ports) expect([first, first + 1, first + 2, first + 3]).toContain(port);
  });

  it("says that all ports of the range are taken, and stays usable", async () => {
    const taken = await listen(net.createServer());
    const ftp = await bed.ready({ mode: "active", activePorts: [taken, taken] });
    const error = await errorOf(ftp.retr("nothing"));
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error).toMatchObject({ phase: "data", clientUsable: true });
    expect(error.message).toContain(`no free port to listen on from ${taken} to ${taken}`);
    await expectUsable(ftp);
  });

  it("a data connection that the server cannot open in active mode leaves the client usable", async () => {
    // The announced address is this machine, but nobody forwards the port from there: the server's connection fails.
    const ftp = await bed.ready({ mode: "active", externalAddress: "127.0.0.3", timeouts: { connect: 1_000 } });
    const error = await errorOf(ftp.stor("never", BYTES));
    if (error.clientUsable) await expectUsable(ftp);
    else expect(ftp.state).toBe("closed");
    expect([error instanceof ReplyError, error instanceof ConnectionError]).toContain(true);
  });

  it.each(["socks5", "http"] as const)("goes through a %s proxy with control and data connections", async (kind) => {
    const proxy = await startProxy(kind);
    const ftp = await bed.ready({ proxy: proxy.url });
    await expectTransfers(ftp);
    const { host, port } = bed.server;
    expect(proxy.asked[0]).toBe(`${host}:${port}`);
    // Two files up and down and two listings.
    expect(proxy.asked).toHaveLength(1 + 6);
    expect(new Set(proxy.asked.map((each) => each.split(":")[0]))).toEqual(new Set([host]));
  });
});

for (const kind of ["vsftpd", "pyftpdlib", "proftpd"] as const) {
  describeServer(kind, { deny: ["EPSV", "EPRT"] }, `${kind} without EPSV and EPRT`, (bed) => {
    it.each(["passive", "active"] as const)("falls back on the command of RFC 959 in %s mode", async (mode) => {
      const transcript = new Transcript();
      await expectTransfers(await bed.ready({ mode, transcript }));
      expect(asked(transcript).at(-1)).toBe(mode === "passive" ? "PASV" : "PORT");
    });
  });
}

for (const kind of KINDS.filter((each) => each !== "inetutils")) {
  describeServer(kind, { allowFxp: true }, `${kind} behind whose back a port is forwarded`, (bed) => {
    it("connects to the external address in active mode", async () => {
      const port = freePort();
      let forwarded = 0;
      const forward = net.createServer((socket) => {
        forwarded++;
        socket.pipe(net.connect(port, "127.0.0.1")).pipe(socket);
      });
      await new Promise<void>((resolve) => forward.listen(port, "127.0.0.2", resolve));
      try {
        const ftp = await bed.ready({ mode: "active", activePorts: [port, port], externalAddress: "127.0.0.2" });
        await expectTransfers(ftp);
        expect(forwarded).toBe(6);
      } finally {
        forward.close();
      }
    });
  });
}

const hasIpv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === "::1"));
const SIX = ROWS.filter(([kind, tls]) => tls === "none" || (tls === "explicit" && ABILITIES[kind].reuse));

if (hasIpv6) {
  describeRows(SIX, { ipv6: true }, (bed) => {
    beforeAll(() => bed.put("six.txt", "six"));

    it.each(["EPSV", "EPRT"] as const)("moves files and listings over IPv6 by %s", async (command) => {
      const transcript = new Transcript();
      const mode = command === "EPRT" ? "active" : "passive";
      await expectTransfers(await bed.ready({ mode, transcript }));
      expect(asked(transcript)).toEqual([command]);
    });
  });
} else if (process.env.CI) {
  it("has IPv6", () => expect(hasIpv6).toBe(true));
}
