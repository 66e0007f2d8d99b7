/** What is told of a mailbox that is watched: lines of messages on stdout, of the connection on stderr; or all of it as JSON. */
import type { NewMail, WatchEvent } from "../../jobs/index.js";
import type { Context } from "../context.js";
import { counted, duration, time } from "../format.js";
import { note, print, printJson } from "../output.js";
import { sentence } from "../report.js";

/** Tells one event. */
export async function tellWatch({ json }: Pick<Context, "json">, event: WatchEvent): Promise<void> {
  if (json) await printJson(event.type === "lost" ? { ...event, error: sentence(event.error) } : event);
  else if (event.type === "watching") note(watching(event));
  else if (event.type === "lost") {
    note(`polywire: ${sentence(event.error)}; again in ${duration(event.milliseconds / 1000)}`);
  } else await print(lineOf(event));
}

function watching({ mailbox, messages, renumbered }: Extract<WatchEvent, { type: "watching" }>): string {
  const anew = renumbered ? ". It has a new UIDVALIDITY: what came meanwhile is not known" : "";
  return `Watching ${mailbox} (${counted(messages, "message")})${anew}.`;
}

/** One line, whatever its fields hold. */
export function lineOf(event: Exclude<WatchEvent, { type: "watching" | "lost" }>): string {
  if (event.type === "message") return messageLine(event);
  if (event.type === "expunge") return `expunged ${event.number}`;
  const { number, uid, flags } = event;
  return `flags ${number}${uid === undefined ? "" : ` (UID ${uid})`}: ${flags.join(" ")}`;
}

function messageLine({ number, uid, date, received, from, subject }: NewMail): string {
  const when = date ?? received;
  const person = ({ name, address }: (typeof from)[number]) =>
    name === "" || address === "" ? name || address : `${name} <${address}>`;
  const sender = from.map(person).join(", ");
  const fields = [number, uid, when === undefined ? "-" : time(when), sender || "-", subject];
  return fields.map((field) => String(field).replace(/[\t\r\n]+/g, " ")).join("  ");
}
