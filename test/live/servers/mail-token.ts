/** OAuth 2 tokens for live servers: JWTs signed with a key that the test bed shares with the server (RFC 7519, HS256). */
import { createHmac, randomBytes } from "node:crypto";

const base64url = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");

export const newKey = (): Buffer => randomBytes(32);

/** A token for `user`, good for an hour from now; with `expired`, up to an hour ago. */
export function signToken(key: Buffer, user: string, { expired = false }: { expired?: boolean } = {}): string {
  const now = Math.floor(Date.now() / 1000);
  const [from, to] = expired ? [now - 7200, now - 3600] : [now - 60, now + 3600];
  const claims = { sub: user, iat: from, nbf: from, exp: to, iss: "polywire.example", scope: "mail" };
  const text = `${base64url({ alg: "HS256", typ: "JWT" })}.${base64url(claims)}`;
  return `${text}.${createHmac("sha256", key).update(text).digest("base64url")}`;
}
