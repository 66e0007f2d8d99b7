/** The exit codes: one table, for the process, `--help` and the documentation. */

/** Each code by what it stands for. From 64 on they are those of BSD's sysexits.h. */
export const EXIT = {
  done: 0,
  refused: 1,
  stopped: 2,
  usage: 64,
  protocol: 65,
  recipients: 67,
  connection: 69,
  bug: 70,
  local: 74,
  busy: 75,
  tls: 76,
  login: 77,
} as const;

/** What each code means. */
export const EXIT_CODES: readonly (readonly [code: number, meaning: string])[] = [
  [EXIT.done, "all done"],
  [EXIT.refused, "the server refused, or some files, newsgroups or messages failed"],
  [EXIT.stopped, "stopped part way (a signal, a full disk, a server that stayed away): run it again to go on"],
  [EXIT.usage, "wrong usage: a bad URL, option or name; nothing was sent"],
  [EXIT.protocol, "the server does not speak the protocol, or breaks it"],
  [EXIT.recipients, "recipients of a message were refused: some, or all of them"],
  [EXIT.connection, "no connection: unknown host, refused port, time-out"],
  [EXIT.bug, "a bug in polywire: please report it, with --debug"],
  [EXIT.local, "a local file could not be read or written"],
  [EXIT.busy, "another run of the same job is at work: nothing was done"],
  [EXIT.tls, "TLS failed, or the certificate was refused"],
  [EXIT.login, "the login was refused"],
];

/** From the class of an error to its code. */
const BY_NAME: Readonly<Record<string, number>> = {
  UsageError: EXIT.usage,
  JournalInUseError: EXIT.busy,
  ReplyError: EXIT.refused,
  LoginError: EXIT.login,
  SendError: EXIT.refused,
  // Not from a command: nodemailer's callers get it.
  TransportError: EXIT.refused,
  // Not from a command, either: a move goes on without.
  FxpError: EXIT.refused,
  SinkError: EXIT.local,
  ProtocolError: EXIT.protocol,
  ConnectionError: EXIT.connection,
  TimeoutError: EXIT.connection,
  TlsError: EXIT.tls,
  AbortedError: EXIT.stopped,
};

/** The code for an error. */
export function exitCodeOf(error: unknown): number {
  const { name = "", syscall } = error as { name?: string; syscall?: string };
  if (Object.hasOwn(BY_NAME, name)) return BY_NAME[name] as number;
  // An error of Node's own with a system call: a file named by an option.
  return syscall === undefined ? EXIT.bug : EXIT.local;
}

/** The table as `--help` shows it. */
export function exitCodesText(): string {
  return EXIT_CODES.map(([code, meaning]) => `  ${String(code).padStart(2)}  ${meaning}`).join("\n");
}
