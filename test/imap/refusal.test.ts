/** Refusals: every response code has its meaning, and every meaning its error. */
import { describe, expect, test } from "vitest";
import { LoginError, ReplyError } from "../../src/client/errors.js";
import { MEANINGS, meaningOf } from "../../src/imap/meanings.js";
import { refusal } from "../../src/imap/refusal.js";
import { responseOf } from "./reading.js";

/** The codes that RFCs define (IANA's registry of IMAP response codes), and those of the wild. */
const DEFINED: Readonly<Record<string, string>> = {
  "RFC 9051":
    "ALERT ALREADYEXISTS APPENDUID AUTHENTICATIONFAILED AUTHORIZATIONFAILED BADCHARSET CANNOT CAPABILITY CLIENTBUG CLOSED CONTACTADMIN COPYUID CORRUPTION EXPIRED EXPUNGEISSUED HASCHILDREN INUSE LIMIT NONEXISTENT NOPERM OVERQUOTA PARSE PERMANENTFLAGS PRIVACYREQUIRED READ-ONLY READ-WRITE SERVERBUG TRYCREATE UIDNEXT UIDNOTSTICKY UIDVALIDITY UNAVAILABLE UNKNOWN-CTE",
  "RFC 3501": "NEWNAME UNSEEN",
  "RFC 2221": "REFERRAL",
  "RFC 4467, 4469": "BADURL TOOBIG URLMECH",
  "RFC 4978": "COMPRESSIONACTIVE",
  "RFC 5182": "NOTSAVED",
  "RFC 5255, 5257, 5259": "BADCOMPARATOR ANNOTATE ANNOTATIONS TEMPFAIL MAXCONVERTMESSAGES MAXCONVERTPARTS",
  "RFC 5267": "NOUPDATE",
  "RFC 5464 to 5466": "METADATA BADEVENT NOTIFICATIONOVERFLOW UNDEFINED-FILTER",
  "RFC 6154": "USEATTR",
  "RFC 7162": "HIGHESTMODSEQ MODIFIED NOMODSEQ",
  "RFC 8474": "MAILBOXID",
  "RFC 9585, 9586, 9738": "INPROGRESS UIDREQUIRED MESSAGELIMIT SAVELIMIT",
  "the wild": "IN-USE THROTTLED WEBALERT",
};

test("every code that is defined has a meaning, and no other has", () => {
  const defined = Object.values(DEFINED).flatMap((codes) => codes.split(" "));
  expect(Object.keys(MEANINGS).sort()).toEqual(defined.sort());
});

describe("the error", () => {
  const given = (line: string, command = "SELECT x") => refusal(responseOf(`A1 ${line}`), command);

  test.each(Object.keys(MEANINGS))("of %s says what to do, where the code is about a refusal", (code) => {
    const meaning = meaningOf(code);
    const error = given(`NO [${code}] said`);
    expect(error).toBeInstanceOf(ReplyError);
    expect(error).toMatchObject({ code: "NO", enhanced: code, transient: meaning?.transient ?? false });
    expect(error).toMatchObject({ retryable: meaning?.transient ?? false, clientUsable: true });
    expect(error.message).toContain(`[${code}] said${meaning === undefined ? "" : ` (${meaning.advice})`}`);
  });

  test.each(Object.keys(MEANINGS))("of a login with %s is about the credentials only where the code is", (code) => {
    const meaning = meaningOf(code);
    const isLogin = meaning === undefined || meaning.credentials === true;
    expect(given(`NO [${code}] said`, "AUTHENTICATE PLAIN ***") instanceof LoginError).toBe(isLogin);
  });

  test.each(["XNEW", "__proto__", "toString"])("of %s, which nobody has defined, has the server's words", (code) => {
    const error = given(`NO [${code}] said`);
    expect(error).toMatchObject({ enhanced: code.toUpperCase(), transient: false });
    expect(error.message).toContain("said");
  });
});
