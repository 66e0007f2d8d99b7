/** `polywire send`: a message to a mail server; what it says to each recipient is told. */
import { addAbortSignal } from "node:stream";
import { type Command, InvalidArgumentError } from "commander";
import { type Envelope, SendError, type SmtpOptions, UsageError } from "../../index.js";
import { decodeBytes } from "../../message/index.js";
import { withClient } from "../connect.js";
import { act, type Context } from "../context.js";
import { oneOf } from "../globals.js";
import { tellDelivery } from "../mail/delivery-report.js";
import { checkDraft, type Draft, type DraftedMail, isRaw, readDraft, readsStdin } from "../mail/draft.js";
import { note, printJson, writeBytes } from "../output.js";

interface Options extends Draft {
  dsn?: Envelope["notify"];
  dsnReturn?: "full" | "headers";
  envid?: string;
  lmtp?: true;
  ehlo?: string;
  dryRun?: true;
}

const EXAMPLES = `
Without --text and --html the text comes from stdin.

Examples:
  polywire send smtps://alice@mail.example.org --from a@example.org --to b@example.net --subject hello < text
  polywire send smtp://alice@mail.example.org --from 'Alice <a@example.org>' --to b@example.net --to c@example.net \\
    --bcc d@example.org --subject results --text 'See below.' --attach r.csv --attach plot.png
  polywire send smtps://alice@mail.example.org --raw --to b@example.net < message.eml    as it is; only a Bcc is left out
  polywire send smtps://alice@mail.example.org --read-recipients < message.eml           to its To, Cc and Bcc
  polywire send … --dsn success,failure --dsn-return headers --envid order-4711          ask for notifications
  polywire send … --dry-run > message.eml                                                what would be sent
  polywire send smtp://127.0.0.1:24 --lmtp --plain --raw --to alice < message.eml        deliver to a mailbox by LMTP
Port 587 with STARTTLS is smtp:, port 465 with TLS from the first byte is smtps:. Nothing is tried twice. Exit code 67:
some recipients, or all, were refused; each of them is told, and the others get the message.`;

export function send(program: Command): void {
  program
    .command("send <url>")
    .description("send a message; what became of each recipient is told")
    .option("--from <address>", "who writes: Name <user@host>")
    .option("--to <address>", "whom to; several with commas between them, and may be repeated", gathered)
    .option("--cc <address>", "who gets a copy; as --to", gathered)
    .option("--bcc <address>", "who gets a copy that the others do not see; as --to", gathered)
    .option("--reply-to <address>", "where answers go")
    .option("--subject <text>", "subject")
    .option("--text <text>", "the text (default: stdin)")
    .option("--html <text>", "the text in HTML")
    .option("--attach <file>", "a file to go with it; may be repeated", gathered)
    .option("--header <name: value>", "a header more; may be repeated", gathered)
    .option("--raw", "stdin is the whole message: headers, an empty line, the body")
    .option("--read-recipients", "stdin is the whole message, and its To, Cc and Bcc get it")
    .option("--return-path <address>", "where notifications go (default: --from); '' for nowhere")
    .option("--dsn <events>", "notify of: never, or some of success,failure,delay", events)
    .option("--dsn-return <what>", "with a notification comes back: full, headers", oneOf("full", "headers"))
    .option("--envid <text>", "what notifications call the message")
    .option("--lmtp", "the server speaks LMTP")
    .option("--ehlo <name>", "what to call this machine (default: its name)")
    .option("--dry-run", "print what would be sent, send nothing")
    .addHelpText("after", EXAMPLES)
    .action(act<[string], Options>(run));
}

function gathered(value: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), value];
}

const EVENTS = ["success", "failure", "delay"] as const;

function events(text: string): Envelope["notify"] {
  if (text === "never") return "never";
  const words = text.split(",");
  const known = EVENTS.filter((event) => words.includes(event));
  if (known.length === words.length) return known;
  throw new InvalidArgumentError("it is never, or some of success, failure and delay with commas between them.");
}

async function run(context: Context, options: Options, url: string): Promise<number | undefined> {
  checkDraft(options);
  const input = readsStdin(options) ? await stdin(context, options) : undefined;
  const mail = await readDraft(options, input);
  if (options.dryRun) return show(context, mail);
  const { dsn: notify, dsnReturn, envid, lmtp, ehlo: name } = options;
  const ret = dsnReturn === "headers" ? "hdrs" : dsnReturn;
  const envelope: Envelope = { from: mail.from, to: mail.to, notify, ret, envid };
  const more: Partial<SmtpOptions> = { lmtp, name };
  return withClient(
    context,
    url,
    "smtp",
    async (smtp) => {
      try {
        return await tellDelivery(
          context.json,
          await smtp.send({ envelope, raw: mail.raw }, { signal: context.signal }),
        );
      } catch (error) {
        if (!(error instanceof SendError)) throw error;
        return tellDelivery(context.json, error.result, error.command);
      }
    },
    more,
  );
}

async function show(context: Context, { raw, from, to }: DraftedMail): Promise<undefined> {
  const pieces: Buffer[] = [];
  for await (const piece of Buffer.isBuffer(raw) ? [raw] : raw) {
    if (context.json) pieces.push(piece);
    else await writeBytes(piece, decodeBytes);
  }
  if (context.json) await printJson({ from, to, message: decodeBytes(Buffer.concat(pieces)) });
}

async function stdin(context: Context, draft: Draft): Promise<Buffer> {
  if (context.globals.passwordStdin) throw new UsageError("stdin cannot hold both the password and the message");
  if (process.stdin.isTTY) {
    note(`polywire: write the ${isRaw(draft) ? "message" : "text"}, then Ctrl-D on a line of its own`);
  }
  const pieces: Buffer[] = [];
  for await (const piece of addAbortSignal(context.signal, process.stdin)) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}
