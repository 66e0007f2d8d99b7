/** Words by which servers refuse a mechanism, and not the password, where the protocol has no code that tells. No I/O. */

/** They do not know a mechanism, or the command, or take no initial response. */
const OTHER_WAY: readonly RegExp[] = [
  /\b(?:un(?:known|recogni[sz]ed|supported|implemented)|invalid|bad|illegal|no(?: such)?)\b.{0,16}\b(?:mechanism|command|auth\w* (?:type|method|scheme))\b/i,
  /\bun(?:known|recogni[sz]ed|supported|implemented)\b.{0,16}\b(?:auth|apop|sasl)\b/i,
  /\b(?:mechanism|command|sasl|apop|auth|auth\w* (?:type|method|scheme)|initial[- ]response)\b.{0,24}\b(?:not (?:known|recogni[sz]ed|supported|implemented|enabled|available|allowed|valid)|un(?:known|recogni[sz]ed|supported|implemented|available))\b/i,
  /^\W*(?:not (?:supported|implemented)|unsupported|unimplemented)\W*$/i,
  /\bsyntax error\b|\b(?:too (?:many|few)|wrong number of|missing|unexpected) (?:arguments?|parameters?)\b/i,
];
/** Words about who logs in: a refusal with one of these is never taken for one of the way. */
const WHO =
  /\b(?:user|username|userid|password|passphrase|passwd|credentials?|account|mailbox|maildrop|identity|token)s?\b/i;

/**
 * True for words of a refusal behind which another way to log in may do. In doubt false: what comes next may show the
 * password to more than the one before it.
 *
 * @param text What the server says behind its code.
 */
export function refusesMechanism(text: string): boolean {
  return OTHER_WAY.some((pattern) => pattern.test(text)) && !WHO.test(text);
}
