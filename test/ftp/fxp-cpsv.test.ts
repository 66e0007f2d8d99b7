/** Files between two servers in memory under TLS, where one of them begins the handshake by CPSV: no Debian server knows it. */
import { expect, onTestFinished, test } from "vitest";
import { FtpClient } from "../../src/ftp/client.js";
import { FxpError } from "../../src/ftp/fxp-pair.js";
import { FtpServer, testTls } from "../../src/testing/index.js";
import { failure } from "../net/loopback.js";

const CONTENT = "0123456789".repeat(30_000);

/** A server, and a client of it that is logged in; data connections are encrypted. */
async function side(cpsv: boolean): Promise<{ server: FtpServer; client: FtpClient }> {
  const server = await FtpServer.start({
    ...{ tls: "explicit", requireTls: true, features: { cpsv }, files: { "/a.dat": CONTENT } },
  });
  const { host, port } = server;
  const client = new FtpClient({
    ...{ host, port, security: "starttls", tls: { ca: testTls.ca, servername: "localhost" } },
    credentials: { user: "test", password: "test" },
  });
  onTestFinished(async () => {
    client.close();
    await server.close();
  });
  await client.connect();
  await client.login();
  return { server, client };
}

const TRANSFERS = /^(CPSV|PASV|EPSV|PORT|RETR|STOR)\b.*/;
const said = ({ commands }: FtpServer) => commands.filter((line) => TRANSFERS.test(line));

test.each([
  ["target", false, true],
  ["source", true, false],
] as const)("the %s that knows CPSV listens, and begins the handshake", async (passive, ours, theirs) => {
  const [source, target] = await Promise.all([side(ours), side(theirs)]);
  // In a way that is not known yet, and in one that is.
  for (const name of ["/b.dat", "/c.dat"]) {
    const done = await source.client.fxp("a.dat", target.client, name);
    expect(done).toMatchObject({ passive, bytes: CONTENT.length });
    expect(target.server.tree.read(name).toString()).toBe(CONTENT);
  }
  const [listens, connects] = passive === "target" ? [target, source] : [source, target];
  expect(said(listens.server).filter((line) => line === "CPSV")).toHaveLength(2);
  expect(said(connects.server).filter((line) => line.startsWith("PORT "))).toHaveLength(2);
  // It takes handshakes from us again.
  for (const { client, server } of [source, target]) {
    await client.stor("d.dat", Buffer.from("after"));
    expect(server.tree.read("/d.dat").toString()).toBe("after");
    expect((await client.retr("a.dat")).toString()).toBe(CONTENT);
  }
});

test("where neither knows it, nothing is sent", async () => {
  const [source, target] = await Promise.all([side(false), side(false)]);
  const error = await failure(source.client.fxp("a.dat", target.client, "b.dat"));
  expect(error).toBeInstanceOf(FxpError);
  expect(error.message).toContain("neither server announces SSCN or CPSV");
  expect([...said(source.server), ...said(target.server)]).toEqual([]);
});
