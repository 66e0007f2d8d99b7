/** Logging in to real mail servers: every security, every mechanism, and what a refusal means. */
import { describe, expect, it } from "vitest";
import { LoginError, TlsError, UsageError } from "../../../src/client/errors.js";
import { open } from "../../../src/open.js";
import type { Pop3Client } from "../../../src/pop3/client.js";
import { certificateTest, type Dialect, plusTest, tokenTests } from "../mail-logins.js";
import { certificates } from "../servers/certs.js";
import { BROKEN_USER } from "../servers/mail.js";
import { describeEach, describeMail, errorOf, expectUsable, SECURITIES, said, Transcript } from "./bed.js";

/** What is asked for by name and password. */
const PASSWORDS = ["SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5", "PLAIN", "LOGIN"] as const;

/** How a client logged in: the commands, with their mechanisms. */
function ways(transcript: Transcript): string[] {
  return said(transcript).filter((verb) => /^(?:AUTH|USER|PASS|APOP)/.test(verb));
}

const DIALECT: Dialect<Pop3Client> = {
  command: "AUTH",
  announces: (pop3, mechanism) => pop3.has("SASL", mechanism),
  ways,
  expectUsable,
};

describeEach({}, (bed) => {
  it.each(SECURITIES)("connects, logs in, answers and quits: %s", async (security) => {
    const transcript = new Transcript();
    const pop3 = bed.client({ security, transcript });
    expect((await pop3.connect()).code).toBe("+OK");
    expect([pop3.state, pop3.secure]).toEqual(["connected", security !== "plain"]);
    expect(pop3.has("STLS")).toBe(security === "plain");
    await pop3.login();
    await expectUsable(pop3);
    await pop3.quit();
    expect(pop3.state).toBe("closed");
    expect(said(transcript)).toContain("AUTH SCRAM-SHA-256");
    expect(transcript.script()).not.toContain(bed.server.users.alice);
  });

  it("has the capabilities that the table tells", async () => {
    const pop3 = bed.client();
    await pop3.connect();
    for (const line of bed.has.capa) {
      const [word = "", ...rest] = line.split(" ");
      expect(pop3.has(word), line).toBe(true);
      for (const argument of rest) expect(pop3.has(word, argument), line).toBe(true);
    }
    await pop3.login();
    expect(pop3.has("UIDL")).toBe(true);
  });

  it.each(PASSWORDS)("%s, in the clear and under TLS", async (name) => {
    for (const security of SECURITIES) {
      const transcript = new Transcript();
      const pop3 = await bed.ready({ security, mechanisms: [name], transcript });
      await expectUsable(pop3);
      await pop3.quit();
      expect(said(transcript)).toContain(`AUTH ${name}`);
    }
  });

  it.each(PASSWORDS)("%s with a wrong password leaves the client usable", async (name) => {
    const transcript = new Transcript();
    const pop3 = bed.client({ mechanisms: [name], transcript, security: "starttls" });
    await pop3.connect();
    const error = await errorOf(pop3.login({ user: "alice", password: "not the one" }));
    expect(error).toBeInstanceOf(LoginError);
    expect(error).toMatchObject({ retryable: false, clientUsable: true, enhanced: "AUTH" });
    await pop3.login();
    await expectUsable(pop3);
    expect(error.message + transcript.script()).not.toContain("not the one");
    // One attempt, one refusal: no other way is tried with a password that was refused.
    expect(ways(transcript)).toHaveLength(2);
  });

  it("a user that is not known is refused once, whatever may be tried", async () => {
    const transcript = new Transcript();
    const pop3 = bed.client({ transcript, security: "plain" });
    await pop3.connect();
    const error = await errorOf(pop3.login({ user: "nobody-here", password: "not the one" }));
    expect(error).toBeInstanceOf(LoginError);
    expect(ways(transcript)).toEqual(["AUTH SCRAM-SHA-256"]);
  });

  it("LANG and UTF8, which neither knows, are refusals behind which the client goes on", async () => {
    const pop3 = await bed.ready();
    for (const call of [pop3.lang(), pop3.lang("en"), pop3.utf8()]) {
      expect(await errorOf(call)).toMatchObject({ name: "ReplyError", clientUsable: true });
    }
    await expectUsable(pop3);
  });

  it("APOP", async () => {
    const transcript = new Transcript();
    const pop3 = await bed.ready({ apop: true, transcript });
    await expectUsable(pop3);
    expect(said(transcript)).toContain("APOP");
    const other = bed.client({ apop: true });
    await other.connect();
    expect(await errorOf(other.login({ user: "alice", password: "wrong" }))).toBeInstanceOf(LoginError);
  });

  certificateTest(bed, DIALECT);

  it("what logs in is left to login()", async () => {
    const pop3 = bed.client({ apop: false });
    await pop3.connect();
    expect(await errorOf(pop3.request("USER alice"))).toBeInstanceOf(UsageError);
    await pop3.login();
    await expectUsable(pop3);
  });

  it("a certificate of a server with another name is refused", async () => {
    const { ca } = await certificates();
    const pop3 = bed.client({ security: "tls", tls: { ca, servername: "wrong.example" } });
    expect(await errorOf(pop3.connect())).toBeInstanceOf(TlsError);
  });

  it("open() by a URL", async () => {
    const { host, ports, ca, users } = bed.server;
    const url = `pop3s://alice:${encodeURIComponent(users.alice as string)}@${host}:${ports.pop3s}` as const;
    await using pop3 = await open(url, { tls: { ca } });
    await expectUsable(pop3);
  });
});

describeMail("dovecot", {}, "dovecot: what it alone can do", (bed) => {
  tokenTests(bed, DIALECT);

  it("ANONYMOUS, where it is asked for", async () => {
    const pop3 = await bed.ready({ mechanisms: ["ANONYMOUS"], credentials: { user: "anonymous" } });
    expect((await pop3.stat()).count).toBe(0);
  });

  it("names and passwords with blanks, quotes and more than ASCII", async () => {
    for (const [user, password] of Object.entries(bed.server.users)) {
      for (const mechanisms of [["PLAIN"], ["SCRAM-SHA-256"]]) {
        const pop3 = await bed.ready({ mechanisms, credentials: { user, password }, security: "tls" });
        await expectUsable(pop3);
        await pop3.quit();
      }
    }
  });

  it("[SYS/TEMP] is no word about the password", async () => {
    const credentials = { user: BROKEN_USER, password: "broken's" };
    const pop3 = bed.client({ credentials, mechanisms: ["PLAIN"] });
    await pop3.connect();
    const error = await errorOf(pop3.login());
    expect(error).not.toBeInstanceOf(LoginError);
    expect(error).toMatchObject({ name: "ReplyError", enhanced: "SYS/TEMP", retryable: true });
  });
});

describeMail("dovecot", { mechanisms: ["PLAIN"] }, "dovecot with PLAIN and APOP", (bed) => {
  it("APOP is taken in the clear, PLAIN under TLS", async () => {
    for (const [security, command] of [
      ["plain", "APOP"],
      ["tls", "AUTH PLAIN"],
    ] as const) {
      const transcript = new Transcript();
      await expectUsable(await bed.ready({ security, transcript }));
      expect(said(transcript)).toContain(command);
    }
  });
});

describeMail("dovecot", { exclusive: true }, "dovecot, one session at a time", (bed) => {
  it("[IN-USE] holds for now", async () => {
    const first = await bed.ready();
    const second = bed.client();
    await second.connect();
    const error = await errorOf(second.login());
    expect(error).toMatchObject({ name: "ReplyError", enhanced: "IN-USE", retryable: true });
    await first.quit();
    await expect.poll(async () => (await bed.ready()).state, { timeout: 5_000 }).toBe("ready");
  });
});

describeMail(
  "cyrus",
  { mechanisms: ["DIGEST-MD5"], apop: false },
  "cyrus without a mechanism that is known here",
  (bed) => {
    it("USER and PASS", async () => {
      const transcript = new Transcript();
      await expectUsable(await bed.ready({ transcript, security: "starttls" }));
      expect(ways(transcript)).toEqual(["USER", "PASS"]);
      const other = bed.client({ security: "starttls" });
      await other.connect();
      expect(await errorOf(other.login({ user: "alice", password: "wrong" }))).toBeInstanceOf(LoginError);
      await other.login();
      await expectUsable(other);
    });
  },
);

describeMail("cyrus", {}, "cyrus, whose -PLUS forms are tied to TLS in a way of its own", (bed) => {
  plusTest(bed, DIALECT);
});

describe("where passwords in the clear are refused", () => {
  describeEach({ requireTls: true }, (bed) => {
    it("PLAIN is not tried in the clear, SCRAM is", async () => {
      const pop3 = bed.client({ mechanisms: ["PLAIN"] });
      await pop3.connect();
      expect(await errorOf(pop3.login())).toBeInstanceOf(UsageError);
      await expectUsable(await bed.ready());
      await expectUsable(await bed.ready({ security: "starttls", mechanisms: ["PLAIN"] }));
    });
  });
});
