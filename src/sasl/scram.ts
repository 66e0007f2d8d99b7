/** SCRAM: both sides prove that they know the password, and neither says it (RFC 5802, RFC 7677). No I/O. */
import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";
import { ProtocolError } from "../client/errors.js";
import type { Mechanism, MechanismName, MechanismRefusal, MechanismSetup } from "./mechanism.js";
import { prepare } from "./saslprep.js";
import { escapeName, parseServerError, parseServerFinal, parseServerFirst } from "./scram-message.js";

/** The names of SCRAM. */
export type ScramName = Extract<MechanismName, `SCRAM-${string}`>;

const derive = promisify(pbkdf2);
const COMMA = Buffer.from(",");

/** One login by SCRAM. */
export class Scram implements Mechanism {
  readonly name: ScramName;
  readonly initial: Buffer;
  readonly #hash: "sha1" | "sha256";
  readonly #password: Buffer;
  readonly #nonce: string;
  /** The header that tells about channel binding, and what it binds to: the server checks both (RFC 5802 §6). */
  readonly #channel: Buffer;
  /** The first message without that header. */
  readonly #bare: Buffer;
  #state: "first" | "proof" | "over" = "first";
  /** What the server must say to prove itself. */
  #signature: Buffer | undefined;
  #verified = false;
  #refusal: MechanismRefusal | undefined;

  /** `nonce`: what makes this login unlike any other. Default: 24 random characters. */
  constructor(name: ScramName, setup: MechanismSetup, nonce = randomBytes(18).toString("base64")) {
    const { user = "", password = "", authzid } = setup.credentials;
    const actFor = authzid === undefined ? Buffer.alloc(0) : field("a=", authzid);
    const header = Buffer.concat([Buffer.from(`${bindingFlag(name, setup)},`), actFor, COMMA]);
    this.name = name;
    this.#hash = name.startsWith("SCRAM-SHA-256") ? "sha256" : "sha1";
    this.#password = prepare(password);
    this.#nonce = nonce;
    this.#bare = Buffer.concat([field("n=", user), Buffer.from(`,r=${nonce}`)]);
    this.initial = Buffer.concat([header, this.#bare]);
    const bound = name.endsWith("-PLUS") ? setup.binding?.data : undefined;
    this.#channel = Buffer.concat([header, bound ?? Buffer.alloc(0)]);
  }

  get refusal(): MechanismRefusal | undefined {
    return this.#refusal;
  }

  async respond(challenge: Buffer): Promise<Buffer> {
    const state = this.#state;
    if (state === "over") throw new ProtocolError(`the server asks for more than ${this.name} has to say`);
    this.#state = state === "first" ? "proof" : "over";
    // The refusal itself comes behind the answer to it, which is empty.
    this.#refusal = parseServerError(challenge, this.name);
    if (this.#refusal) this.#state = "over";
    else if (state === "first") return this.#prove(challenge);
    else this.#verify(challenge);
    return Buffer.alloc(0);
  }

  finish(data: Buffer | undefined): void {
    if (!this.#verified && data !== undefined && this.#state === "proof") this.#verify(data);
    if (!this.#verified)
      throw new ProtocolError(`the server agreed to ${this.name} without proving that it knows the password`);
  }

  /** `c=…,r=…,p=…` (RFC 5802 §3). */
  async #prove(first: Buffer): Promise<Buffer> {
    const { nonce, salt, rounds } = parseServerFirst(first, this.#nonce, this.name);
    const length = this.#hash === "sha256" ? 32 : 20;
    const salted = await derive(this.#password, salt, rounds, length, this.#hash);
    const clientKey = this.#hmac(salted, "Client Key");
    const last = Buffer.from(`c=${this.#channel.toString("base64")},r=${nonce}`);
    const everything = Buffer.concat([this.#bare, COMMA, first, COMMA, last]);
    const proof = this.#hmac(createHash(this.#hash).update(clientKey).digest(), everything);
    for (const [at, byte] of clientKey.entries()) proof[at]! ^= byte;
    this.#signature = this.#hmac(this.#hmac(salted, "Server Key"), everything);
    return Buffer.concat([last, Buffer.from(`,p=${proof.toString("base64")}`)]);
  }

  #verify(final: Buffer): void {
    const given = parseServerFinal(final, this.name);
    const wanted = this.#signature as Buffer;
    if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) {
      throw new ProtocolError(`the server's signature in ${this.name} is wrong: it does not know the password`);
    }
    this.#verified = true;
  }

  #hmac(key: Buffer, text: Buffer | string): Buffer {
    return createHmac(this.#hash, key).update(text).digest();
  }
}

/** `p=…`: bound to TLS. `y`: could be, but the server cannot, or somebody made it look so. `n`: not (RFC 5802 §6). */
function bindingFlag(name: ScramName, { binding, couldBind }: MechanismSetup): string {
  if (name.endsWith("-PLUS") && binding) return `p=${binding.type}`;
  return couldBind ? "y" : "n";
}

/** A name in its field; escaped behind SASLprep, which may make a comma of another character. */
function field(key: "a=" | "n=", name: string): Buffer {
  return Buffer.from(key + escapeName(prepare(name).toString("latin1")), "latin1");
}
