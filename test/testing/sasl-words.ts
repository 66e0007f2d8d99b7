/** SASL responses for tests of servers, worked out step by step from the RFCs. */
import { createHash, createHmac, pbkdf2Sync } from "node:crypto";

export const base64 = (text: string) => Buffer.from(text, "utf8").toString("base64");
export const text = (word: string) => Buffer.from(word, "base64").toString("utf8");

/** A client's side of SCRAM, with what a test wants to be wrong about it. */
export class ScramWords {
  readonly first: string;
  readonly #hash: "sha1" | "sha256";
  readonly #header: string;
  readonly #binding: Buffer;
  #signature = "";

  constructor(hash: "sha1" | "sha256", user: string, header = "n,,", binding: Buffer = Buffer.alloc(0)) {
    this.#hash = hash;
    this.#header = header;
    this.#binding = binding;
    this.first = base64(`${header}n=${user},r=clientnonce`);
  }

  /** The final message, for the server's first (both in base64). */
  final(user: string, password: string, challenge: string): string {
    const serverFirst = text(challenge);
    const [, nonce = "", salt = "", rounds = ""] = /^r=(.*),s=(.*),i=(\d+)$/.exec(serverFirst) ?? [];
    const length = this.#hash === "sha1" ? 20 : 32;
    const salted = pbkdf2Sync(password, Buffer.from(salt, "base64"), Number(rounds), length, this.#hash);
    const channel = Buffer.concat([Buffer.from(this.#header), this.#binding]).toString("base64");
    const bare = `c=${channel},r=${nonce}`;
    const signed = `n=${user},r=clientnonce,${serverFirst},${bare}`;
    const clientKey = this.#mac(salted, "Client Key");
    const proof = this.#mac(createHash(this.#hash).update(clientKey).digest(), signed);
    for (const [at, byte] of clientKey.entries()) proof[at] = (proof[at] ?? 0) ^ byte;
    this.#signature = this.#mac(this.#mac(salted, "Server Key"), signed).toString("base64");
    return base64(`${bare},p=${proof.toString("base64")}`);
  }

  /** Whether the server's last word proves that it knows the password. */
  proves(last: string): boolean {
    return text(last) === `v=${this.#signature}`;
  }

  #mac(key: Buffer, what: string): Buffer {
    return createHmac(this.#hash, key).update(what).digest();
  }
}
