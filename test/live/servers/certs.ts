/** Certificates for tests, made once by openssl: a small CA and what it signed, good and bad. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

export interface Pair {
  certFile: string;
  keyFile: string;
}

export interface Certificates {
  /** The CA's certificate in PEM, for a client's `ca` option. */
  ca: string;
  caFile: string;
  /** For localhost, 127.0.0.1 and ::1. */
  server: Pair;
  /** The same, but it ended in 2021. */
  expired: Pair;
  /** For wrong.example only. */
  wrongHost: Pair;
  /** For a client: CN=polywire. */
  client: Pair;
}

/** Shared by all workers and runs of this user; a change of what is made needs a new number. */
const FOLDER = join(tmpdir(), `polywire-certificates-${process.getuid?.() ?? "user"}-1`);

const LOCAL = "DNS:localhost,IP:127.0.0.1,IP:::1";
/** Name: subject, first and last day (YYMMDD), extensions. */
const LEAVES = {
  server: ["localhost", "200101", "490101", `subjectAltName=${LOCAL}\nextendedKeyUsage=serverAuth`],
  expired: ["localhost", "200101", "210101", `subjectAltName=${LOCAL}\nextendedKeyUsage=serverAuth`],
  wrongHost: ["wrong.example", "200101", "490101", "subjectAltName=DNS:wrong.example\nextendedKeyUsage=serverAuth"],
  client: ["polywire", "200101", "490101", "subjectAltName=email:polywire@example.org\nextendedKeyUsage=clientAuth"],
} as const;

let made: Promise<Certificates> | undefined;

/** The test certificates, made if this machine has none yet (about a second). */
export function certificates(): Promise<Certificates> {
  made ??= make();
  return made;
}

/** The client's certificate and key in PEM, as a client's `tls` option takes them; servers read the name "polywire" in it. */
export async function clientCertificate(): Promise<{ cert: string; key: string }> {
  const { certFile, keyFile } = (await certificates()).client;
  const [cert, key] = await Promise.all([readFile(certFile, "utf8"), readFile(keyFile, "utf8")]);
  return { cert, key };
}

async function make(): Promise<Certificates> {
  if (!existsSync(FOLDER)) {
    const part = await mkdtemp(`${FOLDER}-`);
    await fill(part);
    // The first worker wins; the others use what it made.
    await rename(part, FOLDER).catch(() => rm(part, { recursive: true }));
  }
  const pair = (name: string): Pair => ({
    certFile: join(FOLDER, `${name}.pem`),
    keyFile: join(FOLDER, `${name}.key`),
  });
  const { certFile: caFile } = pair("ca");
  return {
    ca: await readFile(caFile, "utf8"),
    caFile,
    server: pair("server"),
    expired: pair("expired"),
    wrongHost: pair("wrongHost"),
    client: pair("client"),
  };
}

async function fill(cwd: string): Promise<void> {
  const openssl = (...args: string[]) => promisify(execFile)("openssl", args, { cwd });
  await writeFile(
    join(cwd, "ca.conf"),
    "[ca]\ndefault_ca=this\n[this]\ndatabase=index\nnew_certs_dir=.\nrand_serial=yes\ndefault_md=sha256\n" +
      "unique_subject=no\npolicy=any\ncertificate=ca.pem\nprivate_key=ca.key\n[any]\ncommonName=supplied\n",
  );
  await writeFile(join(cwd, "index"), "");
  const root = ["-addext", "keyUsage=critical,keyCertSign,cRLSign", "-subj", "/CN=polywire test CA", "-days", "9000"];
  await openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", ...root);
  for (const [name, [host, first, last, extensions]] of Object.entries(LEAVES)) {
    await writeFile(join(cwd, `${name}.ext`), extensions);
    const request = ["-newkey", "rsa:2048", "-nodes", "-keyout", `${name}.key`, "-out", `${name}.csr`];
    await openssl("req", ...request, "-subj", `/CN=${host}`);
    // `openssl ca`, since x509 cannot set the first and last day before OpenSSL 3.4.
    const days = ["-startdate", `${first}000000Z`, "-enddate", `${last}000000Z`];
    const files = ["-config", "ca.conf", "-extfile", `${name}.ext`, "-in", `${name}.csr`, "-out", `${name}.pem`];
    await openssl("ca", "-batch", "-notext", ...days, ...files);
  }
}
