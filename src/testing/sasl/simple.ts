/** The mechanisms of one or two messages: PLAIN, LOGIN, CRAM-MD5, EXTERNAL, ANONYMOUS, on the server's side. Pure but for the clock. */
import { createHmac, randomInt } from "node:crypto";
import { authorized, type Dialogue, malformed, NOTHING, type SaslSurroundings, wrongCredentials } from "./mechanism.js";

/** RFC 4616. */
export function* plain(around: SaslSurroundings, initial: Buffer | undefined): Dialogue {
  const parts = (initial ?? (yield NOTHING)).toString("utf8").split("\0");
  const [as = "", name = "", password = ""] = parts;
  if (parts.length !== 3 || name === "" || password === "") malformed("PLAIN is [authzid] NUL authcid NUL password");
  check(around, name, password);
  return { user: authorized(around, name, as) };
}

/** Never a standard; as Microsoft and everyone after them spell it. A response that comes early is the name. */
export function* login(around: SaslSurroundings, initial: Buffer | undefined): Dialogue {
  const name = (initial ?? (yield Buffer.from("Username:"))).toString("utf8");
  const password = (yield Buffer.from("Password:")).toString("utf8");
  check(around, name, password);
  return { user: name };
}

/** RFC 2195: no initial response. */
export function* cramMd5(around: SaslSurroundings, initial: Buffer | undefined): Dialogue {
  if (initial) malformed("CRAM-MD5 has no initial response");
  const challenge = Buffer.from(`<${randomInt(1e9)}.${Date.now()}@${around.host}>`);
  const response = (yield challenge).toString("utf8");
  const blank = response.lastIndexOf(" ");
  const name = response.slice(0, Math.max(0, blank));
  const digest = response.slice(blank + 1);
  if (blank < 1 || !/^[0-9a-f]{32}$/.test(digest)) malformed("CRAM-MD5 answers with a name, a blank and a digest");
  const password = around.find(name)?.password;
  if (password === undefined) wrongCredentials();
  if (createHmac("md5", password).update(challenge).digest("hex") !== digest) wrongCredentials();
  return { user: name };
}

/** RFC 4422 appendix A: the name is that of the client's certificate. */
export function* external(around: SaslSurroundings, initial: Buffer | undefined): Dialogue {
  const as = (initial ?? (yield NOTHING)).toString("utf8");
  if (as.includes("\0")) malformed("NUL in an authorization identity");
  const name = around.certificateName;
  if (name === undefined || !around.find(name)) wrongCredentials();
  return { user: authorized(around, name, as) };
}

/** RFC 4505: whoever it is; what is sent is a trace of them, 255 characters at most. */
export function* anonymous(_around: SaslSurroundings, initial: Buffer | undefined): Dialogue {
  const trace = (initial ?? (yield NOTHING)).toString("utf8");
  if (trace.length > 255) malformed("The trace is too long");
  return { user: "anonymous" };
}

function check(around: SaslSurroundings, name: string, password: string): void {
  const expected = around.find(name)?.password;
  if (expected === undefined || expected.normalize("NFKC") !== password.normalize("NFKC")) wrongCredentials();
}
