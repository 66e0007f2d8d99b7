/** The contract of all five protocols on servers in memory. On real ones: test/live/contract.test.ts. */
import { describe } from "vitest";
import { certificates, contract } from "./contract/contract.js";
import { MEMORY } from "./contract/memory.js";

for (const row of MEMORY) {
  describe(row.name, () => contract(row, "at every byte"));
  describe(row.name, () => certificates(row));
}
