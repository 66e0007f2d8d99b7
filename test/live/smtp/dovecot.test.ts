/** Dovecot: submission with every login it has, and LMTP. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { LoginError } from "../../../src/client/errors.js";
import { failure } from "../../net/loopback.js";
import { describeLive } from "../available.js";
import { clientCertificate } from "../servers/certs.js";
import { type LiveMail, startMail } from "../servers/mail.js";
import { arrived, connected, eventually, HARD } from "./bed.js";

describeLive("dovecot", "Dovecot, live", () => {
  let live: LiveMail;
  beforeAll(async () => {
    live = await startMail("dovecot");
  });
  afterAll(() => live.stop());

  const credentials = () => ({ user: live.user, password: live.password });

  test.each(["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"])(
    "submission: a login by %s",
    async (mechanism) => {
      const smtp = await connected(live, live.ports.submission, {
        credentials: credentials(),
        mechanisms: [mechanism],
      });
      expect(smtp.state).toBe("ready");
    },
  );

  test.each(["OAUTHBEARER", "XOAUTH2"])(
    "submission: a login by %s, and one with a token that has expired",
    async (mechanism) => {
      const by = (token: string) => ({ credentials: { user: live.user, token }, mechanisms: [mechanism] });
      const smtp = await connected(live, live.ports.submission, by(live.token(live.user)));
      expect(smtp.state).toBe("ready");
      const expired = connected(live, live.ports.submission, by(live.token(live.user, { expired: true })));
      expect(await failure(expired)).toBeInstanceOf(LoginError);
    },
  );

  test("submission: EXTERNAL, by the client's certificate", async () => {
    const { cert, key } = await clientCertificate();
    const tls = { ca: live.ca, cert, key };
    const options = { tls, credentials: { user: live.user }, mechanisms: ["EXTERNAL"] };
    const smtp = await connected(live, live.ports.submissions, { ...options, security: "tls" });
    expect(smtp.state).toBe("ready");
  });

  test.each([
    ["BDAT", {}],
    ["DATA", { chunking: false }],
  ])("submission: messages are relayed byte for byte, by %s", async (manner, options) => {
    const smtp = await connected(live, live.ports.submission, { credentials: credentials(), ...options });
    const message = Buffer.concat([HARD, Buffer.from(`${manner}\r\n`)]);
    const mail = { envelope: { from: "alice@x.org", to: "bob@y.org" }, raw: message };
    const outcomes = await smtp.sendAll([mail, mail, mail]).toArray();
    expect(outcomes.map(({ state }) => state)).toEqual(["sent", "sent", "sent"]);
    await eventually(
      () => live.relayed(),
      (all) =>
        arrived(
          all.map(({ content }) => content),
          message,
        ),
    );
  });

  test("LMTP: an answer for each recipient, refusals among them; mail arrives byte for byte", async () => {
    const smtp = await connected(live, live.ports.lmtp, { security: "plain", lmtp: true });
    const to = ["alice", "nobody-here", "bob"];
    const mail = { envelope: { from: "x@x.org", to }, raw: HARD };
    const { accepted, rejected } = await smtp.send(mail);
    expect(accepted.map(({ recipient }) => recipient)).toEqual(["alice", "bob"]);
    expect(rejected).toMatchObject([{ recipient: "nobody-here", code: "550" }]);
    for (const user of ["alice", "bob"]) {
      await eventually(
        () => live.mailbox(user),
        (all) => arrived(all, HARD),
      );
    }
    const outcomes = await smtp
      .sendAll(Array.from({ length: 20 }, (_, i) => ({ ...mail, envelope: { ...mail.envelope, to: [to[i % 3]!] } })))
      .toArray();
    expect(outcomes.map(({ state }) => state)).toEqual(
      Array.from({ length: 20 }, (_, i) => (i % 3 === 1 ? "refused" : "sent")),
    );
  });
});
