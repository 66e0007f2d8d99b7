/** Plays the steps of one connection against a client. */
import { createServer, type Server, type Socket } from "node:net";
import type { SecureContext } from "node:tls";
import { ByteStream, type Cutting } from "./bytes.js";
import { PLACEHOLDER, type ScriptStep } from "./script.js";

/** The client did not do what the script says. */
export class ScriptMismatch extends Error {
  override readonly name = "ScriptMismatch";
  /** The line of the script, from 1. */
  readonly line: number;
  /** What the script has there. */
  readonly expected: string;
  /** What the client did. */
  readonly got: string;

  constructor(step: ScriptStep, got: string) {
    super(
      `script line ${step.line}: expected ${step.source}\n${" ".repeat(String(step.line).length + 13)}but got  ${got}`,
    );
    this.line = step.line;
    this.expected = step.source;
    this.got = got;
  }
}

export interface PlayOptions extends Cutting {
  host: string;
  secureContext: () => SecureContext;
}

const NO_CUTTING: Cutting = { onePerSegment: false, splitAt: undefined, delay: 0 };

/** One connection and its part of the script. */
export class Player {
  readonly #steps: ScriptStep[];
  readonly #options: PlayOptions;
  readonly #control: ByteStream;
  #listener: Server | undefined;
  #data: Promise<ByteStream> | undefined;
  readonly #sockets = new Set<Socket>();

  constructor(socket: Socket, steps: ScriptStep[], options: PlayOptions) {
    this.#steps = steps;
    this.#options = options;
    this.#control = new ByteStream(socket);
  }

  /** Plays everything; rejects with a ScriptMismatch at the first wrong line. */
  async play(tlsFirst: boolean): Promise<void> {
    if (tlsFirst) await this.#control.secure(this.#options.secureContext());
    for (let at = 0; at < this.#steps.length; at++) {
      const step = this.#steps[at] as ScriptStep;
      if (step.kind === "send") at += await this.#send(at);
      else await this.#step(step);
    }
    const waiting = this.#control.waiting;
    const last = this.#steps.at(-1);
    if (waiting.length > 0 && last) {
      throw new ScriptMismatch({ ...last, source: "nothing more" }, shown(waiting.toString("latin1")));
    }
  }

  /** After the last line: the connection stays open until the client ends it. What else it says is not looked at. */
  async linger(): Promise<void> {
    this.#listener?.close();
    await this.#control.end();
    this.#control.finish();
  }

  destroy(): void {
    this.#listener?.close();
    for (const socket of this.#sockets) socket.destroy();
    this.#control.destroy();
  }

  /** Lines that follow each other leave in one write, as servers send replies of several lines. Gives how many more were sent. */
  async #send(at: number): Promise<number> {
    const parts: Buffer[] = [];
    for (let step = this.#steps[at]; step?.kind === "send"; step = this.#steps[at + parts.length]) {
      parts.push(step.listen ? await this.#address(step.bytes) : step.bytes);
    }
    await this.#control.write(Buffer.concat(parts), this.#options);
    return parts.length - 1;
  }

  async #step(step: Exclude<ScriptStep, { kind: "send" }>): Promise<void> {
    const control = this.#control;
    switch (step.kind) {
      case "expect":
      case "expect-match":
        return this.#expectLine(step, await control.line());
      case "expect-bytes":
        return expectBytes(step, await control.bytes(step.bytes.length), step.bytes);
      case "tls":
        return control.secure(this.#options.secureContext());
      case "close":
        return control.finish();
      case "reset":
        return control.reset();
      case "wait":
        return new Promise((resolve) => setTimeout(resolve, step.milliseconds).unref());
      default:
        return this.#dataStep(step, await this.#connection(step));
    }
  }

  async #dataStep(step: Extract<ScriptStep, { kind: `data-${string}` }>, data: ByteStream): Promise<void> {
    switch (step.kind) {
      case "data-send":
        return data.write(step.bytes, NO_CUTTING);
      case "data-tls":
        return data.secure(this.#options.secureContext());
      case "data-close":
        return data.finish();
      case "data-receive": {
        const bytes = await data.all();
        data.finish();
        if (Buffer.isBuffer(step.wanted)) return expectBytes(step, bytes, step.wanted);
        const text = bytes.toString("latin1");
        if (step.wanted && !step.wanted.test(text)) throw new ScriptMismatch(step, shown(text));
      }
    }
  }

  #expectLine(step: Extract<ScriptStep, { kind: "expect" | "expect-match" }>, line: string | undefined): void {
    if (line === undefined) throw new ScriptMismatch(step, "the end of the connection");
    const fits =
      step.kind === "expect-match"
        ? step.pattern.test(line)
        : step.redacted
          ? line.startsWith(step.text) && line.length > step.text.length
          : line === step.text;
    if (!fits) throw new ScriptMismatch(step, `C: ${shown(line)}`);
  }

  /** The data connection, or a mismatch when the client hangs up instead of opening it. */
  async #connection(step: ScriptStep): Promise<ByteStream> {
    const data = await Promise.race([this.#data, this.#control.end()]);
    if (!data) throw new ScriptMismatch(step, "no data connection: the client hung up");
    return data;
  }

  /** Listens for one data connection, and writes its address into the line. */
  async #address(line: Buffer): Promise<Buffer> {
    const { host } = this.#options;
    this.#listener?.close();
    const server = createServer({ allowHalfOpen: true });
    this.#listener = server;
    this.#data = new Promise((resolve) => {
      server.once("connection", (socket) => {
        server.close();
        this.#sockets.add(socket.once("close", () => this.#sockets.delete(socket)));
        resolve(new ByteStream(socket));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, host, resolve));
    const address = server.address();
    const port = typeof address === "object" && address ? address.port : 0;
    const forms = {
      port: String(port),
      epsv: `|||${port}|`,
      pasv: `${host.replaceAll(".", ",")},${port >> 8},${port & 255}`,
    };
    const text = line.toString("latin1").replace(PLACEHOLDER, (_all, form: keyof typeof forms) => forms[form]);
    return Buffer.from(text, "latin1");
  }
}

function expectBytes(step: ScriptStep, got: Buffer, wanted: Buffer): void {
  if (!got.equals(wanted)) throw new ScriptMismatch(step, shown(got.toString("latin1")));
}

function shown(text: string): string {
  const visible = text.replace(/[\0-\x1f\x7f]/g, (character) => JSON.stringify(character).slice(1, -1));
  return visible.length > 300 ? `${visible.slice(0, 300)}… (${text.length} bytes)` : visible;
}
