/** What could not be done for one message, while the job went on. */
import { PolywireError } from "../../client/errors.js";
import type { ListedMail } from "./plan.js";

/** A message that could not be fetched, or not be deleted. */
export interface MailFailure {
  readonly uid: string;
  /** POP3: its number in that session. IMAP: its UID. */
  readonly number: number;
  readonly error: PolywireError;
}

/** No bytes came of a message that has some, as the server says. */
export class NothingCame extends PolywireError {
  constructor() {
    super("the server gives nothing of this message, and says that there is something of it");
  }
}

/** By what a failure is kept: of each message the last one counts. */
export function failureOf({ uid, id, number }: ListedMail): string {
  return uid === "" ? `\0${number}` : id;
}

/** Why a message without a unique id, or a number, is not fetched. */
export function nameless(): PolywireError {
  return new PolywireError(
    "the server gives this message no unique id, or no number: it would be fetched again each time",
  );
}
