/** Which commands may follow each other without waiting (RFC 3501 5.5, RFC 9051 5.5). Pure. */

/** They use message numbers. */
const NUMBERED = new Set(["FETCH", "STORE", "SEARCH", "COPY", "MOVE", "SORT", "THREAD"]);
/** During these, numbers stay: EXPUNGE is forbidden, or no mailbox is open that could have it. */
const STEADY = new Set(["FETCH", "STORE", "SEARCH", "SORT", "THREAD", "SELECT", "EXAMINE", "LOGIN", "AUTHENTICATE"]);

/** Whether numbers may change while this command is done. */
function mayExpunge(name: string): boolean {
  return !STEADY.has(name);
}

/** Whether a command's numbers may mean other messages than the client thinks, as these are not answered yet. */
export function isAmbiguous(name: string, outstanding: readonly string[]): boolean {
  return NUMBERED.has(name) && outstanding.some(mayExpunge);
}
