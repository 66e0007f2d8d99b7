/** The contract of all five protocols on real servers: vsftpd, INN, Postfix, and Dovecot for POP3 and IMAP. */
import { certificates, contract } from "../contract/contract.js";
import { LIVE } from "../contract/live.js";
import { describeLive } from "./available.js";

for (const row of LIVE) {
  describeLive(row.kind, row.name, () => contract(row, "here and there"));
  describeLive(row.kind, row.name, () => certificates(row));
}
