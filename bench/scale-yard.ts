/** The servers of scale.ts and the files on them: made quickly, and looked at one by one when they were moved. */
import { readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { type LiveFtp, start } from "../test/live/servers/ftp.js";
import { servedFolder } from "./harness.js";
import { MTIME, nameOf } from "./scale-names.js";

/** vsftpd with a folder `out`, ProFTPD with a folder `in`. Their files are in memory where that is possible. */
export class Yard {
  private constructor(
    readonly from: LiveFtp,
    readonly to: LiveFtp,
    readonly size: number,
    readonly served: string,
  ) {}

  static async make(size: number): Promise<Yard> {
    const served = await servedFolder();
    const from = await start("vsftpd", { quiet: true, home: join(served, "from") });
    const to = await start("proftpd", { home: join(served, "to") });
    return new Yard(from, to, size, served);
  }

  get source(): string {
    return urlOf(this.from, "out");
  }

  get target(): string {
    return urlOf(this.to, "in");
  }

  /** So many files at the source, each with bytes and a time of its own; none at the target. */
  async fill(files: number): Promise<void> {
    const out = join(this.from.home, "out");
    for (const folder of [out, join(this.to.home, "in")]) {
      await rm(folder, { recursive: true, force: true });
      await mkdir(folder);
    }
    for (let i = 0; i < files; i++) {
      const path = join(out, nameOf(i));
      writeFileSync(path, this.#contentOf(i));
      utimesSync(path, timeOf(i), timeOf(i));
    }
    this.from.handOver();
    this.to.handOver();
  }

  /** Throws where a file was lost, doubled or damaged, or anything else is there. Every byte of every file is compared. */
  check(files: number): void {
    const left = readdirSync(join(this.from.home, "out"));
    if (left.length > 0) throw new Error(`${left.length} files were left at the source, ${left[0]} is one of them`);
    const there = readdirSync(join(this.to.home, "in"));
    if (there.length !== files) throw new Error(`${there.length} files are at the target, not ${files}`);
    for (let i = 0; i < files; i++) {
      const path = join(this.to.home, "in", nameOf(i));
      if (!readFileSync(path).equals(this.#contentOf(i))) throw new Error(`${nameOf(i)} has other bytes`);
    }
  }

  /** Throws where a file does not have the time that it had at the source. */
  checkTimes(files: number): void {
    for (let i = 0; i < files; i++) {
      const { mtimeMs } = statSync(join(this.to.home, "in", nameOf(i)));
      if (mtimeMs !== timeOf(i) * 1000) throw new Error(`${nameOf(i)} has another time`);
    }
  }

  async stop(): Promise<void> {
    await Promise.all([this.from.stop(), this.to.stop()]);
    await rm(this.served, { recursive: true, force: true });
  }

  #contentOf(i: number): Buffer {
    return Buffer.alloc(this.size, `${nameOf(i)}\n`);
  }
}

/** Seconds since 1970. */
const timeOf = (i: number) => MTIME / 1000 + (i % 86_400);

const urlOf = ({ host, port, user, password }: LiveFtp, folder: string) =>
  `ftp://${user}:${encodeURIComponent(password)}@${host}:${port}/${folder}`;
