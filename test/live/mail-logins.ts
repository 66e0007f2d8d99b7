/** Logging in to real mail servers by more than a password: what IMAP and POP3 have to do alike. */
import { expect, it } from "vitest";
import type { Client } from "../../src/client/client.js";
import { LoginError } from "../../src/client/errors.js";
import type { ClientOptions } from "../../src/client/options.js";
import { Transcript } from "../../src/client/transcript.js";
import { errorOf, type LiveBed } from "./bed.js";
import { clientCertificate } from "./servers/certs.js";
import type { LiveMail } from "./servers/mail.js";

type MailBed<C extends Client> = LiveBed<LiveMail, C, ClientOptions>;

/** How a protocol says it. */
export interface Dialect<C extends Client> {
  /** The command that names a mechanism. */
  readonly command: "AUTHENTICATE" | "AUTH";
  /** Whether the server announces a mechanism. */
  announces(client: C, mechanism: string): boolean;
  /** How a client logged in: the commands, with their mechanisms. */
  ways(transcript: Transcript): string[];
  expectUsable(client: C): Promise<void>;
}

export function certificateTest<C extends Client>(bed: MailBed<C>, { command, ways, expectUsable }: Dialect<C>): void {
  it("EXTERNAL by a client certificate", async () => {
    const tls = await clientCertificate();
    for (const security of ["starttls", "tls"] as const) {
      const transcript = new Transcript();
      const client = await bed.ready({ security, tls, credentials: {}, transcript });
      await expectUsable(client);
      await client.quit();
      expect(ways(transcript)).toEqual([`${command} EXTERNAL`]);
    }
  });
}

/** For a server that gives tokens. */
export function tokenTests<C extends Client>(bed: MailBed<C>, { command, ways, expectUsable }: Dialect<C>): void {
  it.each(["OAUTHBEARER", "XOAUTH2"])("%s", async (name) => {
    for (const security of ["starttls", "tls"] as const) {
      const transcript = new Transcript();
      const token = bed.server.token("alice");
      const credentials = { user: "alice", token: () => Promise.resolve(token) };
      const client = await bed.ready({ security, mechanisms: [name], credentials, transcript });
      await expectUsable(client);
      await client.quit();
      expect(ways(transcript)).toEqual([`${command} ${name}`]);
      expect(transcript.script()).not.toContain(token);
    }
  });

  it.each(["OAUTHBEARER", "XOAUTH2"])("%s with a token that has ended leaves the client usable", async (name) => {
    const credentials = { user: "alice", token: bed.server.token("alice", { expired: true }) };
    const client = bed.client({ security: "tls", mechanisms: [name], credentials });
    await client.connect();
    const error = await errorOf(client.login());
    expect(error).toBeInstanceOf(LoginError);
    expect(error.message).not.toContain(credentials.token);
    await client.login({ user: "alice", token: bed.server.token("alice") });
    await expectUsable(client);
  });
}

/** For a server whose -PLUS forms are tied to TLS in a way of its own. */
export function plusTest<C extends Client>(bed: MailBed<C>, dialect: Dialect<C>): void {
  it("they give way to SCRAM without, unless they alone are wanted", async () => {
    const client = bed.client({ security: "tls", mechanisms: ["SCRAM-SHA-256-PLUS"] });
    await client.connect();
    expect(dialect.announces(client, "SCRAM-SHA-256-PLUS")).toBe(true);
    expect(await errorOf(client.login())).toBeInstanceOf(LoginError);
    const transcript = new Transcript();
    await dialect.expectUsable(await bed.ready({ security: "tls", transcript }));
    const tried = ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256"];
    expect(dialect.ways(transcript)).toEqual(tried.map((name) => `${dialect.command} ${name}`));
  });
}
