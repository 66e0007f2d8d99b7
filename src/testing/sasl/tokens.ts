/** The mechanisms of OAuth 2 tokens: XOAUTH2 as Google defined it, OAUTHBEARER (RFC 7628), on the server's side. Pure. */
import { authorized, type Dialogue, malformed, NOTHING, type SaslSurroundings, wrongCredentials } from "./mechanism.js";

/** `user=` name ^A `auth=Bearer` token ^A ^A. A refusal is a challenge in JSON, which the client answers with nothing. */
export function* xoauth2(around: SaslSurroundings, initial: Buffer | undefined): Dialogue {
  const text = (initial ?? (yield NOTHING)).toString("utf8");
  const [, name, token] = /^user=([^\x01]*)\x01auth=Bearer ([^\x01]*)\x01\x01$/i.exec(text) ?? [];
  if (name === undefined || token === undefined) malformed("XOAUTH2 is user=…^Aauth=Bearer …^A^A");
  if (!fits(around, name, token)) {
    yield Buffer.from(JSON.stringify({ status: "401", schemes: "bearer", scope: "mail" }));
    wrongCredentials();
  }
  return { user: name };
}

/** `n,a=` name `,` ^A `host=` … ^A `port=` … ^A `auth=Bearer` token ^A ^A; a refusal is answered with ^A (RFC 7628 3.2.3). */
export function* oauthBearer(around: SaslSurroundings, initial: Buffer | undefined): Dialogue {
  const text = (initial ?? (yield NOTHING)).toString("utf8");
  const [, saslname = "", pairs] = /^n,(?:a=([^,]*))?,\x01((?:[A-Za-z]+=[^\x01]*\x01)*)\x01$/.exec(text) ?? [];
  if (pairs === undefined) malformed("OAUTHBEARER is n,a=…,^Aauth=Bearer …^A^A");
  const token = /(?:^|\x01)auth=Bearer ([^\x01]*)/i.exec(pairs)?.[1];
  if (token === undefined) malformed("OAUTHBEARER without a token");
  const name = saslname.replace(/=2C/g, ",").replace(/=3D/g, "=");
  if (!fits(around, name, token)) {
    const response = yield Buffer.from(JSON.stringify({ status: "invalid_token", scope: "mail" }));
    if (!response.equals(Buffer.from([1]))) malformed("A refused OAUTHBEARER is answered with ^A");
    wrongCredentials();
  }
  return { user: authorized(around, name, "") };
}

function fits(around: SaslSurroundings, name: string, token: string): boolean {
  const expected = around.find(name)?.token;
  return expected !== undefined && expected === token;
}
