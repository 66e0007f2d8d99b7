/** Every line that went over a connection, secrets redacted. It can be saved as a script that the test server replays. */

import { encodeText } from "../wire/text.js";

/** One line of a transcript. */
export interface TranscriptLine {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** `C` we sent it, `S` the server did, `#` a remark (connected, TLS, closed, bytes of a body). */
  readonly who: "C" | "S" | "#";
  readonly text: string;
}

/** Where lines go besides the memory. */
export interface TranscriptOptions {
  /** Lines kept; older ones are dropped. Default: 10 000. */
  keep?: number | undefined;
  /** Called with every line as it happens. */
  onLine?: ((line: TranscriptLine) => void) | undefined;
}

/**
 * Records what was said. Give one to a client: `new FtpClient({ host, transcript })`. Messages, articles, files and lists
 * are not in it; a session without them can be played again from its script.
 *
 * @example
 * const transcript = new Transcript({ onLine: (l) => console.error(l.who + ": " + l.text) });
 * const ftp = await open("ftp://files.example.org/", { transcript });
 * await writeFile("session.script", transcript.script());
 */
export class Transcript {
  readonly lines: TranscriptLine[] = [];
  readonly #keep: number;
  readonly #onLine: ((line: TranscriptLine) => void) | undefined;

  constructor(options: TranscriptOptions = {}) {
    this.#keep = options.keep ?? 10_000;
    this.#onLine = options.onLine;
  }

  /** Adds a line. Line ends and other control characters are made visible, so that one line stays one line. */
  add(who: TranscriptLine["who"], text: string): void {
    const line = { at: Date.now(), who, text: text.replace(/[\0-\x08\x0a-\x1f\x7f]/g, (c) => visible(c)) };
    if (this.lines.length >= this.#keep * 2) this.lines.splice(0, this.lines.length - this.#keep + 1);
    this.lines.push(line);
    this.#onLine?.(line);
  }

  /** The lines as a script: `S: 220 ready`, `C: USER alice`, each remark and time as a comment. */
  script(): string {
    let out = "";
    let second = -1;
    for (const line of this.lines.slice(-this.#keep)) {
      const now = Math.floor(line.at / 1000);
      if (now !== second) out += `# ${new Date(line.at).toISOString()}\n`;
      second = now;
      out += `${scripted(line)}\n`;
    }
    return out;
  }
}

/** The line as a script has it: there, characters are bytes, so text beyond ASCII is written in base64. */
function scripted({ who, text }: TranscriptLine): string {
  if (who === "#") return text === "TLS" ? text : `# ${text}`;
  if (!/[^\0-\x7f]/.test(text)) return `${who}: ${text}`;
  return `${who}~ ${encodeText(`${text}\r\n`).toString("base64")}`;
}

function visible(character: string): string {
  return `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
}
