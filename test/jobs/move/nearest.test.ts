/** The known word that somebody probably meant. */
import { expect, test } from "vitest";
import { nearest } from "../../../src/jobs/move/nearest.js";

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
