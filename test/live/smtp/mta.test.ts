/** Postfix and Exim: TLS, logins, refusals, pipelining in every manner, and mail that arrives byte for byte. */
import { Readable } from "node:stream";
import { afterAll, beforeAll, expect, test } from "vitest";
import { LoginError, UsageError } from "../../../src/client/errors.js";
import type { SendError } from "../../../src/smtp/result.js";
import { failure } from "../../net/loopback.js";
import { describeLive } from "../available.js";
import { DOMAIN, type LiveMta, MTA_ABILITIES, MTA_KINDS, REFUSED_SUBJECT, startMta } from "../servers/mta.js";
import { arrived, complete, connected, eventually, HARD } from "./bed.js";

const ALICE = `alice@${DOMAIN}`;
const BOB = `bob@${DOMAIN}`;

for (const kind of MTA_KINDS) {
  describeLive(kind, `${kind}, live`, () => {
    let live: LiveMta;
    beforeAll(async () => {
      live = await startMta(kind);
    });
    afterAll(() => live.stop());

    const credentials = () => ({ user: live.user, password: live.password });
    const to = (address: string, text: string) => ({
      envelope: { from: ALICE, to: address },
      raw: Buffer.from(
        [...complete(text), `Message-ID: <${text.replaceAll(" ", "-")}@${DOMAIN}>`, "", text, ""].join("\r\n"),
      ),
    });

    test("greeting, EHLO, STARTTLS, and what it can do", async () => {
      const smtp = await connected(live, live.ports.submission);
      expect(smtp.secure).toBe(true);
      const announced = [...smtp.capabilities].map(([name, args]) => [name, ...args].join(" "));
      const expected = MTA_ABILITIES[kind].ehlo.filter((each) => each !== "STARTTLS");
      expect(announced).toEqual(expect.arrayContaining([...expected]));
      await smtp.noop();
      await smtp.rset();
    });

    test.each(["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"])("a login by %s", async (mechanism) => {
      const smtp = await connected(live, live.ports.submission, {
        credentials: credentials(),
        mechanisms: [mechanism],
      });
      expect(smtp.state).toBe("ready");
      expect(smtp.transcript.script()).toContain(`C: AUTH ${mechanism}`);
      expect(smtp.transcript.script()).not.toContain(live.password);
    });

    test("a login over TLS from the first byte, and one that is refused", async () => {
      const tls = { security: "tls", credentials: credentials() } as const;
      expect((await connected(live, live.ports.smtps, tls)).state).toBe("ready");
      const wrong = connected(live, live.ports.smtps, { ...tls, credentials: { user: live.user, password: "wrong" } });
      expect(await failure(wrong)).toBeInstanceOf(LoginError);
    });

    test.each([
      ["BDAT", {}],
      ["DATA", { chunking: false }],
      ["one command after the other", { chunking: false, pipelining: 1 }],
      ["BDAT, one command after the other", { pipelining: 1 }],
    ])("a hard message arrives byte for byte, by %s", async (manner, options) => {
      const smtp = await connected(live, live.ports.smtp, options);
      const message = Buffer.concat([HARD, Buffer.from(`${manner}\r\n`)]);
      const { reply, accepted } = await smtp.send({ envelope: { from: ALICE, to: BOB }, raw: message });
      expect(reply?.code).toBe("250");
      expect(accepted).toHaveLength(1);
      await eventually(
        () => live.delivered("bob"),
        (mail) => arrived(mail, message),
      );
    });

    test("refusals of single recipients, with their codes", async () => {
      const smtp = await connected(live, live.ports.smtp);
      const people = [`rejected@${DOMAIN}`, BOB, `full@${DOMAIN}`, `later@${DOMAIN}`];
      const { accepted, rejected } = await smtp.send({ ...to(BOB, "some"), envelope: { from: ALICE, to: people } });
      expect(accepted.map(({ recipient }) => recipient)).toEqual([BOB]);
      expect(rejected.map(({ code, enhanced }) => [code, enhanced])).toEqual([
        ["550", "5.7.1"],
        ["552", "5.2.2"],
        ["450", "4.2.1"],
      ]);
    });

    test("refused for all, refused as a whole, refused for its sender: the client goes on", async () => {
      const smtp = await connected(live, live.ports.smtp);
      const nobody = (await failure(smtp.send(to(`rejected@${DOMAIN}`, "x")))) as SendError;
      expect(nobody).toMatchObject({ name: "SendError", code: "550", result: { rejected: [{ code: "550" }] } });
      expect(await failure(smtp.send(to(BOB, REFUSED_SUBJECT)))).toMatchObject({ name: "SendError", code: "550" });
      expect(await failure(smtp.send(to("someone@elsewhere.example", "x")))).toMatchObject({ name: "SendError" });
      expect(await smtp.send(to(BOB, "after all"))).toMatchObject({ accepted: [{ recipient: BOB }] });
    });

    test.each([
      ["BDAT", {}],
      ["DATA", { chunking: false }],
    ])("100 messages in a row by %s, refusals among them", async (manner, options) => {
      const smtp = await connected(live, live.ports.smtp, options);
      const name = (i: number) => `${manner} ${i} of a row`;
      const person = (i: number) => (i % 10 === 3 ? `rejected@${DOMAIN}` : `alice@${DOMAIN}`);
      const messages = Array.from({ length: 100 }, (_, i) => to(person(i), i % 10 === 7 ? REFUSED_SUBJECT : name(i)));
      const outcomes = await smtp.sendAll(messages).toArray();
      expect(outcomes.map(({ state }) => state)).toEqual(
        messages.map((_, i) => (i % 10 === 3 || i % 10 === 7 ? "refused" : "sent")),
      );
      const sent = outcomes.filter(({ state }) => state === "sent").map(({ index }) => messages[index]!.raw);
      await eventually(
        () => live.delivered("alice"),
        (mail) => sent.every((each) => arrived(mail, each)),
      );
      const all = await live.delivered("alice");
      expect(all.filter((each) => each.includes(`${manner} `)).length).toBe(sent.length);
    });

    test("a stream of 5 MB, and one that is too large", async () => {
      const smtp = await connected(live, live.ports.smtp);
      const line = Buffer.from(`${"a line of text. ".repeat(4)}\r\n`);
      const pieces = Array.from({ length: 80_000 }, () => line);
      const head = Buffer.from("Subject: large\r\n\r\n");
      const envelope = { from: ALICE, to: BOB };
      expect(await smtp.send({ envelope, raw: Readable.from([head, ...pieces]) })).toMatchObject({
        bytes: head.length + 80_000 * line.length,
      });
      expect(await failure(smtp.send({ envelope, raw: Buffer.alloc(10_240_001, "x\r\n") }))).toBeInstanceOf(UsageError);
      const endless = Readable.from(
        (function* () {
          for (;;) yield Buffer.concat(pieces.slice(0, 1_000));
        })(),
      );
      expect(await failure(smtp.send({ envelope, raw: endless }))).toBeInstanceOf(UsageError);
      expect(await smtp.send(to(BOB, "a small one"))).toMatchObject({ accepted: [{ recipient: BOB }] });
      // Exim would take the rest for commands: none was sent.
      expect(smtp.transcript.script()).not.toMatch(/^S: 500/m);
    });

    test("a composed message with an attachment, DSN and SMTPUTF8", async () => {
      const smtp = await connected(live, live.ports.submission, { credentials: credentials() });
      const attachments = [{ filename: "ü.bin", content: Buffer.from([1, 2, 3]) }];
      const mail = { from: ALICE, to: BOB, subject: "Grüße", text: "Grüße\n", attachments };
      const { messageId } = await smtp.send(mail, {
        mail: { ret: "hdrs", envid: "one" },
        rcpt: { notify: ["failure"] },
      });
      await eventually(
        () => live.delivered("bob"),
        (all) => all.some((each) => each.includes(messageId!)),
      );
      expect(
        await smtp.send({ envelope: { from: ALICE, to: `jürgen@${DOMAIN}` }, raw: HARD }).catch((e) => e),
      ).toMatchObject({
        ...(kind === "postfix" ? { code: "550" } : {}),
      });
    });

    test("VRFY, HELP and ETRN as far as it has them", async () => {
      const smtp = await connected(live, live.ports.smtp);
      const { help, etrn } = MTA_ABILITIES[kind];
      await smtp.vrfy(BOB);
      expect(help ? await smtp.help() : await failure(smtp.help())).toBeTruthy();
      if (!etrn) expect(await failure(smtp.etrn(DOMAIN))).toBeInstanceOf(UsageError);
    });
  });
}
