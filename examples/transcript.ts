/** See what is said on the wire, secrets redacted, and turn it into a test. */
import { FtpClient, Transcript } from "polywire";
import { FtpServer, ScriptedServer } from "polywire/testing";

await using server = await FtpServer.start({ users: { alice: "secret" } });

async function whereAmI(port: number, transcript?: Transcript): Promise<string> {
  const credentials = { user: "alice", password: "secret" };
  const ftp = new FtpClient({ host: "127.0.0.1", port, security: "plain", credentials, transcript });
  await ftp.connect();
  await ftp.login();
  const folder = await ftp.pwd();
  await ftp.quit();
  return folder;
}

const transcript = new Transcript({ onLine: ({ who, text }) => console.log(`${who}: ${text}`) });
await whereAmI(server.port, transcript);

// The same dialogue again, played by a server that knows nothing but the script.
await using replay = await ScriptedServer.start(transcript.script());
console.log("replayed:", await whereAmI(replay.port));
