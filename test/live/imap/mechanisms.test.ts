/** Every way to log in to real servers: tokens, certificates, LOGIN itself; names and passwords that are hard to write. */
import { describe, expect, it } from "vitest";
import { LoginError, UsageError } from "../../../src/client/errors.js";
import { Transcript } from "../../../src/client/transcript.js";
import type { ImapClient } from "../../../src/imap/client.js";
import { errorOf } from "../bed.js";
import { certificateTest, type Dialect, plusTest, tokenTests } from "../mail-logins.js";
import { BROKEN_USER, ODD_USERS } from "../servers/mail.js";
import { announcing } from "./announcing.js";
import { type Bed, describeEach, describeMail } from "./bed.js";

/** Hard to write in quotes, in a literal, in base64, and for who prepares strings (SASLprep). */
const PASSWORDS: Readonly<Record<string, string>> = {
  quotes: 'a "b" \\ c\\',
  blanks: "  two in front, two behind  ",
  braces: "{5}",
  braced: "x{3+}",
  brackets: "[ALERT] NIL * % ( )",
  umlauts: "größe €",
  long: "x".repeat(300),
};

/** What asks for a password. */
const ASKING = ["SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5", "PLAIN", "LOGIN"] as const;

/** How a client logged in: the commands, with their mechanisms. */
function ways(transcript: Transcript): string[] {
  const commands = transcript.lines.filter(({ who }) => who === "C").map(({ text }) => text.replace(/^\S+ /, ""));
  return commands.flatMap((text) => /^(?:AUTHENTICATE \S+|LOGIN)/.exec(text)?.[0] ?? []);
}

async function expectUsable(imap: ImapClient): Promise<void> {
  const [inbox] = await Promise.all([imap.select("INBOX"), imap.noop()]);
  expect(inbox.name).toBe("INBOX");
}

const DIALECT: Dialect<ImapClient> = {
  command: "AUTHENTICATE",
  announces: (imap, mechanism) => imap.has("AUTH", mechanism),
  ways,
  expectUsable,
};

/** Alice's port as one that knows no mechanism: LOGIN is left. */
const loginAlone = ({ server }: Bed, without?: string) =>
  announcing({ host: server.host, port: server.ports.imap }, (words) =>
    words.filter((word) => !word.startsWith("AUTH=") && word !== without),
  );

describeEach({ users: PASSWORDS }, (bed) => {
  it.each(ASKING)("%s takes passwords of all kinds, and nobody sees them", async (mechanism) => {
    for (const [user, password] of Object.entries(PASSWORDS)) {
      const transcript = new Transcript();
      const credentials = { user, password };
      const imap = await bed.ready({ security: "starttls", mechanisms: [mechanism], credentials, transcript });
      await expectUsable(imap);
      await imap.quit();
      expect(ways(transcript)).toEqual([`AUTHENTICATE ${mechanism}`]);
      expect(transcript.script()).not.toContain(password);
    }
  });

  it.each([
    ["with LITERAL+", undefined],
    ["without", "LITERAL+"],
  ])("LOGIN takes passwords of all kinds, %s", async (_, missing) => {
    const port = await loginAlone(bed, missing);
    for (const [user, password] of Object.entries(PASSWORDS)) {
      const transcript = new Transcript();
      const imap = await bed.ready({ port, credentials: { user, password }, transcript });
      await expectUsable(imap);
      await imap.quit();
      expect(ways(transcript)).toEqual(["LOGIN"]);
      expect(transcript.script()).not.toContain(password);
    }
  });

  it("LOGIN refused leaves the client usable, and the password unseen", async () => {
    const transcript = new Transcript();
    const imap = bed.client({ port: await loginAlone(bed), transcript });
    await imap.connect();
    const error = await errorOf(imap.login({ user: "alice", password: 'not "the" one' }));
    expect(error).toBeInstanceOf(LoginError);
    expect(error).toMatchObject({ clientUsable: true, retryable: false });
    await imap.login();
    await expectUsable(imap);
    expect(error.message + transcript.script()).not.toMatch(/not .{0,2}the.{0,2} one/);
  });

  it.each(ASKING)("%s refused leaves the client usable", async (mechanism) => {
    const transcript = new Transcript();
    const imap = bed.client({ security: "starttls", mechanisms: [mechanism], transcript });
    await imap.connect();
    const error = await errorOf(imap.login({ user: "alice", password: "not the one" }));
    expect(error).toBeInstanceOf(LoginError);
    expect(error).toMatchObject({ clientUsable: true, retryable: false });
    await imap.login();
    await expectUsable(imap);
    // One attempt, one refusal: no other way is tried with a password that was refused.
    expect(ways(transcript)).toHaveLength(2);
  });

  certificateTest(bed, DIALECT);
});

describeMail("dovecot", {}, "dovecot: what it alone can do", (bed) => {
  tokenTests(bed, DIALECT);

  it("ANONYMOUS, where it is asked for", async () => {
    const transcript = new Transcript();
    const imap = await bed.ready({ mechanisms: ["ANONYMOUS"], credentials: { user: "anonymous" }, transcript });
    await expectUsable(imap);
    expect(ways(transcript)).toEqual(["AUTHENTICATE ANONYMOUS"]);
  });

  it.each(ASKING)("%s takes names with blanks, quotes and more than ASCII", async (mechanism) => {
    for (const [user, password] of Object.entries(ODD_USERS)) {
      const imap = await bed.ready({ mechanisms: [mechanism], credentials: { user, password }, security: "tls" });
      await expectUsable(imap);
      await imap.quit();
    }
  });

  it("LOGIN takes such names, too", async () => {
    const port = await loginAlone(bed);
    for (const [user, password] of Object.entries(ODD_USERS)) {
      const imap = await bed.ready({ port, credentials: { user, password } });
      await expectUsable(imap);
      await imap.quit();
    }
  });

  it("an account that cannot be served is no word about the password", async () => {
    const credentials = { user: BROKEN_USER, password: "broken's" };
    const imap = bed.client({ credentials, mechanisms: ["PLAIN"] });
    await imap.connect();
    const error = await errorOf(imap.login());
    expect(error).not.toBeInstanceOf(LoginError);
    expect(error).toMatchObject({ name: "ConnectionError", retryable: true });
    expect(error.message).toContain("the server closes the connection");
  });
});

describeMail("cyrus", {}, "cyrus, whose -PLUS forms are tied to TLS in a way of its own", (bed) => {
  plusTest(bed, DIALECT);
});

describeMail("cyrus", { mechanisms: ["DIGEST-MD5"] }, "cyrus without a mechanism that is known here", (bed) => {
  it("LOGIN", async () => {
    const transcript = new Transcript();
    await expectUsable(await bed.ready({ transcript, security: "starttls" }));
    expect(ways(transcript)).toEqual(["LOGIN"]);
  });
});

describe("where passwords in the clear are refused", () => {
  describeEach({ requireTls: true }, (bed) => {
    it("PLAIN and LOGIN are not tried in the clear, SCRAM is", async () => {
      const transcript = new Transcript();
      const imap = bed.client({ mechanisms: ["PLAIN"], transcript });
      await imap.connect();
      expect(imap.has("LOGINDISABLED")).toBe(true);
      expect(await errorOf(imap.login())).toBeInstanceOf(UsageError);
      expect(ways(transcript)).toEqual([]);
      await expectUsable(await bed.ready());
      await expectUsable(await bed.ready({ security: "starttls", mechanisms: ["PLAIN"] }));
    });

    it("LOGIN is not tried where it is announced as disabled", async () => {
      const transcript = new Transcript();
      const imap = bed.client({ host: "127.0.0.1", port: await loginAlone(bed), transcript });
      await imap.connect();
      expect(await errorOf(imap.login())).toBeInstanceOf(UsageError);
      expect(ways(transcript)).toEqual([]);
    });
  });
});
