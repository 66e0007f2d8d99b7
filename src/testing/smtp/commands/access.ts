/** Who the client is, and over what it speaks: EHLO, HELO, LHLO, AUTH (RFC 4954), STARTTLS (RFC 3207). */
import { announced, authenticate, SaslRefused, surroundings } from "../../sasl/index.js";
import { encodeReply, Refused } from "../reply.js";
import { type Session, SessionState } from "../session.js";
import { type CommandTable, command, nothingBehind } from "./command.js";

export const ACCESS: CommandTable = {
  EHLO: command((session, rest) => extended(session, rest), {
    beforeTls: true,
    enabled: ({ lmtp, features }) => !lmtp && features.ehlo,
  }),
  LHLO: command((session, rest) => extended(session, rest), { beforeTls: true, enabled: ({ lmtp }) => lmtp }),
  HELO: command(
    (session, rest) => {
      greeted(session, rest);
      session.state.announced = new Set();
      session.reply(250, undefined, session.shared.options.hostname);
    },
    { beforeTls: true, enabled: ({ lmtp }) => !lmtp },
  ),
  STARTTLS: command(
    async (session, rest) => {
      nothingBehind(rest);
      const { channel, shared } = session;
      if (channel.tls) throw new Refused(503, "5.5.1", "TLS is active already");
      session.reset();
      session.state = new SessionState(); // what was said in plain text may have been said by someone else
      const enhanced = shared.options.features.enhancedStatusCodes ? "2.0.0" : undefined;
      if (session.loses()) return;
      const injected = shared.faults.injectAfterStartTls ?? "";
      const reply = session.shaped(encodeReply(220, enhanced, "Ready to start TLS"));
      await channel.upgrade(shared.handshake, reply + injected);
    },
    { beforeTls: true, enabled: ({ tls }) => tls === "starttls" },
  ),
  AUTH: command((session, rest) => auth(session, rest), {
    enabled: ({ features, mechanisms }) => features.auth && mechanisms.length > 0,
  }),
};

function greeted(session: Session, name: string): void {
  if (!/^[^\s\0-\x1f]+$/.test(name)) throw new Refused(501, "5.5.4", "Who are you?");
  session.reset();
  session.state.hello = Buffer.from(name, "latin1").toString("utf8");
}

function extended(session: Session, name: string): void {
  greeted(session, name);
  const lines = extensions(session);
  session.state.announced = new Set(lines.map((line) => (line.split(" ")[0] ?? "").toUpperCase()));
  session.reply(250, undefined, [`${session.shared.options.hostname} greets ${name}`, ...lines].join("\n"));
}

function mechanismsOf({ shared: { options }, channel }: Session): string[] {
  if (!options.features.auth || (options.requireTls && !channel.tls)) return [];
  return announced(options.mechanisms, channel.tls, options.clientCa);
}

/** The lines of EHLO behind the first. */
function extensions(session: Session): string[] {
  const { features, tls, extensions: further } = session.shared.options;
  const { size, deliverBy, mtPriority, futureRelease } = features;
  const secure = session.channel.tls !== undefined;
  const mechanisms = mechanismsOf(session);
  const limits = announcedLimits(session);
  const until = "2099-12-31T23:59:59Z";
  const all: [boolean, string][] = [
    [features.pipelining, "PIPELINING"],
    [size !== false, size ? `SIZE ${size}` : "SIZE"],
    [features.eightBitMime, "8BITMIME"],
    [features.smtpUtf8, "SMTPUTF8"],
    [features.chunking, "CHUNKING"],
    [features.chunking && features.binaryMime, "BINARYMIME"],
    [features.dsn, "DSN"],
    [features.enhancedStatusCodes, "ENHANCEDSTATUSCODES"],
    [tls === "starttls" && !secure, "STARTTLS"],
    [features.requireTls && secure, "REQUIRETLS"],
    [mechanisms.length > 0, `AUTH ${mechanisms.join(" ")}`],
    [deliverBy !== false, deliverBy ? `DELIVERBY ${deliverBy}` : "DELIVERBY"],
    [mtPriority !== false, mtPriority ? `MT-PRIORITY ${mtPriority}` : "MT-PRIORITY"],
    [futureRelease !== false, `FUTURERELEASE ${futureRelease} ${until}`],
    [limits.length > 0, `LIMITS ${limits.join(" ")}`],
    [features.etrn, "ETRN"],
    [features.vrfy, "VRFY"],
    [features.expn, "EXPN"],
    [features.help, "HELP"],
  ];
  return [...all.filter(([known]) => known).map(([, line]) => line), ...further];
}

/** RFC 9422. */
export function announcedLimits(session: Session): string[] {
  const { features, limits } = session.shared.options;
  if (!features.limits) return [];
  const all: [string, number][] = [
    ["MAILMAX", limits.messages],
    ["RCPTMAX", limits.recipients],
  ];
  return all.filter(([, most]) => Number.isFinite(most)).map(([name, most]) => `${name}=${most}`);
}

async function auth(session: Session, rest: string): Promise<void> {
  const { options, faults } = session.shared;
  if (session.state.user !== undefined) throw new Refused(503, "5.5.1", "You are logged in already");
  if (session.transaction) throw new Refused(503, "5.5.1", "Not within a message");
  const [given = "", initial, ...further] = rest.split(" ");
  if (further.length > 0) throw new Refused(501, "5.5.4", "AUTH takes a mechanism and a response");
  const offered = mechanismsOf(session);
  const name = given.toUpperCase();
  if (!offered.includes(name)) throw new Refused(504, "5.5.4", `No mechanism ${given}`);
  if (!session.state.announced.has("AUTH")) session.violation("AUTH: was not announced");
  const around = surroundings(options, session.channel.tls, offered, faults.scram);
  try {
    const accepted = await authenticate(name, around, initial, (challenge) => ask(session, challenge));
    if (!accepted) return;
    session.state.user = accepted.user;
    session.reply(235, "2.7.0", "Authentication succeeded");
  } catch (error) {
    throw error instanceof SaslRefused ? refusedBy(error) : error;
  }
}

function refusedBy({ kind, message }: SaslRefused): Refused {
  if (kind === "credentials") return new Refused(535, "5.7.8", message);
  return kind === "cancelled" ? new Refused(501, "5.7.0", message) : new Refused(501, "5.5.2", message);
}

async function ask(session: Session, challenge: string): Promise<string | undefined> {
  const line = await session.ask(`334 ${challenge}\r\n`);
  if (line !== undefined && line.length + 2 > 12_288) session.violation("AUTH: a response is too long");
  return line;
}
