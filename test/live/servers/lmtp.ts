/** Hands messages to a live server by LMTP, on a bare socket: no client of ours. */
import { RawTalk } from "./raw.js";

/** Rejects with what the server said when it does not take one. */
export async function deliverByLmtp(
  server: { host: string; port: number },
  user: string,
  messages: (Buffer | string)[],
): Promise<void> {
  const raw = await RawTalk.open(server);
  const expect = (line: string, code: string) => {
    if (!line.startsWith(code)) throw new Error(`LMTP: ${line}`);
  };
  try {
    expect(await raw.reply(), "220");
    expect(await raw.command("LHLO polywire.example"), "250");
    for (const message of messages) {
      const text = Buffer.from(message)
        .toString("latin1")
        .replace(/(?<!\r)\n/g, "\r\n")
        .replace(/^\./gm, "..");
      expect(await raw.command("MAIL FROM:<sender@polywire.example>"), "250");
      expect(await raw.command(`RCPT TO:<${user}>`), "250");
      expect(await raw.command("DATA"), "354");
      expect(await raw.command(`${text}${text.endsWith("\r\n") ? "" : "\r\n"}.`), "250");
    }
  } finally {
    raw.close();
  }
}
