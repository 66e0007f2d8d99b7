/** What goes wrong in the middle: signals, sinks, sources, servers that refuse, die, stop or fall silent. */
import { execFileSync } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmdirSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  AbortedError,
  ConnectionError,
  type PolywireError,
  ReplyError,
  SinkError,
  TimeoutError,
} from "../../../src/client/errors.js";
import { Transcript } from "../../../src/client/transcript.js";
import { FtpClient } from "../../../src/ftp/client.js";
import { describeLive } from "../available.js";
import { type FtpOptions, KINDS, type Kind, type LiveFtp, start } from "../servers/ftp.js";
import { type Bed, describeRows, describeServer, errorOf, expectUsable, PLAIN_AND_TLS, pattern } from "./bed.js";

const MiB = 1024 * 1024;
const LARGE = pattern(16 * MiB);
const SMALL = LARGE.subarray(0, 50_000);

const mount = (folder: string) => execFileSync("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", folder]);
const unmount = (folder: string) => execFileSync("umount", ["-l", folder]);
/** Containers as a rule may not mount a disk of their own. */
const mayMount = (() => {
  const folder = mkdtempSync(join(tmpdir(), "polywire-full-"));
  try {
    mount(folder);
    unmount(folder);
    return true;
  } catch {
    return false;
  } finally {
    rmdirSync(folder);
  }
})();

/** A source without end, which tells when so many bytes of it are taken. */
async function* endless(bytes: number, reached: () => void): AsyncGenerator<Buffer> {
  for (let [taken, told] = [0, false]; ; taken += SMALL.length) {
    if (taken >= bytes && !told) {
      told = true;
      reached();
    }
    yield SMALL;
    await sleep(0);
  }
}

/** The client is in step, and its next transfers are whole, in both directions. */
async function expectSound(ftp: FtpClient): Promise<void> {
  await expectUsable(ftp);
  await ftp.stor("sound", SMALL);
  expect((await ftp.retr("sound")).equals(SMALL)).toBe(true);
  expect(await ftp.nlst().toArray()).toContain("sound");
}

/**
 * inetutils ends the session by SIGPIPE where it writes twice to a data connection that is gone; ProFTPD under TLS hangs
 * up behind an ABOR in the midst of a download, 4 times in 1,305 here. Then, and there only, the client is closed, and
 * says so.
 */
function mayHaveGone(bed: Bed, error: PolywireError): boolean {
  const goes = bed.kind === "inetutils" || (bed.kind === "proftpd" && bed.tls !== "none");
  if (!goes) expect(error.clientUsable).toBe(true);
  return !error.clientUsable;
}

describeRows(PLAIN_AND_TLS, {}, (bed) => {
  beforeAll(() => {
    bed.put("large.dat", LARGE);
    mkdirSync(join(bed.server.home, "many"));
    for (let i = 0; i < 3000; i++) closeSync(openSync(bed.local(`many/file-${i}`), "w"));
  });

  describe("a signal", () => {
    it("breaks off a download, and the client stays usable", async () => {
      const ftp = await bed.ready();
      for (let round = 0; round < 3; round++) {
        const stop = new AbortController();
        const onBytes = (bytes: number) => void (bytes > MiB && stop.abort(new Error("enough")));
        const error = await errorOf(ftp.retr("large.dat", { to: () => sleep(1), signal: stop.signal, onBytes }));
        expect(error).toBeInstanceOf(AbortedError);
        expect(error.cause).toMatchObject({ message: "enough" });
        if (mayHaveGone(bed, error)) return;
        await expectSound(ftp);
      }
    });

    it("breaks off a download whose sink is stuck", async () => {
      const ftp = await bed.ready();
      const stop = new AbortController();
      const stuck = () => new Promise<void>(() => setTimeout(() => stop.abort(), 50));
      const error = await errorOf(ftp.retr("large.dat", { to: stuck, signal: stop.signal }));
      expect(error).toBeInstanceOf(AbortedError);
      if (!mayHaveGone(bed, error)) await expectSound(ftp);
    });

    it("breaks off an upload, and the client stays usable", async () => {
      const ftp = await bed.ready();
      for (let round = 0; round < 3; round++) {
        const stop = new AbortController();
        const source = endless(round * 500_000, () => stop.abort());
        const error = await errorOf(ftp.stor("broken.dat", source, { signal: stop.signal }));
        expect(error).toBeInstanceOf(AbortedError);
        expect(error.clientUsable).toBe(true);
        await expectSound(ftp);
      }
    });

    it("breaks off an upload whose source is stuck", async () => {
      const ftp = await bed.ready();
      const stop = new AbortController();
      async function* stuck() {
        yield SMALL;
        setTimeout(() => stop.abort(), 50);
        await new Promise(() => {});
      }
      expect(await errorOf(ftp.stor("stuck.dat", stuck(), { signal: stop.signal }))).toBeInstanceOf(AbortedError);
      await expectSound(ftp);
    });

    it("ends a listing, and the next one is whole", async () => {
      const ftp = await bed.ready();
      const stop = new AbortController();
      const listing = async () => {
        for await (const _ of ftp.entries("many", { signal: stop.signal })) stop.abort();
      };
      // A short one may have ended by itself.
      const error = await listing().catch((caught) => caught);
      if (error !== undefined) expect(error).toBeInstanceOf(AbortedError);
      await expectUsable(ftp);
      const names = (await ftp.entries().toArray()).map(({ name }) => name);
      expect(names.filter((name) => /^file-/.test(name))).toEqual([]);
      expect(names).toContain("many");
      expect(await ftp.entries("many").toArray()).toHaveLength(3000);
    });

    it("drops a call that waits, and not the one that runs", async () => {
      const ftp = await bed.ready();
      const stop = new AbortController();
      const running = ftp.retr("large.dat");
      const waiting = errorOf(ftp.retr("large.dat", { signal: stop.signal }));
      stop.abort();
      expect(await waiting).toMatchObject({ name: "AbortedError", clientUsable: true });
      expect((await running).equals(LARGE)).toBe(true);
      expect(await errorOf(ftp.size("large.dat", { signal: stop.signal }))).toBeInstanceOf(AbortedError);
      await expectSound(ftp);
    });
  });

  it("a loop over read() can be left", async () => {
    const ftp = await bed.ready();
    for (let round = 0; round < 2; round++) {
      for await (const chunk of ftp.read("large.dat")) {
        expect(LARGE.subarray(0, chunk.length).equals(chunk)).toBe(true);
        break;
      }
      if (bed.kind === "inetutils" && ftp.state === "closed") return;
      await expectSound(ftp);
    }
  });

  it("close() in mid transfer rejects it at once", async () => {
    const ftp = await bed.ready();
    const error = await errorOf(
      ftp.stor(
        "closed.dat",
        endless(100_000, () => ftp.close()),
      ),
    );
    expect(error).toBeInstanceOf(AbortedError);
    expect(ftp.state).toBe("closed");
  });

  describe("a sink that fails", () => {
    const sinks: Record<string, (bed: Bed) => Parameters<FtpClient["retr"]>[1]> = {
      "by throwing": () => ({
        to: () => {
          throw new Error("mine");
        },
      }),
      "by rejecting": () => ({ to: () => Promise.reject(new Error("mine")) }),
      "as a stream": () => ({ to: new Writable({ write: (_chunk, _encoding, done) => done(new Error("mine")) }) }),
      "in a folder that is not there": (here) => ({ to: join(here.scratch, "no", "folder") }),
      "on a full disk": () => ({ to: "/dev/full" }),
    };
    it.each(Object.keys(sinks))("%s is a SinkError, and the client usable", async (how) => {
      const ftp = await bed.ready();
      const error = await errorOf(ftp.retr("large.dat", (sinks[how] as (typeof sinks)[string])(bed) as { to: string }));
      expect(error).toBeInstanceOf(SinkError);
      if (!mayHaveGone(bed, error)) await expectSound(ftp);
    });
  });

  it("a source that fails is a SinkError, and what came of it is no whole file", async () => {
    const ftp = await bed.ready();
    async function* failing() {
      yield LARGE.subarray(0, MiB);
      throw new Error("mine");
    }
    const error = await errorOf(ftp.stor("half.dat", failing()));
    expect(error).toBeInstanceOf(SinkError);
    expect(error).toMatchObject({ clientUsable: true, cause: { message: "mine" } });
    await expectSound(ftp);
    expect(await errorOf(ftp.stor("none.dat", join(bed.scratch, "nowhere")))).toBeInstanceOf(SinkError);
    expect((await ftp.nlst().toArray()).includes("none.dat")).toBe(false);
  });

  it("an upload where one may not write is refused, however long its source", async () => {
    const ftp = await bed.ready();
    mkdirSync(join(bed.server.home, "not-yours"), { mode: 0o755 });
    for (const name of ["not-yours/file", "no/such/folder/file"]) {
      const error = await errorOf(
        ftp.stor(
          name,
          endless(Number.POSITIVE_INFINITY, () => {}),
        ),
      );
      expect(error, name).toBeInstanceOf(ReplyError);
      expect((error as ReplyError).code).toMatch(/^55[03]$/);
      await expectSound(ftp);
    }
  });

  it("a download of what is no file is refused", async () => {
    const ftp = await bed.ready();
    for (const name of ["many", "nowhere", "large.dat/below"]) {
      expect(await errorOf(ftp.retr(name)), name).toBeInstanceOf(ReplyError);
      await expectUsable(ftp);
    }
  });

  it("a file too large for memory is no reason to lose the client", async () => {
    const ftp = await bed.ready({ limits: { body: MiB } });
    const error = await errorOf(ftp.retr("large.dat"));
    expect(error.message).toMatch(/more than 1048576 bytes does not go into memory.*limits\.body/);
    if (!mayHaveGone(bed, error)) await expectSound(ftp);
  });
});

interface OwnBed {
  readonly server: LiveFtp;
  /** A client that is logged in. */
  ready(): Promise<FtpClient>;
}

/** A server of its own, which does not survive the test. */
async function withOwn(kind: Kind, options: FtpOptions, use: (bed: OwnBed) => Promise<void>): Promise<void> {
  const server = await start(kind, options);
  const { host, port, user, password } = server;
  const clients: FtpClient[] = [];
  const ready = async () => {
    const timeouts = { idle: 400, quit: 200 };
    const ftp = new FtpClient({ host, port, security: "plain", credentials: { user, password }, timeouts });
    clients.push(ftp);
    await ftp.connect();
    await ftp.login();
    await ftp.cwd(server.folder);
    return ftp;
  };
  try {
    writeFileSync(join(server.home, "large.dat"), LARGE);
    await use({ server, ready });
  } finally {
    for (const ftp of clients) ftp.close();
    await server.stop();
  }
}

/** What a server that stops in the middle is asked for, with the silence that is allowed. */
const ASKED: Record<string, (ftp: FtpClient, stop: () => void, timeout: number) => Promise<unknown>> = {
  "a command": (ftp, stop, timeout) => {
    stop();
    return ftp.size("large.dat", { timeout });
  },
  "a download": (ftp, stop, timeout) => {
    const onBytes = (bytes: number) => void (bytes > MiB && stop());
    return ftp.retr("large.dat", { to: () => sleep(1), onBytes, timeout });
  },
  "an upload": (ftp, stop, timeout) => ftp.stor("up.dat", endless(MiB, stop), { timeout }),
  "a listing": (ftp, stop, timeout) => {
    stop();
    return ftp.entries(undefined, { timeout }).toArray();
  },
};

for (const kind of KINDS) {
  describeLive(kind, `${kind} that fails`, () => {
    it("killed in mid download, it is a ConnectionError, and the client closed", async () => {
      await withOwn(kind, {}, async ({ ready, server }) => {
        const ftp = await ready();
        const onBytes = (bytes: number) => void (bytes > MiB && server.signal("SIGKILL"));
        const error = await errorOf(ftp.retr("large.dat", { to: () => sleep(5), onBytes }));
        expect(error).toBeInstanceOf(ConnectionError);
        expect(error).toMatchObject({ retryable: true, clientUsable: false });
        expect(ftp.state).toBe("closed");
        expect(await errorOf(ftp.noop())).toBeInstanceOf(ConnectionError);
      });
    });

    it("killed in mid upload, it is a ConnectionError, and the client closed", async () => {
      await withOwn(kind, {}, async ({ ready, server }) => {
        const ftp = await ready();
        const error = await errorOf(
          ftp.stor(
            "up.dat",
            endless(MiB, () => server.signal("SIGKILL")),
          ),
        );
        expect(error).toBeInstanceOf(ConnectionError);
        expect(error).toMatchObject({ retryable: true, clientUsable: false });
        expect(ftp.state).toBe("closed");
      });
    });

    it("stopped, it is a TimeoutError: for a command, a download, an upload and a listing", async () => {
      await withOwn(kind, {}, async ({ ready, server }) => {
        for (const [what, ask] of Object.entries(ASKED)) {
          const ftp = await ready();
          const error = await errorOf(ask(ftp, () => server.signal("SIGSTOP"), 400));
          expect(error, what).toBeInstanceOf(TimeoutError);
          expect(error, what).toMatchObject({ retryable: true, clientUsable: false });
          expect(ftp.state, what).toBe("closed");
          await ftp.quit();
          server.signal("SIGCONT");
        }
      });
    });

    // Pure-FTPd counts in minutes.
    it.skipIf(kind === "pureftpd")("tired of waiting, it says goodbye, and the next call says why", async () => {
      await withOwn(kind, { idleTimeout: 1 }, async ({ ready }) => {
        const ftp = await ready();
        await expect.poll(() => ftp.state, { timeout: 8_000 }).toBe("closed");
        const error = await errorOf(ftp.noop());
        expect(error).toBeInstanceOf(ConnectionError);
        expect(error.message).toMatch(/the server closes the connection: 421/);
        await ftp.quit();
      });
    });
  });

  describeFullDisk(kind);
}

/** A home of 2 MiB. */
function describeFullDisk(kind: Kind): void {
  const home = mkdtempSync(join(tmpdir(), "polywire-full-"));
  describe.skipIf(!mayMount)("with a small disk", () => {
    beforeAll(() => mount(home));
    afterAll(() => unmount(home));
    describeServer(kind, { home }, `${kind} on a full disk`, (bed) => {
      it("refuses the upload, and the client stays usable", async () => {
        const ftp = await bed.ready();
        const error = await errorOf(ftp.stor("large.dat", LARGE));
        expect(statSync(bed.local("large.dat")).size).toBeLessThan(LARGE.length);
        if (bed.kind === "pyftpdlib" && error instanceof ConnectionError) {
          // Now and then its close() of the file fails, too: then it answers nothing any more, not even ABOR.
          expect(ftp.state).toBe("closed");
          return;
        }
        expect(error).toBeInstanceOf(ReplyError);
        await expectUsable(ftp);
        await ftp.dele("large.dat");
        await ftp.stor("small.dat", SMALL);
        expect(readFileSync(bed.local("small.dat")).equals(SMALL)).toBe(true);
      });
    });
  });
  afterAll(() => rmdirSync(home));
}

describeServer("vsftpd", { rate: 2 * MiB }, "vsftpd with a slow transfer", (bed) => {
  const slow = { transferNoop: 50 };
  beforeAll(() => bed.put("large.dat", LARGE.subarray(0, 3 * MiB)));

  it("takes NOOPs meanwhile", async () => {
    const transcript = new Transcript();
    const ftp = await bed.ready({ ...slow, transcript });
    expect((await ftp.retr("large.dat")).equals(LARGE.subarray(0, 3 * MiB))).toBe(true);
    const words = transcript.lines
      .filter(({ who }) => who !== "#")
      .map(({ who, text }) => `${who} ${text.slice(0, 4)}`);
    const during = words.slice(words.indexOf("C RETR"), words.indexOf("S 226 "));
    expect(during).toContain("C NOOP");
    await ftp.stor("up.dat", LARGE.subarray(0, 3 * MiB));
    await expectSound(ftp);
  });

  it("can be broken off with NOOPs under way", async () => {
    const ftp = await bed.ready(slow);
    const stop = AbortSignal.timeout(300);
    expect(await errorOf(ftp.retr("large.dat", { signal: stop }))).toBeInstanceOf(AbortedError);
    await expectSound(ftp);
    expect(await errorOf(ftp.stor("up.dat", LARGE, { signal: AbortSignal.timeout(300) }))).toBeInstanceOf(AbortedError);
    await expectSound(ftp);
  });
});

for (const kind of ["proftpd", "pureftpd", "pyftpdlib"] as const) {
  describeServer(kind, { rate: 4 * MiB }, `${kind} with a slow transfer`, (bed) => {
    beforeAll(() => bed.put("large.dat", LARGE));

    it("is not sent NOOPs, and can be broken off", async () => {
      const transcript = new Transcript();
      const ftp = await bed.ready({ transferNoop: 20, transcript });
      expect(await errorOf(ftp.retr("large.dat", { signal: AbortSignal.timeout(200) }))).toBeInstanceOf(AbortedError);
      await ftp.quit();
      expect(transcript.lines.filter(({ text }) => text === "NOOP")).toHaveLength(1);
    });

    it("stays usable behind an upload that was broken off", async () => {
      const ftp = await bed.ready();
      expect(await errorOf(ftp.stor("up", LARGE, { signal: AbortSignal.timeout(200) }))).toBeInstanceOf(AbortedError);
      await expectSound(ftp);
    });
  });
}
