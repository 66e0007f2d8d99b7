/** A process with a mail job, to be killed: `child.ts <URL> <to> <journal>`. */
import { fetchMail } from "../../../src/jobs/mail/fetch.js";

const [server = "", to = "", journal = ""] = process.argv.slice(2);
await fetchMail({ server, to, journal, deleteAfter: true });
