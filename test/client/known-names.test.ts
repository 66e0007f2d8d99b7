/** Names that do not exist, and what was probably meant. */
import { expect, test } from "vitest";
import { UsageError } from "../../src/client/errors.js";
import { checkNames } from "../../src/client/known-names.js";

const KNOWN = ["host", "port", "credentials", "readAhead", "tls"];

test("what is known, undefined, or not there at all is no error", () => {
  checkNames({ host: 1, nobody: undefined }, KNOWN);
  checkNames(undefined, KNOWN);
  expect(() => checkNames({ hots: null }, KNOWN)).toThrow(UsageError);
  expect(() => checkNames({ toString: 1 }, KNOWN)).toThrow("toString is not an option: there are host, port");
});
