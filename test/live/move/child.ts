/** The process that the tests watch or kill: one move, its options as JSON in the first argument. */
import { move } from "../../../src/jobs/index.js";

const result = await move(JSON.parse(process.argv[2] as string));
// Bytes; getrusage counts in KiB.
const maxRss = process.resourceUsage().maxRSS * 1024;
console.log(JSON.stringify({ result, maxRss }));
