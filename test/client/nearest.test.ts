/** The known word that somebody probably meant. */
import { expect, test } from "vitest";
import { nearest } from "../../src/client/nearest.js";

const NAMES = ["host", "port", "credentials", "readAhead", "tls"];
const WORDS = ["from", "to", "lanes", "passwordFile", "onExists", "maxBytesPerSecond"];

test.each([
  ["lane", "lanes"],
  ["pasword", "passwordFile"],
  ["on_exists", "onExists"],
  ["ONEXISTS", "onExists"],
  ["maxBytePerSeconds", "maxBytesPerSecond"],
  ["form", "from"],
  ["colour", undefined],
  ["x", undefined],
  ["tp", "to"],
])("%s is near %s", (word, meant) => {
  expect(nearest(word, WORDS)).toBe(meant);
});

test.each([
  ["hots", "host"],
  ["hst", "host"],
  ["HOST", "host"],
  ["credential", "credentials"],
  ["credetnails", "credentials"],
  ["readahed", "readAhead"],
  ["tsl", "tls"],
  ["xyz", undefined],
  ["", undefined],
])("%j is nearest to %j", (name, expected) => {
  expect(nearest(name, NAMES)).toBe(expected);
});
