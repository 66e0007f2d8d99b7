/** Who has mail on every live mail server and transfer agent. */

/** Users whom each server has besides "polywire", and their passwords; the odd ones where the table says so. */
export const MAIL_USERS: Readonly<Record<string, string>> = { alice: "alice's", bob: "bob's" };
export const ODD_USERS: Readonly<Record<string, string>> = {
  'say "hi" there': 'pass "word" with: spaces, \\ and ü',
  "o'brien": "a'b",
  "back\\slash": "c\\d",
  jörg: "größe",
};

/** Dovecot only: a login with the password "broken's" is answered [SYS/TEMP]. */
export const BROKEN_USER = "broken";
