/** What a login is tied to: the same on both sides of a TLS connection, and nothing where there is none. */
import { spawn, spawnSync } from "node:child_process";
import { createHash, X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { TLSSocket } from "node:tls";
import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { channelBinding, endPoint } from "../../src/net/channel-binding.js";
import { dial } from "../../src/net/dial.js";
import { secure } from "../../src/net/tls.js";
import { testTls } from "../../src/testing/tls.js";
import { LONG, optionsFor, tlsServer } from "./loopback.js";

const CERTIFICATE = new X509Certificate(testTls.server.cert).raw;
/** ECDSA with SHA-256, as in the certificate, and with another last octet another algorithm. */
const ECDSA = "06082a8648ce3d0403";
const hash = (name: string, bytes: Buffer) => createHash(name).update(bytes).digest();

/** Both ends of a connection. */
async function pair(version: "TLSv1.2" | "TLSv1.3"): Promise<[client: TLSSocket, server: TLSSocket]> {
  let take: (socket: TLSSocket) => void;
  const server = new Promise<TLSSocket>((resolve) => (take = resolve));
  const port = await tlsServer({ minVersion: version, maxVersion: version }, (socket) => take(socket));
  const options = optionsFor(port, { security: "tls" });
  const client = await secure(await dial(options, { host: "127.0.0.1", port }, LONG), options, LONG);
  client.on("error", () => {});
  return [client, await server];
}

test("TLS 1.3: what both sides export (RFC 9266), unlike that of any other connection", async () => {
  const found: string[] = [];
  for (let each = 0; each < 2; each++) {
    const [client, server] = await pair("TLSv1.3");
    const data = server.exportKeyingMaterial(32, "EXPORTER-Channel-Binding", Buffer.alloc(0));
    expect(channelBinding(client)).toEqual({ type: "tls-exporter", data });
    found.push(data.toString("hex"));
    client.destroy();
  }
  expect(found[0]).not.toBe(found[1]);
});

/** What OpenSSL's own server says of one connection, in lines. */
async function opensslServer(label: string) {
  const folder = mkdtempSync(join(tmpdir(), "polywire-binding-"));
  const { cert, key } = testTls.server;
  writeFileSync(join(folder, "both.pem"), cert + key);
  const args = ["s_server", "-accept", "127.0.0.1:0", "-cert", "both.pem", "-naccept", "1"];
  const child = spawn("openssl", [...args, "-keymatexport", label, "-keymatexportlen", "32"], { cwd: folder });
  onTestFinished(() => {
    child.kill();
    rmSync(folder, { recursive: true });
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const found = async (pattern: RegExp) => {
    for (;;) {
      const { value, done } = await lines.next();
      if (done) throw new Error(`openssl did not say ${pattern}`);
      const match = pattern.exec(value);
      if (match) return match[1] as string;
    }
  };
  return {
    port: Number(await found(/^ACCEPT .*:(\d+)$/)),
    exported: () => found(/^ *Keying material: ([0-9A-F]{64})$/),
  };
}

const withoutOpenssl = spawnSync("openssl", ["version"]).status !== 0;

test.skipIf(withoutOpenssl)("TLS 1.3: what OpenSSL's own server exports", async () => {
  const { port, exported } = await opensslServer("EXPORTER-Channel-Binding");
  const options = optionsFor(port, { security: "tls" });
  const client = await secure(await dial(options, { host: "127.0.0.1", port }, LONG), options, LONG);
  client.on("error", () => {});
  expect(client.getProtocol()).toBe("TLSv1.3");
  const data = Buffer.from(await exported(), "hex");
  expect(channelBinding(client)).toEqual({ type: "tls-exporter", data });
  client.destroy();
});

test("TLS 1.2: the hash of the server's certificate (RFC 5929)", async () => {
  const [client] = await pair("TLSv1.2");
  expect(channelBinding(client)).toEqual({ type: "tls-server-end-point", data: hash("sha256", CERTIFICATE) });
  client.destroy();
});

test.each([
  ["before the handshake", { getProtocol: (): null => null }],
  ["without a certificate", { getProtocol: () => "TLSv1.2", getPeerCertificate: () => ({}) }],
  ["with no certificate at all", { getProtocol: () => "TLSv1.2", getPeerCertificate: () => null }],
])("nothing %s", (_when, socket) => expect(channelBinding(socket as unknown as TLSSocket)).toBeUndefined());

describe("the hash is the one of the certificate's signature", () => {
  /** The certificate, its signature said to be by another algorithm. */
  const signedBy = (identifier: string) => {
    const hex = CERTIFICATE.toString("hex");
    const at = hex.lastIndexOf(`${ECDSA}02`);
    return Buffer.from(hex.slice(0, at) + identifier + hex.slice(at + ECDSA.length + 2), "hex");
  };

  test.each([
    ["SHA-256", "06082a8648ce3d040302", "sha256"],
    ["SHA-384", "06082a8648ce3d040303", "sha384"],
    ["SHA-512", "06082a8648ce3d040304", "sha512"],
    ["SHA-224", "06082a8648ce3d040301", "sha224"],
  ])("%s", (_name, identifier, name) => {
    const certificate = signedBy(identifier);
    expect(endPoint(certificate)).toEqual(hash(name, certificate));
  });

  test("none where the algorithm is not known", () =>
    expect(endPoint(signedBy("06082a8648ce3d0403ff"))).toBeUndefined());

  test("none where there is no identifier", () => expect(endPoint(signedBy("04082a8648ce3d040302"))).toBeUndefined());
});

test("a certificate that is cut anywhere before its signature has none, and nothing is thrown", () => {
  for (let length = 0; length < CERTIFICATE.length; length++) {
    expect(endPoint(CERTIFICATE.subarray(0, length)), String(length)).toBeUndefined();
  }
});

test("any bytes can be looked at", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => void endPoint(Buffer.from(bytes))));
});
