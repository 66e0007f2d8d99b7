/** Which mechanisms may be used, and in which order: rules as a table. No I/O. */
import { PolywireError, UsageError } from "../client/errors.js";
import type { SaslContext } from "./authenticate.js";
import { cramMd5 } from "./cram-md5.js";
import { MECHANISM_NAMES, type Mechanism, type MechanismName, type MechanismSetup } from "./mechanism.js";
import { oauthBearer, xoauth2 } from "./oauth.js";
import { anonymous, external, login, plain } from "./plain.js";
import { Scram, type ScramName } from "./scram.js";

/** A mechanism that can be run. */
export interface MechanismChoice {
  readonly name: MechanismName;
  /** Makes one run of it. `hide` is told the token, where one is asked for. */
  start(hide?: (token: string) => void): Promise<Mechanism>;
}

/** Says why a mechanism cannot be used; undefined where it can. */
type Need = (context: SaslContext) => string | undefined;

const user: Need = ({ credentials }) => (credentials.user ? undefined : "there is no user name");
const password: Need = ({ credentials }) => (credentials.password === undefined ? "there is no password" : undefined);
const token: Need = ({ credentials }) => (credentials.token === undefined ? "there is no token" : undefined);
const encrypted: Need = ({ secure, security }) =>
  secure || security === "plain" ? undefined : "it would send the secret in the clear";
const binding: Need = ({ binding }) => (binding ? undefined : "there is no TLS that it could be tied to");
/** What was listed by the caller needs no further reason. */
const certificate: Need = ({ credentials, clientCertificate, mechanisms }) => {
  if (mechanisms) return undefined;
  if (!clientCertificate) return "there is no client certificate";
  return credentials.password === undefined ? undefined : "there is a password";
};
const nobody: Need = ({ credentials, mechanisms }) =>
  mechanisms || (credentials.user === "anonymous" && !credentials.password) ? undefined : "it was not asked for";

/** What makes a mechanism, and what it needs. */
interface Rule {
  readonly needs: readonly Need[];
  readonly make: (setup: MechanismSetup) => Mechanism;
}

const scram = (name: ScramName, ...needs: readonly Need[]): Rule => ({
  needs: [user, password, ...needs],
  make: (setup) => new Scram(name, setup),
});

const RULES: Readonly<Record<MechanismName, Rule>> = {
  OAUTHBEARER: { needs: [token, encrypted], make: oauthBearer },
  XOAUTH2: { needs: [token, user, encrypted], make: xoauth2 },
  "SCRAM-SHA-256-PLUS": scram("SCRAM-SHA-256-PLUS", binding),
  "SCRAM-SHA-1-PLUS": scram("SCRAM-SHA-1-PLUS", binding),
  "SCRAM-SHA-256": scram("SCRAM-SHA-256"),
  "SCRAM-SHA-1": scram("SCRAM-SHA-1"),
  "CRAM-MD5": { needs: [user, password], make: cramMd5 },
  EXTERNAL: { needs: [certificate], make: external },
  PLAIN: { needs: [user, password, encrypted], make: plain },
  LOGIN: { needs: [user, password, encrypted], make: login },
  ANONYMOUS: { needs: [nobody], make: anonymous },
};

/**
 * The mechanisms that can be used, the first to try first: those of the context's own list in its order, or all of them,
 * strongest first. A server that announces none is offered the caller's list all the same.
 *
 * @throws UsageError where there is none, with the reason for each; and for names and passwords that hold CR, LF or NUL.
 *
 * @example
 * chooseMechanisms({ ...context, offered: ["PLAIN", "SCRAM-SHA-256", "GSSAPI"] }).map(({ name }) => name);
 * // ["SCRAM-SHA-256", "PLAIN"]
 */
export function chooseMechanisms(context: SaslContext): MechanismChoice[] {
  checkCredentials(context);
  const offered = new Set(context.offered.map((name) => name.toUpperCase()));
  const blind = offered.size === 0 && context.mechanisms !== undefined;
  const choices: MechanismChoice[] = [];
  const reasons: string[] = [];
  for (const name of wanted(context, offered)) {
    const rule = Object.hasOwn(RULES, name) ? RULES[name as MechanismName] : undefined;
    const reason = blind || offered.has(name) ? unusable(rule, context) : "the server does not offer it";
    if (reason === undefined) choices.push(choice(name as MechanismName, rule as Rule, context, offered));
    else reasons.push(`${name}: ${reason}`);
  }
  if (choices.length > 0) return choices;
  throw new UsageError(`no way to log in can be used (${reasons.join("; ") || "the server offers none"})`, {
    advice: reasons.some((reason) => reason.endsWith("in the clear"))
      ? 'if the secret may travel in the clear, say so: security "plain" (?security=plain, --plain)'
      : "see the options mechanisms and credentials",
  });
}

/** The names to look at: the caller's, or what is known here, strongest first, and behind it what only the server knows. */
function wanted({ mechanisms }: SaslContext, offered: ReadonlySet<string>): Iterable<string> {
  if (mechanisms) return new Set(mechanisms.map((name) => name.toUpperCase()));
  return new Set([...MECHANISM_NAMES.filter((name) => offered.has(name)), ...[...offered].filter(isName)]);
}

/** RFC 4422 §3.1: what else a server announces is not shown. */
function isName(text: string): boolean {
  return /^[A-Z0-9_-]{1,20}$/.test(text);
}

function unusable(rule: Rule | undefined, context: SaslContext): string | undefined {
  if (rule === undefined) return "it is not known here";
  for (const need of rule.needs) {
    const reason = need(context);
    if (reason !== undefined) return reason;
  }
  return undefined;
}

function choice(
  name: MechanismName,
  { needs, make }: Rule,
  context: SaslContext,
  offered: ReadonlySet<string>,
): MechanismChoice {
  const { credentials, host, port, binding } = context;
  const couldBind = binding !== undefined && wouldBind(context) && offered.size > 0 && ![...offered].some(isPlus);
  const start = async (hide?: (token: string) => void) => {
    const given = needs.includes(token) ? await readToken(context) : undefined;
    if (given !== undefined) hide?.(given);
    return make({ credentials, token: given, host, port, binding, couldBind });
  };
  return { name, start };
}

/** False where the caller's list leaves the -PLUS forms out: a client that does not bind is no sign of an attack. */
function wouldBind({ mechanisms }: SaslContext): boolean {
  return mechanisms === undefined || mechanisms.some(isPlus);
}

function isPlus(name: string): boolean {
  return /-PLUS$/i.test(name);
}

async function readToken({ credentials, host }: SaslContext): Promise<string> {
  const { token } = credentials;
  if (typeof token !== "function") return token as string;
  try {
    return await token();
  } catch (cause) {
    if (cause instanceof PolywireError) throw cause;
    throw new UsageError(`the token for ${host} could not be had`, { cause });
  }
}

/** What neither a name nor a password may hold (RFC 4013 §2.3), and what separates fields and lines. */
const UNFIT = { user: /[\0-\x1f\x7f]/, authzid: /[\0-\x1f\x7f]/, password: /[\r\n\0]/ } as const;

function checkCredentials({ credentials }: SaslContext): void {
  for (const [name, unfit] of Object.entries(UNFIT)) {
    if (!unfit.test(credentials[name as keyof typeof UNFIT] ?? "")) continue;
    throw new UsageError(`the ${name} holds a control character, and cannot be sent`);
  }
}
