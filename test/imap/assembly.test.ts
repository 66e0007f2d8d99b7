/** Rows put together from several responses, however many messages are waited for. */
import { expect, test } from "vitest";
import { Assembly } from "../../src/imap/assembly.js";
import type { FetchData } from "../../src/imap/fetch-data.js";
import { kindsOf } from "../../src/imap/fetch-kind.js";
import { parseFetch } from "../../src/imap/parse-fetch.js";
import { Response } from "../../src/imap/response.js";

function assemblyOf(items: readonly string[]) {
  const given: FetchData[] = [];
  const assembly = new Assembly(kindsOf(items), true, (row) => given.push(row));
  const row = (uid: number, told: string) => parseFetch(new Response(`* ${uid} FETCH (UID ${uid} ${told})`));
  return { given, assembly, row, uids: () => given.map(({ uid }) => uid) };
}

test("each message is met once, in whatever order they come", () => {
  const { assembly, row, uids } = assemblyOf(["FLAGS"]);
  const order = [5, 6, 9, 2, 3, 7, 12, 1];
  for (const uid of [...order, ...order, 8]) {
    const one = row(uid, "FLAGS ()");
    if (assembly.awaits(one)) assembly.add(one, 1);
  }
  assembly.end();
  expect(uids()).toEqual([...order, 8]);
});

test("rows that lack something are kept until there is more, a thousand at most, and none is lost", () => {
  const { assembly, row, given } = assemblyOf(["FLAGS", "MODSEQ"]);
  for (let uid = 1; uid <= 1_500; uid++) assembly.add(row(uid, "FLAGS ()"), 1);
  expect(given).toHaveLength(500);
  assembly.add(row(1_000, "FLAGS () MODSEQ (7)"), 1);
  expect(given.at(-1)?.modseq).toBe(7);
  assembly.end();
  expect(new Set(given.map(({ uid }) => uid)).size).toBe(1_500);
  expect(given).toHaveLength(1_500);
});

test("what is told of other messages meanwhile takes no more room than that, and is no row", () => {
  const { assembly, row, given } = assemblyOf(["FLAGS", "ENVELOPE"]);
  for (let uid = 1; uid <= 5_000; uid++) assembly.note(row(uid, "FLAGS (x)"), 1);
  assembly.add(row(5_000, "ENVELOPE NIL"), 1);
  assembly.add(row(1, "ENVELOPE NIL"), 1);
  assembly.end();
  expect(given.map(({ uid, flags }) => [uid, flags])).toEqual([
    [5_000, ["x"]],
    [1, undefined],
  ]);
});
