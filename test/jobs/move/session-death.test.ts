/** A server whose session dies with a last word, as vsftpd's does: a lost connection, no refusal of the file. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { Bench } from "./bench.js";

let bench: Bench;
beforeEach(async () => {
  bench = await Bench.start();
});
afterEach(() => bench[Symbol.asyncDispose]());

test.each([
  ["from", "PASS"],
  ["from", "MLSD"],
  ["from", "SIZE"],
  ["from", "MDTM"],
  ["from", "RETR"],
  ["from", "DELE"],
  ["to", "PASS"],
  ["to", "SIZE"],
  ["to", "STOR"],
  ["to", "RNFR"],
  ["to", "RNTO"],
] as const)("of the server %s which the files go, at %s: all are moved", async (side, command) => {
  for (let i = 0; i < 5; i++) bench.from.tree.write(`/out/${i}.dat`, `this is ${i}`);
  const { faults } = bench[side];
  faults.reply = { [command]: { reply: "500 OOPS: priv_sock_get_result", times: 1 } };
  faults.closeAfterCommand = { command, times: 1 };
  expect(await bench.run({ lanes: 2 })).toMatchObject({ moved: 5, skipped: 0, failed: 0, conflicts: 0, left: 0 });
  expect(bench.to.tree.list("/in")).toEqual(["0.dat", "1.dat", "2.dat", "3.dat", "4.dat"]);
  expect(bench.from.tree.count("/out")).toBe(0);
});
