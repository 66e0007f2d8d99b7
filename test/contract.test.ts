/** One contract, five protocols: the same checks on servers in memory and on real ones. What differs is data, in the rows. */
import { describe } from "vitest";
import { bedOf } from "./contract/bed.js";
import { checkCalls } from "./contract/calls.js";
import { checkCancel } from "./contract/cancel.js";
import { checkDeath } from "./contract/death.js";
import { checkEnds } from "./contract/ends.js";
import { LIVE } from "./contract/live.js";
import { MEMORY } from "./contract/memory.js";
import { checkOrder } from "./contract/order.js";
import type { Row } from "./contract/row.js";
import { checkCertificate, checkSecurity } from "./contract/security.js";
import { checkTimeouts } from "./contract/timeouts.js";
import { checkTranscripts } from "./contract/transcripts.js";
import { describeLive } from "./live/available.js";

function contract(row: Row, deaths: "at every byte" | "here and there"): void {
  const bed = bedOf(row);
  checkOrder(bed);
  checkCalls(bed);
  checkCancel(bed);
  checkTimeouts(bed);
  checkEnds(bed);
  checkSecurity(bed);
  checkTranscripts(bed);
  checkDeath(bed, deaths);
}

function certificates(row: Row): void {
  for (const name of ["wrongHost", "expired"] as const) {
    describe(`a certificate that is bad (${name})`, () => checkCertificate(bedOf(row, name), name));
  }
}

for (const row of MEMORY) {
  describe(row.name, () => contract(row, "at every byte"));
  describe(row.name, () => certificates(row));
}

for (const row of LIVE) {
  describeLive(row.kind, row.name, () => contract(row, "here and there"));
  describeLive(row.kind, row.name, () => certificates(row));
}
