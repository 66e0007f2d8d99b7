/** `polywire watch`: a line for each message that comes into a mailbox. */
import { type Command, InvalidArgumentError } from "commander";
import { parseUrl, UsageError } from "../../index.js";
import { address } from "../address.js";
import { act, type Context, clientOptions } from "../context.js";
import { EXIT } from "../exit-codes.js";
import { seconds, whole } from "../globals.js";
import { tellWatch } from "../mail/watch-lines.js";

interface Options {
  mailbox?: string;
  flags?: true;
  expunges?: true;
  limit?: number;
  /** Seconds. */
  every?: number;
  attempts?: number;
}

const EXAMPLES = `
Examples:
  polywire watch imaps://alice@mail.example.org                        number, UID, time, sender and subject of what comes
  polywire watch imaps://alice@mail.example.org/Lists --json | jq .    each event as a JSON object: type, uid, number, …
  polywire watch imaps://alice@mail.example.org --limit 1              waits for a message, and ends

What is there already is not told, only what comes. Where the connection is lost it is made again, with growing pauses, and
what came meanwhile is told. The mailbox is opened for reading only. Ctrl-C ends it.`;

export function watch(program: Command): void {
  program
    .command("watch <url>")
    .description("tell of each message that comes into an IMAP mailbox, as it comes")
    .option("--mailbox <name>", "which mailbox (default: that of the URL, else INBOX)")
    .option("--flags", "tell also of flags that change")
    .option("--expunges", "tell also of messages that go")
    .option("--limit <n>", "end after so many messages", whole)
    .option("--every <seconds>", "begin IDLE anew, or ask by NOOP, as often (default: 540; 60 by NOOP)", often)
    .option("--attempts <n>", "give up after so many connections in a row that fail (default: never)", whole)
    .addHelpText("after", EXAMPLES)
    .action(act<[string], Options>(run));
}

async function run(context: Context, given: Options, url: string): Promise<number> {
  const { mailbox, flags, expunges, limit = Infinity, every, attempts } = given;
  const target = address(url, context.globals);
  const { protocol, path } = parseUrl(target);
  if (protocol !== "imap") throw new UsageError("a mailbox is watched by IMAP", { advice: "write imaps://user@host" });
  if (mailbox !== undefined && path !== "") throw new UsageError("the URL and --mailbox both name a mailbox");
  const { signal, ...options } = clientOptions(context, target);
  const { watchMail } = await import("../../jobs/index.js");
  const server = { url: target, ...options };
  let messages = 0;
  for await (const event of watchMail({ server, mailbox, flags, expunges, every, attempts, signal })) {
    await tellWatch(context, event);
    if (event.type === "message" && ++messages >= limit) break;
  }
  return EXIT.done;
}

/** In milliseconds. */
function often(text: string): number {
  const value = seconds(text);
  if (value < 1) throw new InvalidArgumentError("it is a number of seconds, at least 1.");
  return Math.round(value * 1000);
}
