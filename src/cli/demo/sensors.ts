/** The demo's files: 2,000 readings of sensors, their folders, and the proof that they arrived. */
import type { FtpServer } from "../../testing/index.js";

/** What the demo moves, and where to. */
export const JOB = {
  match: "sensor_{id:5d}_{date:yyyyMMdd}_{seq:8d}.dat",
  route: "{date:yyyy}/{date:MM}/{name}",
  source: "/outgoing",
  target: "/archive",
  files: 2000,
} as const;

interface Reading {
  readonly name: string;
  /** Its folder below the target. */
  readonly folder: string;
  readonly modified: Date;
  readonly content: Buffer;
}

/** File `i`. */
function reading(i: number): Reading {
  const modified = new Date(Date.UTC(2025, 6, 1) + i * 6 * 3_600_000);
  const day = modified.toISOString().slice(0, 10);
  const name = `sensor_${String(i % 40).padStart(5, "0")}_${day.replaceAll("-", "")}_${String(i).padStart(8, "0")}.dat`;
  const content = Buffer.alloc(500 + ((i * 7919) % 12_000), `${name} ${Math.sin(i).toFixed(6)}\n`);
  return { name, folder: day.slice(0, 7).replace("-", "/"), modified, content };
}

/** Fills the source. @returns the bytes of all files. */
export function fill(server: FtpServer): number {
  let bytes = 0;
  for (let i = 0; i < JOB.files; i++) {
    const { name, modified, content } = reading(i);
    server.tree.write(`${JOB.source}/${name}`, content, { modified });
    bytes += content.length;
  }
  return bytes;
}

/** Compares every file, byte for byte. @returns what is wrong, a sentence each. */
export function verify(from: FtpServer, to: FtpServer): string[] {
  const wrong: string[] = [];
  const folders = new Map<string, number>();
  for (let i = 0; i < JOB.files; i++) {
    const { name, folder, modified, content } = reading(i);
    const path = `${JOB.target}/${folder}/${name}`;
    folders.set(folder, (folders.get(folder) ?? 0) + 1);
    if (!to.tree.exists(path)) wrong.push(`${path} is missing`);
    else if (!to.tree.read(path).equals(content)) wrong.push(`${path} has another content`);
    else if (to.tree.stat(path)?.modified.getTime() !== modified.getTime()) wrong.push(`${path} has another time`);
  }
  for (const [folder, files] of folders) {
    const path = `${JOB.target}/${folder}`;
    const there = to.tree.exists(path) ? to.tree.count(path) : 0;
    if (there !== files) wrong.push(`${path} holds ${there} files, not ${files}`);
  }
  const left = from.tree.count(JOB.source);
  if (left > 0) wrong.push(`${left} files are still at the source`);
  return wrong;
}
