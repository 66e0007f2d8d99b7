/** CRAM-MD5: the password proves itself by a digest of the server's challenge (RFC 2195). No I/O. */
import { createHmac } from "node:crypto";
import { ProtocolError } from "../client/errors.js";
import { encodeText } from "../wire/text.js";
import type { Mechanism, MechanismSetup } from "./mechanism.js";

/** One digest for one challenge. */
export function cramMd5({ credentials }: MechanismSetup): Mechanism {
  const { user = "", password = "" } = credentials;
  let asked = false;
  return {
    name: "CRAM-MD5",
    initial: undefined,
    respond(challenge) {
      if (asked) throw new ProtocolError("the server asks for more than CRAM-MD5 has to say");
      // The digest of nothing is good for every login to come.
      if (challenge.length === 0) throw new ProtocolError("the challenge to CRAM-MD5 is empty");
      asked = true;
      return encodeText(`${user} ${createHmac("md5", encodeText(password)).update(challenge).digest("hex")}`);
    },
    finish() {},
  };
}
