/** The parameters of MAIL and RCPT: which extension each belongs to, and what its value looks like. Pure. */

interface Parameter {
  /** The EHLO keyword that announces it. */
  extension: string | ((value: string) => string);
  /** What a value looks like; undefined: it has none. */
  value: RegExp | undefined;
}

const XTEXT = "(?:[!-*,-<>-~]|\\+[0-9A-F]{2})*";
const NOTICE = "(?:SUCCESS|FAILURE|DELAY)";

const MAIL: Record<string, Parameter> = {
  SIZE: { extension: "SIZE", value: /^\d{1,20}$/ }, // RFC 1870
  BODY: {
    // RFC 6152, RFC 3030
    extension: (value) => (value.toUpperCase() === "BINARYMIME" ? "BINARYMIME" : "8BITMIME"),
    value: /^(?:7BIT|8BITMIME|BINARYMIME)$/i,
  },
  SMTPUTF8: { extension: "SMTPUTF8", value: undefined }, // RFC 6531
  RET: { extension: "DSN", value: /^(?:FULL|HDRS)$/i }, // RFC 3461
  ENVID: { extension: "DSN", value: new RegExp(`^(?=.{1,100}$)${XTEXT}$`) },
  AUTH: { extension: "AUTH", value: new RegExp(`^(?:<>|${XTEXT})$`) }, // RFC 4954 5
  REQUIRETLS: { extension: "REQUIRETLS", value: undefined }, // RFC 8689
  BY: { extension: "DELIVERBY", value: /^[+-]?\d{1,9};[NR]T?$/i }, // RFC 2852
  "MT-PRIORITY": { extension: "MT-PRIORITY", value: /^-?[0-9]$/ }, // RFC 6710
  HOLDFOR: { extension: "FUTURERELEASE", value: /^[1-9]\d{0,8}$/ }, // RFC 4865
  HOLDUNTIL: { extension: "FUTURERELEASE", value: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d)$/ },
};

const RCPT: Record<string, Parameter> = {
  NOTIFY: { extension: "DSN", value: new RegExp(`^(?:NEVER|${NOTICE}(?:,${NOTICE})*)$`, "i") },
  ORCPT: { extension: "DSN", value: new RegExp(`^(?:utf-8;\\S+|[A-Za-z0-9-]+;${XTEXT})$`, "i") },
};

/** What is wrong with these parameters: of an extension that was not announced, unknown, or with a bad value. */
export function wrongParameter(
  verb: "MAIL" | "RCPT",
  params: Record<string, string | true>,
  announced: ReadonlySet<string>,
): string | undefined {
  const table = verb === "MAIL" ? MAIL : RCPT;
  for (const [name, value] of Object.entries(params)) {
    const parameter = Object.hasOwn(table, name) ? table[name] : undefined;
    if (!parameter) return `${name} is not a parameter of ${verb}`;
    const { extension } = parameter;
    const needed = typeof extension === "string" ? extension : extension(String(value));
    if (!announced.has(needed)) return `${name} was not announced (${needed})`;
    const fits = parameter.value ? typeof value === "string" && parameter.value.test(value) : value === true;
    if (!fits) return `${name} has a wrong value`;
  }
  return undefined;
}
