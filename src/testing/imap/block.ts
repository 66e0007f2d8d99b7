/** Text for generated messages. Pure. */

const blocks = new Map<number, Buffer>();

/** About 64 KiB of whole lines, so many characters each. */
export function blockOf(lineLength: number): Buffer {
  const known = blocks.get(lineLength);
  if (known) return known;
  const letters = "abcdefghijklmnopqrstuvwxyz0123456789".repeat(Math.ceil(lineLength / 36) + 1);
  const rows: string[] = [];
  for (let row = 0, length = 0; length < 65_536; row++) {
    const line = letters.slice(row % 36, (row % 36) + lineLength);
    rows.push(`${line}\r\n`);
    length += line.length + 2;
  }
  const block = Buffer.from(rows.join(""));
  blocks.set(lineLength, block);
  return block;
}

/** The beginning of a block, its line ended so that it has just so many bytes (2 at least). */
export function lastOf(block: Buffer, bytes: number): Buffer {
  const text = block.toString("latin1", 0, bytes - 2);
  return Buffer.from(`${text.endsWith("\r") ? `${text.slice(0, -1)}x` : text}\r\n`, "latin1");
}
