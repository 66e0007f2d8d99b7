/** A process with a job that is to be killed: `imap-child.ts fetch|copy <options in JSON>`. */
const { copyMail, fetchMail } = await import("../../../src/jobs/index.js");

const [job = "", options = ""] = process.argv.slice(2);
const given = JSON.parse(options);
const result = job === "copy" ? await copyMail(given) : await fetchMail(given);
process.stdout.write(JSON.stringify(result));
