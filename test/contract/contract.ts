/** One contract, five protocols: the same checks for each. What differs is data, in the rows. */
import { describe } from "vitest";
import { bedOf } from "./bed.js";
import { checkCalls } from "./calls.js";
import { checkCancel } from "./cancel.js";
import { checkDeath } from "./death.js";
import { checkEnds } from "./ends.js";
import { checkOrder } from "./order.js";
import type { Row } from "./row.js";
import { checkCertificate, checkSecurity } from "./security.js";
import { checkTimeouts } from "./timeouts.js";
import { checkTranscripts } from "./transcripts.js";

/** All checks. */
export function contract(row: Row, deaths: "at every byte" | "here and there"): void {
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

/** What is wrong with a certificate is told, and nothing is said behind it. */
export function certificates(row: Row): void {
  for (const name of ["wrongHost", "expired"] as const) {
    describe(`a certificate that is bad (${name})`, () => checkCertificate(bedOf(row, name), name));
  }
}
