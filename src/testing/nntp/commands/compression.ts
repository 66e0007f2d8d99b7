/** Fewer bytes: COMPRESS DEFLATE (RFC 8054), and XFEATURE COMPRESS GZIP of some providers. XZVER is among the overviews. */
import { Refused } from "../reply.js";
import { type CommandTable, command } from "./command.js";

export const COMPRESSION: CommandTable = {
  COMPRESS: command(
    "login",
    async (session, [algorithm = ""]) => {
      if (session.channel.compressed) throw new Refused(502, "Compression is active already");
      if (algorithm.toUpperCase() !== "DEFLATE") throw new Refused(503, `Algorithm ${algorithm} is not supported`);
      session.reply(206, "Compression active");
      await session.channel.flush();
      session.channel.compress();
    },
    { arguments: [1, 1], feature: "compress" },
  ),
  XFEATURE: command(
    "login",
    (session, [feature = "", algorithm = "", option]) => {
      const asked = `${feature} ${algorithm}`.toUpperCase();
      const terminator = option?.toUpperCase() === "TERMINATOR";
      if (asked !== "COMPRESS GZIP" || (option !== undefined && !terminator)) throw new Refused(501, "Unknown feature");
      session.state.gzip = terminator ? "terminator" : "plain";
      session.reply(290, "feature enabled");
    },
    { arguments: [2, 3], feature: "gzip" },
  ),
};
