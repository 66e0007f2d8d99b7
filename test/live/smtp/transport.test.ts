/** polywireTransport behind nodemailer's own API, with Postfix and Exim: a pool, refusals, streams, DKIM, cancelled messages. */
import { generateKeyPairSync } from "node:crypto";
import { Readable } from "node:stream";
import nodemailer, { type NodemailerError } from "nodemailer";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { type PolywireTransportOptions, polywireTransport } from "../../../src/smtp/transport.js";
import { describeLive } from "../available.js";
import { DOMAIN, type LiveMta, MTA_KINDS, REFUSED_SUBJECT, startMta } from "../servers/mta.js";
import { eventually } from "./bed.js";

const ALICE = `alice@${DOMAIN}`;

for (const kind of MTA_KINDS) {
  describeLive(kind, `${kind}: nodemailer's transport, live`, () => {
    let live: LiveMta;
    beforeAll(async () => {
      live = await startMta(kind);
    });
    afterAll(() => live.stop());

    /** A transporter that has logged in at `submission`, unless told otherwise. */
    function mailer(more: Partial<PolywireTransportOptions> = {}) {
      const { host, ports, ca, user, password } = live;
      const credentials = { user, password };
      const where = { host, port: ports.submission, security: "starttls", tls: { ca }, credentials } as const;
      const transporter = nodemailer.createTransport(polywireTransport({ ...where, ...more }));
      onTestFinished(() => transporter.close());
      return transporter;
    }

    const refusal = (sent: Promise<unknown>) =>
      sent.then(
        () => {
          throw new Error("it was sent");
        },
        (error: NodemailerError) => error,
      );

    test("verify: TLS and the login are tried; a wrong password is EAUTH", async () => {
      expect(await mailer().verify()).toBe(true);
      const wrong = mailer({ credentials: { user: live.user, password: "wrong" } });
      expect(await refusal(wrong.verify())).toMatchObject({ code: "EAUTH", responseCode: 535 });
    });

    test("200 messages over a pool of four, each once; refused ones say why", async () => {
      const transporter = mailer({ maxConnections: 4, maxMessages: 20 });
      const to = (i: number) => (i % 10 === 3 ? `rejected@${DOMAIN}` : ALICE);
      const subject = (i: number) => (i % 10 === 7 ? REFUSED_SUBJECT : `pooled ${i}.`);
      const results = await Promise.allSettled(
        Array.from({ length: 200 }, (_, i) =>
          transporter.sendMail({ from: ALICE, to: to(i), subject: subject(i), text: `text of ${i}` }),
        ),
      );
      for (const [i, result] of results.entries()) {
        if (i % 10 === 3) expect(result).toMatchObject({ reason: { code: "EENVELOPE", responseCode: 550 } });
        else if (i % 10 === 7) expect(result).toMatchObject({ reason: { code: "EMESSAGE", responseCode: 550 } });
        else
          expect(result).toMatchObject({ value: { accepted: [ALICE], response: expect.stringMatching(/^250[ -]/) } });
      }
      const texts = await eventually(
        async () => (await live.delivered("alice")).map(String).filter((mail) => mail.includes("Subject: pooled ")),
        (mail) => mail.length >= 160,
      );
      expect(texts).toHaveLength(160);
      for (let i = 0; i < 200; i++) {
        const times = texts.filter((mail) => mail.includes(`Subject: pooled ${i}.`)).length;
        expect(times, `message ${i}`).toBe(i % 10 === 3 || i % 10 === 7 ? 0 : 1);
      }
    });

    test("attachments from a stream, DKIM and DSN", async () => {
      const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
      const key = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
      const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, i) => i % 251));
      const info = await mailer().sendMail({
        ...{ from: ALICE, to: `bob@${DOMAIN}`, subject: "Grüße", text: "Grüße\n" },
        attachments: [
          { filename: "ü.bin", content: Readable.from([bytes.subarray(0, 50_000), bytes.subarray(50_000)]) },
        ],
        dkim: { domainName: DOMAIN, keySelector: "k", privateKey: key },
        dsn: { id: "one", return: "headers", notify: "failure" },
      });
      const mail = await eventually(
        async () => (await live.delivered("bob")).map(String).find((each) => each.includes(info.messageId)),
        (found) => found !== undefined,
      );
      expect(mail).toMatch(/^DKIM-Signature: v=1; a=rsa-sha256;/m);
      const encoded = /filename\*.*\r?\n\r?\n([A-Za-z0-9+/=\r\n]+)/.exec(mail!)?.[1] ?? "";
      expect(Buffer.from(encoded, "base64").equals(bytes)).toBe(true);
    });

    test("a message that is cancelled, waiting or under way: the others arrive", async () => {
      const transporter = mailer({ maxConnections: 1 });
      const controllers = Array.from({ length: 6 }, () => new AbortController());
      const endless = Readable.from(
        (async function* () {
          for (;;) {
            yield Buffer.alloc(10_000, "x");
            await new Promise((resolve) => setTimeout(resolve, 5));
          }
        })(),
      );
      const sent = controllers.map(({ signal }, i) =>
        transporter.sendMail({
          ...{ from: ALICE, to: `bob@${DOMAIN}`, subject: `cancelled ${i}.`, signal },
          ...(i === 0 ? { attachments: [{ content: endless }] } : { text: "x" }),
        }),
      );
      const all = Promise.allSettled(sent);
      controllers[2]!.abort();
      setTimeout(() => controllers[0]!.abort(), 300);
      expect((await all).map((each) => (each.status === "rejected" ? each.reason.code : "sent"))).toEqual([
        "EABORT",
        "sent",
        "EABORT",
        "sent",
        "sent",
        "sent",
      ]);
      const came = await eventually(
        async () => (await live.delivered("bob")).map((mail) => /^Subject: cancelled (\d)/m.exec(String(mail))?.[1]),
        (numbers) => numbers.filter(Boolean).length >= 4,
      );
      expect(came.filter(Boolean).sort()).toEqual(["1", "3", "4", "5"]);
    });

    test("close(): idle connections end, and nothing is taken any more", async () => {
      const transporter = mailer();
      await transporter.sendMail({ from: ALICE, to: ALICE, subject: "last", text: "x" });
      transporter.close();
      const error = await refusal(transporter.sendMail({ from: ALICE, to: ALICE, text: "x" }));
      expect(error).toMatchObject({ code: "ECONNECTION" });
    });
  });
}
