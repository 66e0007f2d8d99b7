/** Passwords in the arguments: hidden from `ps`, and from what is printed. It loads nothing, so it is done at once. */

/** `user:password@`, wherever it stands: hide too much rather than too little. */
const PASSWORD = /:[^@]*@/;

/** Overwrites the command line that `ps` shows, where it holds a URL with a password. */
export function hideArguments(argv: readonly string[] = process.argv): void {
  const given = argv.slice(2);
  if (!given.some((each) => PASSWORD.test(each))) return;
  const command = given.find((each) => /^[a-z]+$/.test(each)) ?? "";
  process.title = `polywire ${command} …`;
}

/** A text that may quote an argument, with `redact` applied to every one that holds a password. */
export function redactArguments(text: string, redact: (url: string) => string, argv = process.argv): string {
  let out = text;
  for (const each of argv.slice(2)) {
    if (PASSWORD.test(each)) out = out.replaceAll(each, redact(each));
    const value = /^--[a-z-]+=(.*)$/s.exec(each)?.[1];
    if (value !== undefined && PASSWORD.test(value)) out = out.replaceAll(value, redact(value));
  }
  return out;
}
