/** Memory that many connections read into: what came is taken, or copied, before any of them reads again. */

const OCTETS = 64 * 1024;
let room: Buffer | undefined;

/** Each connection of Node's own would make new memory for each read, and most reads are some octets. */
export function commonRoom(): Buffer {
  room ??= Buffer.allocUnsafeSlow(OCTETS);
  return room;
}
