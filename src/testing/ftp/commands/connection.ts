/** How the data connection will be made: PASV EPSV PORT EPRT (RFC 959, RFC 2428), and CPSV, which is in no RFC. */
import { isIP } from "node:net";
import { Refused } from "../reply.js";
import type { Session } from "../session.js";
import { type CommandTable, command } from "./command.js";

export const CONNECTION: CommandTable = {
  PASV: command((session) => passive(session)),
  CPSV: command((session) => {
    if (session.state.protection !== "P") throw new Refused(503, "CPSV needs PROT P.");
    return passive(session, { begins: true });
  }, "cpsv"),
  EPSV: command(async (session, argument) => {
    if (/^ALL$/i.test(argument)) {
      session.state.epsvOnly = true;
      await session.reply(200, "EPSV ALL command successful.");
      return;
    }
    const host = session.control.localAddress;
    const family = isIP(host.replace(/^::ffff:/, "")) === 4 ? "1" : "2";
    if (argument !== "" && argument !== family) throw new Refused(522, `Protocol not supported, use (${family})`);
    const port = await session.data.listen(host);
    await session.reply(229, `Entering Extended Passive Mode (|||${port}|)`);
  }, "epsv"),
  PORT: command((session, argument) => {
    refuseAfterEpsvAll(session);
    const numbers = argument.split(",").map(Number);
    if (numbers.length !== 6 || !numbers.every((n) => Number.isInteger(n) && n >= 0 && n < 256)) {
      throw new Refused(501, "Illegal PORT command.");
    }
    const [high = 0, low = 0] = numbers.slice(4);
    return aim(session, "PORT", numbers.slice(0, 4).join("."), high * 256 + low);
  }, "active"),
  EPRT: command((session, argument) => {
    refuseAfterEpsvAll(session);
    if (!session.shared.options.features.active) throw new Refused(500, "EPRT not understood");
    const [, , host = "", port = ""] = argument.split(argument.charAt(0));
    if (isIP(host) === 0 || !/^\d{1,5}$/.test(port)) throw new Refused(501, "Illegal EPRT command.");
    return aim(session, "EPRT", host, Number(port));
  }, "epsv"),
};

/** `begins`: this side begins the TLS handshake of the next transfer. */
async function passive(session: Session, { begins = false } = {}): Promise<void> {
  refuseAfterEpsvAll(session);
  const host = session.control.localAddress.replace(/^::ffff:/, "");
  if (isIP(host) !== 4) throw new Refused(425, "PASV is for IPv4, use EPSV.");
  const port = await session.data.listen(host);
  session.data.begins = begins;
  const named = (session.shared.faults.wrongPasvHost ?? host).replaceAll(".", ",");
  await session.reply(227, `Entering Passive Mode (${named},${port >> 8},${port & 255}).`);
}

function aim(session: Session, verb: string, host: string, port: number): Promise<void> | undefined {
  const client = session.control.remoteAddress.replace(/^::ffff:/, "");
  if (host !== client || port < 1024) throw new Refused(500, `Illegal ${verb} command: not your address.`); // bounce
  session.data.aim(host, port);
  return session.reply(200, `${verb} command successful`);
}

function refuseAfterEpsvAll(session: Session): void {
  if (session.state.epsvOnly) throw new Refused(501, "EPSV ALL was said.");
}
