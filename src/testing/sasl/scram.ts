/** SCRAM on the server's side (RFC 5802, RFC 7677), with channel binding for the -PLUS forms. */
import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from "node:crypto";
import {
  authorized,
  type Dialogue,
  type Mechanism,
  malformed,
  NOTHING,
  type SaslSurroundings,
  wrongCredentials,
} from "./mechanism.js";

/** A SCRAM with this hash; `plus`: bound to the TLS connection. */
export function scram(hash: "sha1" | "sha256", plus: boolean): Mechanism {
  return (around, initial) => run(hash, plus, around, initial);
}

function* run(hash: string, plus: boolean, around: SaslSurroundings, initial: Buffer | undefined): Dialogue {
  const first = parseFirst((initial ?? (yield NOTHING)).toString("utf8"));
  const bound = boundData(first.flag, plus, around);
  const password = around.find(first.name)?.password;
  const fault = around.scramFault;
  const salt = randomBytes(16);
  const nonce = `${fault === "nonce" ? "other" : first.nonce}${randomBytes(18).toString("base64")}`;
  const serverFirst = `r=${nonce},s=${salt.toString("base64")},i=${around.iterations}`;
  const final = parseFinal((yield Buffer.from(serverFirst)).toString("utf8"));
  if (final.nonce !== nonce) malformed("Another nonce came back");
  const binding = Buffer.concat([Buffer.from(first.header), bound]).toString("base64");
  if (final.binding !== binding) malformed("The channel binding does not fit");
  if (password === undefined) wrongCredentials();
  const salted = pbkdf2Sync(prepared(password), salt, around.iterations, hash === "sha1" ? 20 : 32, hash);
  const signed = `${first.bare},${serverFirst},${final.withoutProof}`;
  const mac = (key: Buffer, text: string) => createHmac(hash, key).update(text).digest();
  const clientKey = mac(salted, "Client Key");
  const storedKey = createHash(hash).update(clientKey).digest();
  const signature = mac(storedKey, signed);
  const proof = Buffer.from(clientKey.map((byte, at) => byte ^ (signature[at] ?? 0)));
  if (fault === "error") return { user: first.name, data: Buffer.from("e=other-error") };
  if (proof.length !== final.proof.length || !timingSafeEqual(proof, final.proof)) wrongCredentials();
  const user = authorized(around, first.name, first.as);
  if (fault === "no-signature") return { user };
  const server = mac(fault === "signature" ? randomBytes(32) : mac(salted, "Server Key"), signed);
  return { user, data: Buffer.from(`v=${server.toString("base64")}`) };
}

/** `n,a=…,n=…,r=…`: its parts; `header` is what channel binding repeats, `bare` what is signed. */
function parseFirst(text: string) {
  const parts = /^(n|y|p=[A-Za-z0-9.-]+),(?:a=([^,]+))?,(n=([^,]+),r=([!-+\x2d-~]+)(?:,.*)?)$/s.exec(text);
  if (!parts) malformed("Not a first message of SCRAM");
  const [, flag = "", as = "", bare = "", name = "", nonce = ""] = parts;
  return { flag, as: unescaped(as), bare, name: unescaped(name), nonce, header: text.slice(0, -bare.length) };
}

/** `c=…,r=…,p=…`. */
function parseFinal(text: string) {
  const parts = /^(c=([A-Za-z0-9+/=]+),r=([!-+\x2d-~]+)(?:,.*)?),p=([A-Za-z0-9+/=]+)$/s.exec(text);
  if (!parts) malformed("Not a final message of SCRAM");
  const [, withoutProof = "", binding = "", nonce = "", proof = ""] = parts;
  return { withoutProof, binding, nonce, proof: Buffer.from(proof, "base64") };
}

/** A name's `=2C` and `=3D`; any other `=` is an error (RFC 5802 5.1). */
function unescaped(name: string): string {
  if (/=(?!2C|3D)/.test(name)) malformed("A name with a lone =");
  return name.replace(/=2C/g, ",").replace(/=3D/g, "=");
}

/** What the client must have bound its login to (RFC 5802 6). */
function boundData(flag: string, plus: boolean, around: SaslSurroundings): Buffer {
  if (!flag.startsWith("p=")) {
    if (plus) malformed("A -PLUS mechanism without a channel binding");
    if (flag === "y" && around.plus) malformed("Someone has hidden the -PLUS mechanisms that were announced");
    return NOTHING;
  }
  if (!plus) malformed("A channel binding without a -PLUS mechanism");
  return around.binding(flag.slice(2)) ?? malformed(`No channel binding ${flag.slice(2)} here`);
}

/** SASLprep (RFC 4013), as far as it changes what is allowed: blanks, what is mapped to nothing, NFKC. */
function prepared(password: string): string {
  return password
    .replace(/[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000]/g, " ")
    .replace(/\u00ad|\u034f|\u1806|[\u180b-\u180d]|\u200c|\u200d|\u2060|[\ufe00-\ufe0f]|\ufeff/g, "")
    .normalize("NFKC");
}
