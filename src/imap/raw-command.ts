/** Commands that are not sent raw, as their answers change the connection. No I/O. */
import { UsageError } from "../client/errors.js";

/** Commands that `request()` leaves to a method, and which one. */
const NOT_RAW: Readonly<Record<string, string>> = {
  LOGIN: "login()",
  AUTHENTICATE: "login()",
  UNAUTHENTICATE: "another client",
  STARTTLS: "the option security",
  ENABLE: "enable()",
  COMPRESS: "the option compress",
  SELECT: "select()",
  EXAMINE: "examine()",
  CLOSE: "closeMailbox()",
  UNSELECT: "unselect()",
  APPEND: "append()",
  IDLE: "idle()",
  LOGOUT: "quit()",
};

/** Throws UsageError for what is no command, and for one that a method has to send. */
export function checkRaw(command: string): void {
  const verb = /^\s*([a-z0-9-]+)/i.exec(command)?.[1]?.toUpperCase() ?? "";
  if (verb === "" || /^\s*UID\s*$/i.test(command)) {
    throw new UsageError(`${JSON.stringify(command)} is no command`, { protocol: "imap" });
  }
  if (Object.hasOwn(NOT_RAW, verb)) {
    throw new UsageError(`${verb} is not sent raw`, { advice: `use ${NOT_RAW[verb]}`, protocol: "imap" });
  }
}
