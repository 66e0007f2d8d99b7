/** Addresses that every live mail transfer agent treats alike, and what it says to them. */

/** All users have mail here: alice@polywire.example. */
export const DOMAIN = "polywire.example";
/** Every address here is taken, whatever its local part; `delivered("catchall")` has the mail. */
export const CATCH_ALL = "catchall.example";

/** Answered to RCPT with the code shown, on all ports, logged in or not. */
export const RCPT_ANSWERS = {
  [`rejected@${DOMAIN}`]: "550 5.7.1 not wanted here",
  [`full@${DOMAIN}`]: "552 5.2.2 mailbox is full",
  [`later@${DOMAIN}`]: "450 4.2.1 try again later",
} as const;

/** Answered 450 4.7.1 for the first time, taken when it is tried again. */
export const GREYLISTED = `grey@${DOMAIN}`;

/** A message with this subject is refused behind its data, with 550. */
export const REFUSED_SUBJECT = "refuse this message";
