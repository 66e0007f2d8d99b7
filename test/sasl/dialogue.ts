/** What the tests of SASL talk to: a written dialogue in place of a protocol, and a server of SCRAM of its own. */
import { createHash, createHmac, pbkdf2Sync, randomBytes } from "node:crypto";
import { LoginError } from "../../src/client/errors.js";
import type { Reply } from "../../src/client/session.js";
import type { SaslContext, SaslStep, SaslWire } from "../../src/sasl/authenticate.js";
import type { MechanismSetup } from "../../src/sasl/mechanism.js";

export const base64 = (text: string): string => Buffer.from(text).toString("base64");

export const ALICE = { user: "alice", password: "s3cret" };

/** What a mechanism is made of, for alice, without TLS. */
export function setupOf(given: Partial<MechanismSetup> = {}): MechanismSetup {
  return { credentials: ALICE, token: undefined, host: "h", port: 1, binding: undefined, couldBind: false, ...given };
}

/** A login of alice's over TLS to a server that offers nothing, unless told otherwise. */
export function contextOf(given: Partial<SaslContext> = {}): SaslContext {
  return {
    credentials: ALICE,
    offered: [],
    mechanisms: undefined,
    secure: true,
    security: "tls",
    service: "imap",
    host: "mail.example",
    port: 993,
    clientCertificate: false,
    ...given,
  };
}

const reply = (code: string, text = ""): Reply => ({ ok: code === "OK", code, text, lines: [`${code} ${text}`] });

export const challenge = (data: string): SaslStep => ({ kind: "challenge", data });
export const done = (data?: string): SaslStep => ({ kind: "done", reply: reply("OK"), data });
export const refused = (mechanism: boolean, code = "NO", text = ""): SaslStep => {
  const error = new LoginError("the login was refused", { command: "AUTH ***", code, transient: false });
  return { kind: "refused", reply: reply(code, text), mechanism, error };
};

/** A protocol that answers each line by a function; `said` has what was sent, `hidden` what it was told to hide. */
export class TestWire implements SaslWire {
  readonly said: string[] = [];
  readonly hidden: string[] = [];
  readonly longestInitial: number;
  readonly #server: (line: string) => SaslStep;

  constructor(server: (line: string) => SaslStep, longestInitial = 1000) {
    this.#server = server;
    this.longestInitial = longestInitial;
  }

  begin(name: string, initial: string | undefined): Promise<SaslStep> {
    return this.#say(initial === undefined ? `AUTH ${name}` : `AUTH ${name} ${initial}`);
  }

  answer(line: string): Promise<SaslStep> {
    return this.#say(line);
  }

  cancel(): Promise<SaslStep> {
    return this.#say("*");
  }

  hide(secret: string | undefined): void {
    if (secret) this.hidden.push(secret);
  }

  async #say(line: string): Promise<SaslStep> {
    this.said.push(line);
    return this.#server(line);
  }
}

/** A wire whose server says these steps in turn, whatever it hears. */
export function scripted(...steps: SaslStep[]): TestWire {
  return new TestWire(() => steps.shift() ?? refused(false, "OVER"));
}

/** What a server of SCRAM is told to do. */
export interface ScramServerOptions {
  hash: "sha1" | "sha256";
  user: string;
  password: string;
  authzid?: string;
  /** The header of the client's first message that it wants, e.g. `n`. */
  flag?: string;
  binding?: Buffer;
  rounds?: number;
}

/** The server's side of SCRAM (RFC 5802), written from the RFC and sharing nothing with the client. */
export class ScramServer {
  readonly #options: ScramServerOptions;
  readonly #salt = randomBytes(9);
  #bare = "";
  #header = "";
  #first = "";

  constructor(options: ScramServerOptions) {
    this.#options = options;
  }

  /** The client's first message → the server's; "e=…" where it is not what was wanted. */
  first(message: string): string {
    const { user, authzid, flag = "n", rounds = 4096 } = this.#options;
    const plain = (text: string) => text.replace(/=2C/g, ",").replace(/=3D/g, "=");
    const match = /^([^,]*),(?:a=([^,]*))?,(n=([^,]*),r=([^,]+))$/.exec(message);
    if (match?.[1] !== flag) return "e=channel-binding-not-supported";
    if (plain(match[4] as string) !== user) return "e=unknown-user";
    if ((match[2] === undefined ? undefined : plain(match[2])) !== authzid) return "e=other-error";
    this.#bare = match[3] as string;
    this.#header = message.slice(0, message.length - this.#bare.length);
    this.#first = `r=${match[5]}${randomBytes(6).toString("hex")},s=${this.#salt.toString("base64")},i=${rounds}`;
    return this.#first;
  }

  /** The client's last message → the server's. */
  last(message: string): string {
    const { hash, password, binding = Buffer.alloc(0), rounds = 4096 } = this.#options;
    const [, without = "", channel = "", proof = ""] = /^(c=([^,]+),r=[^,]+),p=(.+)$/.exec(message) ?? [];
    const wanted = Buffer.concat([Buffer.from(this.#header), binding]);
    if (channel !== wanted.toString("base64")) return "e=channel-bindings-dont-match";
    const hmac = (key: Buffer, text: string | Buffer) => createHmac(hash, key).update(text).digest();
    const salted = pbkdf2Sync(password, this.#salt, rounds, hash === "sha1" ? 20 : 32, hash);
    const everything = `${this.#bare},${this.#first},${without}`;
    const stored = createHash(hash).update(hmac(salted, "Client Key")).digest();
    const mask = hmac(stored, everything);
    const key = Buffer.from(proof, "base64").map((byte, at) => byte ^ (mask[at] as number));
    if (!createHash(hash).update(key).digest().equals(stored)) return "e=invalid-proof";
    return `v=${hmac(hmac(salted, "Server Key"), everything).toString("base64")}`;
  }
}
