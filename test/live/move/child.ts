/** The process that the kill test kills: one move, its options as JSON in the first argument. */
import { move } from "../../../src/jobs/index.js";

const result = await move(JSON.parse(process.argv[2] as string));
console.log(JSON.stringify(result));
