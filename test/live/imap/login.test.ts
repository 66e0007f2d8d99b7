/** Logging in to real mail servers: every security, every mechanism, odd passwords, refusals. */
import { expect, it } from "vitest";
import { LoginError } from "../../../src/client/errors.js";
import { Transcript } from "../../../src/client/transcript.js";
import { open } from "../../../src/open.js";
import { failure } from "../../net/loopback.js";
import { ODD_USERS } from "../servers/mail.js";
import { describeEach } from "./bed.js";

describeEach({}, (bed) => {
  it.each(["plain", "starttls", "tls"] as const)("%s, and every mechanism that a password fits", async (security) => {
    const offered = ["SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5", "PLAIN", "LOGIN"];
    for (const mechanism of bed.has.mechanisms.filter((name) => offered.includes(name))) {
      const imap = await bed.ready({ security, mechanisms: [mechanism] });
      expect([imap.secure, (await imap.select("INBOX")).name]).toEqual([security !== "plain", "INBOX"]);
      await imap.quit();
    }
  });

  it.runIf(bed.has.oddNames)("odd names and passwords, as they are", async () => {
    for (const [user, password] of Object.entries(ODD_USERS)) {
      const imap = await bed.ready({ security: "tls", credentials: { user, password } });
      await imap.select("INBOX");
      await imap.quit();
    }
  });

  it("four round trips at most from the connection to the login", async () => {
    const transcript = new Transcript();
    const imap = await bed.ready({ security: "tls", mechanisms: ["PLAIN"], transcript });
    const said = transcript.lines.filter(({ who }) => who === "C").map(({ text }) => text.split(" ")[1]);
    // TCP and TLS are two.
    expect(said.length).toBeLessThanOrEqual(2);
    expect(said[0]).toBe("AUTHENTICATE");
    await imap.quit();
  });

  it("a refused password leaves the client usable", async () => {
    const imap = bed.client({ security: "tls" });
    await imap.connect();
    const error = await failure(imap.login({ user: "alice", password: "wrong" }));
    expect(error).toBeInstanceOf(LoginError);
    expect(error).toMatchObject({ transient: false, clientUsable: true });
    await imap.login();
    await imap.noop();
    expect(imap.state).toBe("ready");
  });

  it("open() by a URL, with the mailbox that it names", async () => {
    const { imap: first, box } = await bed.fresh();
    const { uidValidity } = first.mailbox ?? {};
    const { host, ports, ca, users } = bed.server;
    const place = `alice:${encodeURIComponent(users.alice as string)}@${host}:${ports.imaps}`;
    const url = `imaps://${place}/${encodeURIComponent(box)}` as const;
    const tls = { ca, servername: "localhost" };
    await using imap = await open(`${url};UIDVALIDITY=${uidValidity}`, { tls });
    expect(imap.mailbox).toMatchObject({ name: box, uidValidity, exists: 0 });
    expect(await failure(open(`${url};UIDVALIDITY=1`, { tls }))).toMatchObject({ name: "UsageError" });
  });
});
