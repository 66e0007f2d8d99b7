/** What Postfix and Exim announce, one by one: what is used of it, what is refused without it, and that mail arrives. */
import { Readable } from "node:stream";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { ReplyError, UsageError } from "../../../src/client/errors.js";
import { failure } from "../../net/loopback.js";
import { describeLive } from "../available.js";
import {
  CATCH_ALL,
  DOMAIN,
  GREYLISTED,
  type LiveMta,
  MTA_ABILITIES,
  MTA_KINDS,
  type MtaKind,
  type MtaOptions,
  startMta,
} from "../servers/mta.js";
import { arrived, complete, connected, eventually, HARD } from "./bed.js";

const ALICE = `alice@${DOMAIN}`;
const BOB = `bob@${DOMAIN}`;
const PLAIN = { security: "plain" } as const;

/** A message that can be told from others. */
const message = (to: string | string[], text: string, from = ALICE) => ({
  envelope: { from, to },
  raw: Buffer.from(
    [...complete(text), `Message-ID: <${text.replaceAll(" ", "-")}@${DOMAIN}>`, "", text, ""].join("\r\n"),
  ),
});

/** A server for one test. */
async function server(kind: MtaKind, options: MtaOptions): Promise<LiveMta> {
  const live = await startMta(kind, options);
  onTestFinished(() => live.stop());
  return live;
}

for (const kind of MTA_KINDS) {
  describeLive(kind, `${kind}: extensions, live`, () => {
    let live: LiveMta;
    beforeAll(async () => {
      live = await startMta(kind);
    });
    afterAll(() => live.stop());

    test.each([[["PIPELINING"]], [["CHUNKING"]], [["PIPELINING", "CHUNKING", "8BITMIME", "DSN", "SMTPUTF8"]]])(
      "without %j: messages in a row, refusals among them, arrive in order of their outcomes",
      async (without) => {
        const { host, ca, ports, delivered } = await server(kind, { without, tls: "none" });
        const smtp = await connected({ host, ca }, ports.smtp, PLAIN);
        for (const each of without) expect(smtp.has(each)).toBe(false);
        const refused = (i: number) => i % 5 === 2;
        const messages = Array.from({ length: 40 }, (_, i) =>
          message(refused(i) ? `rejected@${DOMAIN}` : BOB, `number ${i}`),
        );
        const outcomes = await smtp.sendAll([...messages, { envelope: { from: ALICE, to: BOB }, raw: HARD }]).toArray();
        expect(outcomes.map(({ state }) => state)).toEqual([
          ...messages.map((_, i) => (refused(i) ? "refused" : "sent")),
          "sent",
        ]);
        const mail = await eventually(
          () => delivered("bob"),
          (all) => all.length === 33,
        );
        expect(arrived(mail, HARD)).toBe(true);
        for (const [i, { raw }] of messages.entries()) expect(arrived(mail, raw)).toBe(!refused(i));
      },
    );

    test("what is not announced is refused here, and nothing is sent of it", async () => {
      const old = await server(kind, { without: ["DSN", "SMTPUTF8", "CHUNKING", "8BITMIME"], tls: "none" });
      const smtp = await connected(old, old.ports.smtp, PLAIN);
      const wanted = message(BOB, "never");
      const parameters = [
        { ret: "full" },
        { envid: "1" },
        { smtputf8: true },
        { body: "8bitmime" },
        { body: "binarymime" },
        { requireTls: true },
        { deliverBy: { seconds: 60, mode: "return" } },
        { priority: 3 },
        { hold: 60 },
        { auth: "" },
      ] as const;
      for (const each of parameters)
        expect(await failure(smtp.send(wanted, { mail: each }))).toBeInstanceOf(UsageError);
      expect(await failure(smtp.send(wanted, { rcpt: { notify: "never" } }))).toBeInstanceOf(UsageError);
      expect(await failure(smtp.send(message(`jörg@${DOMAIN}`, "never")))).toBeInstanceOf(UsageError);
      expect(await failure(smtp.bdat(Buffer.alloc(1)))).toBeInstanceOf(UsageError);
      expect(smtp.transcript.script()).not.toContain("C: MAIL");
      await smtp.send(message(BOB, "in the end"));
    });

    test("SIZE: too large a message is not begun; a stream that turns out to be is refused, and the client goes on", async () => {
      const { host, ca, ports } = await server(kind, { size: 20_000, tls: "none" });
      const envelope = { from: ALICE, to: BOB };
      const text = () => Readable.from(Array.from({ length: 4_000 }, () => "a line of text\r\n"));
      for (const chunking of [true, false]) {
        const smtp = await connected({ host, ca }, ports.smtp, { ...PLAIN, chunking });
        expect(await failure(smtp.send({ envelope, raw: Buffer.alloc(20_001, "x") }))).toBeInstanceOf(UsageError);
        expect(await failure(smtp.mail(ALICE, { size: 20_001 }))).toBeInstanceOf(UsageError);
        expect(smtp.transcript.script()).not.toContain("C: MAIL");
        const error = await failure(smtp.send({ envelope, raw: text() }));
        // By DATA it is the server that says so, in the end.
        expect(error).toMatchObject(chunking ? { name: "UsageError" } : { name: "SendError", code: "552" });
        await smtp.send(message(BOB, `small by ${chunking}`));
      }
    });

    test("SMTPUTF8: a name in UTF-8 gets its mail, in UTF-8", async () => {
      const smtp = await connected(live, live.ports.smtp);
      const text = message(`jörg@${DOMAIN}`, "Grüße an Jörg");
      const { accepted } = await smtp.send(text);
      expect(accepted).toMatchObject([{ recipient: `jörg@${DOMAIN}`, code: "250" }]);
      expect(smtp.transcript.script()).toMatch(/C: MAIL FROM:.* SMTPUTF8/);
      await eventually(
        () => live.delivered("jörg"),
        (all) => arrived(all, text.raw),
      );
    });

    test("DSN: the notification that was asked for names the envelope, and the address as it was first written", async () => {
      const smtp = await connected(live, live.ports.smtp);
      const rcpt = { notify: ["success"], orcpt: "first@elsewhere.example" } as const;
      await smtp.send(message(BOB, "with a receipt"), { mail: { ret: "hdrs", envid: "id 17+4" }, rcpt });
      const [receipt] = await eventually(
        async () => (await live.delivered("alice")).filter((each) => each.includes("message/delivery-status")),
        (all) => all.length > 0,
      );
      const lines = receipt!.toString("latin1");
      // Exim gives back what came, in xtext; Postfix what was meant.
      expect(lines).toMatch(
        kind === "exim" ? /^Original-Envelope-ID: id\+2017\+2B4$/m : /^Original-Envelope-Id: id 17\+4$/m,
      );
      expect(lines).toMatch(/^Original-Recipient: rfc822;\s*first@elsewhere\.example$/m);
      expect(lines).toContain("text/rfc822-headers");
    });

    test("binary chunks by hand: BDAT, in pieces, cut within a line end", async () => {
      const smtp = await connected(live, live.ports.smtp);
      const { raw } = message(BOB, "by hand");
      await smtp.mail(ALICE);
      await Promise.all([
        smtp.rcpt(BOB),
        smtp.bdat(raw.subarray(0, 20)),
        smtp.bdat(raw.subarray(20, raw.length - 1)),
        smtp.bdat(raw.subarray(raw.length - 1), { last: true }),
      ]);
      await eventually(
        () => live.delivered("bob"),
        (all) => arrived(all, raw),
      );
    });

    test("greylisting: later is told apart from never, and later it is taken", async () => {
      const smtp = await connected(live, live.ports.smtp);
      const grey = message(GREYLISTED, "grey", `sender@${DOMAIN}`);
      const error = await failure(smtp.send(grey));
      expect(error).toMatchObject({ code: "450", enhanced: "4.7.1", transient: true, retryable: true });
      expect(await smtp.send(grey)).toMatchObject({ accepted: [{ recipient: GREYLISTED }] });
    });

    test("more recipients than it takes: the first ones get it, the others are told later", async () => {
      const small = await server(kind, { maxRecipients: 3, tls: "none" });
      const smtp = await connected(small, small.ports.smtp, PLAIN);
      const to = Array.from({ length: 5 }, (_, i) => `u${i}@${CATCH_ALL}`);
      const { accepted, rejected } = await smtp.send(message(to, "for five"));
      expect(accepted.map(({ recipient }) => recipient)).toEqual(to.slice(0, 3));
      expect(rejected.map(({ recipient, code }) => [recipient, code])).toEqual(
        to.slice(3).map((each) => [each, "452"]),
      );
    });

    test("VRFY, EXPN, HELP and ETRN, as far as it has them", async () => {
      const smtp = await connected(live, live.ports.smtp);
      const { expn, help, etrn } = MTA_ABILITIES[kind];
      expect((await smtp.vrfy(BOB)).code).toMatch(/^25[02]$/);
      expect(await failure(smtp.vrfy(`nobody@${DOMAIN}`))).toMatchObject({ code: "550" });
      if (expn) expect(await smtp.expn(BOB)).toMatchObject({ code: "250" });
      else expect(await failure(smtp.expn(BOB))).toMatchObject({ code: "500" });
      if (help) expect(await smtp.help()).toContain("EHLO");
      else expect(await failure(smtp.help())).toBeInstanceOf(ReplyError);
      if (etrn) expect(await smtp.etrn(DOMAIN)).toMatchObject({ code: "250" });
      else expect(await failure(smtp.etrn(DOMAIN))).toBeInstanceOf(UsageError);
      expect(await smtp.request("NOOP")).toMatchObject({ code: "250" });
    });
  });
}
