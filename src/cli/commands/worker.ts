/** `polywire worker`: moves files for a coordinator that hands them out by a Redis. */
import { type Command, InvalidArgumentError } from "commander";
import { act, type Context } from "../context.js";
import { EXIT } from "../exit-codes.js";
import { count, counted, size } from "../format.js";
import { byteCount, rate, whole } from "../globals.js";
import { redisUrl, shownRedis } from "../move/dispatch.js";
import { note, print, printJson } from "../output.js";

interface Options {
  redis: string;
  config: string;
  queue?: string;
  lanes?: number;
  connectionsPerSecond?: number;
  name?: string;
  /** Bytes per second. */
  maxRate?: number;
}

const EXAMPLES = `
The coordinator is polywire move FROM TO --redis URL: it lists FROM, and hands out files, never a password. What a worker
moves between is in its own configuration, by the names source and target (or those of --places):

  {"places": {
    "source": {"url": "ftps://alice@old.example.org/out", "passwordFile": "source.password"},
    "target": {"url": "ftps://bob@new.example.org/in", "password": "…", "caFile": "ca.pem"}
  }}

A place may have user, account, certFile, keyFile, proxy, and true for insecure or active. Without a password it is looked for
in SOURCE_PASSWORD, TARGET_PASSWORD and ~/.netrc. A .mjs file may export the same, made by a program.

Any number of workers may run, on any machines. One that dies loses nothing: another one finds out how far it was.
Ctrl-C ends it in order. The password of the Redis: in the URL, or POLYWIRE_REDIS_PASSWORD.

Examples:
  polywire worker --redis redis://queue.example.org --config workers.json
  polywire worker --redis rediss://mover@queue.example.org/2 --config workers.mjs --lanes 16 --name $(hostname)`;

export function worker(program: Command): void {
  program
    .command("worker")
    .description("move files for polywire move --redis, on this or any machine")
    .requiredOption("--redis <url>", "the Redis of the coordinator", redis)
    .requiredOption("--config <file>", "the places, with their credentials: JSON or .mjs")
    .option("--queue <name>", "the coordinator's (default: polywire)")
    .option("--lanes <n>", "pairs of connections at most (default: 8)", whole)
    .option("--connections-per-second <n>", "connections made in a second to one server at most", rate)
    .option("--name <name>", "what the coordinator's messages call it (default: machine and process)")
    .option("--max-rate <bytes>", "bytes per second over all lanes of this worker: 500K, 10M", byteCount)
    .addHelpText("after", EXAMPLES)
    .action(act<[], Options>(run));
}

async function run(context: Context, given: Options): Promise<number> {
  const { readPlaces } = await import("../worker/config.js");
  const { runWorker } = await import("../../jobs/index.js");
  const places = await readPlaces(given.config);
  const { redis, queue, lanes, name, connectionsPerSecond, maxRate: maxBytesPerSecond } = given;
  note(
    `Working for ${shownRedis(redis)} as it hands out files of ${Object.keys(places).join(", ")}. Ctrl-C ends it in order.`,
  );
  const { signal } = context;
  const limits = { lanes, connectionsPerSecond, maxBytesPerSecond };
  const done = await runWorker({ redis: redisUrl(redis), places, queue, name, ...limits, signal });
  if (context.json) await printJson(done);
  else {
    const failed = done.failed > 0 ? `, ${count(done.failed)} of them failed` : "";
    await print(`${counted(done.files, "file")}${failed}, ${size(done.bytes)}`);
  }
  return EXIT.done;
}

function redis(text: string): string {
  if (/^rediss?:\/\//.test(text)) return text;
  throw new InvalidArgumentError("write redis://host:port/db, or rediss: for TLS.");
}
