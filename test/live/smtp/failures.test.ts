/** What goes wrong with Postfix and Exim: killed in mid window, cancelled, full, silent, TLS that does not fit. */
import { Readable } from "node:stream";
import { expect, onTestFinished, test } from "vitest";
import { AbortedError, ConnectionError, ReplyError, TlsError } from "../../../src/client/errors.js";
import type { SendOutcome } from "../../../src/smtp/result.js";
import { failure } from "../../net/loopback.js";
import { describeLive } from "../available.js";
import { certificates } from "../servers/certs.js";
import { DOMAIN, type LiveMta, MTA_KINDS, type MtaKind, type MtaOptions, startMta } from "../servers/mta.js";
import { client, complete, connected, eventually } from "./bed.js";

const ALICE = `alice@${DOMAIN}`;
const BOB = `bob@${DOMAIN}`;
const PLAIN = { security: "plain" } as const;
/** Messages of which a server is killed in the middle: more than it takes while this process is held up. */
const MANY = 3_000;

async function server(kind: MtaKind, options: MtaOptions): Promise<LiveMta> {
  const live = await startMta(kind, options);
  onTestFinished(() => live.stop());
  return live;
}

const sender = (i: number) => `m${i}@${DOMAIN}`;
const letter = (i: number) => ({
  envelope: { from: sender(i), to: ALICE },
  raw: Buffer.from([...complete(sender(i)), `Message-ID: <${sender(i)}>`, "", "x", ""].join("\r\n")),
});

/** Senders of the messages that the server has: delivered, or still in its queue. */
async function kept(live: LiveMta): Promise<Set<string>> {
  const queued = (await live.queue()).map(({ from }) => from);
  const delivered = (await live.delivered("alice")).map((mail) => /^Subject: (.*)$/m.exec(mail.toString())?.[1] ?? "");
  return new Set([...queued, ...delivered]);
}

function expectTruth(outcomes: readonly SendOutcome[], has: ReadonlySet<string>): void {
  for (const { index, state, error } of outcomes) {
    if (state !== "unknown") expect(has.has(sender(index)), `message ${index} is ${state}`).toBe(state === "sent");
    expect(error === undefined).toBe(state === "sent");
    if (error) expect(error.retryable).toBe(state === "unsent");
  }
}

for (const kind of MTA_KINDS) {
  describeLive(kind, `${kind}: failures, live`, () => {
    test.each([
      ["BDAT", {}],
      ["DATA", { chunking: false }],
      ["one command after the other", { chunking: false, pipelining: 1 }],
    ])(
      "killed in the middle of many messages by %s: what was sent is there, what was not is not",
      async (_, manner) => {
        const live = await server(kind, { tls: "none" });
        const smtp = await connected(live, live.ports.smtp, { ...PLAIN, ...manner });
        const outcomes: SendOutcome[] = [];
        for await (const outcome of smtp.sendAll(Array.from({ length: MANY }, (_, i) => letter(i)))) {
          if (outcomes.push(outcome) === 30) live.signal("SIGKILL");
        }
        expect(outcomes.map(({ index }) => index)).toEqual(Array.from({ length: MANY }, (_, i) => i));
        expectTruth(outcomes, await kept(live));
        const count = (wanted: string) => outcomes.filter(({ state }) => state === wanted).length;
        expect(count("sent")).toBeGreaterThanOrEqual(30);
        expect(count("unsent")).toBeGreaterThan(0);
        expect(count("unknown")).toBeLessThanOrEqual(16);
        expect(smtp.state).toBe("closed");
      },
    );

    test("many messages, cancelled by their signal: the loop rejects, and what it saw sent is there", async () => {
      const live = await server(kind, { tls: "none" });
      const smtp = await connected(live, live.ports.smtp, PLAIN);
      const controller = new AbortController();
      const seen: SendOutcome[] = [];
      const loop = (async () => {
        const letters = Array.from({ length: 500 }, (_, i) => letter(i));
        for await (const outcome of smtp.sendAll(letters, { signal: controller.signal })) {
          if (seen.push(outcome) === 20) controller.abort();
        }
      })();
      expect(await failure(loop)).toBeInstanceOf(AbortedError);
      expect(smtp.state).toBe("closed");
      const has = await kept(live);
      for (const { index, state } of seen) if (state === "sent") expect(has.has(sender(index))).toBe(true);
      expect(has.size).toBeLessThan(500);
    });

    test("a message cancelled in its middle does not arrive; its stream is let go of", async () => {
      const live = await server(kind, { tls: "none" });
      for (const chunking of [true, false]) {
        const smtp = await connected(live, live.ports.smtp, { ...PLAIN, chunking });
        const controller = new AbortController();
        let pieces = 0;
        const raw = Readable.from(
          (async function* () {
            for (;;) {
              if (++pieces === 20) controller.abort();
              yield Buffer.alloc(32_000, "a line of text.\r\n");
              await new Promise(setImmediate);
            }
          })(),
        );
        const message = { envelope: { from: sender(0), to: ALICE }, raw };
        expect(await failure(smtp.send(message, { signal: controller.signal }))).toBeInstanceOf(AbortedError);
        expect(smtp.state).toBe("closed");
        await eventually(
          async () => raw.destroyed,
          (destroyed) => destroyed,
        );
      }
      expect(await kept(live)).toEqual(new Set());
    });

    test("too many connections: 421 in place of a greeting, and it may be tried again", async () => {
      const live = await server(kind, { tls: "none", maxClients: 1 });
      const first = await connected(live, live.ports.smtp, PLAIN);
      await first.noop();
      const error = await failure(client(live, live.ports.smtp, PLAIN).connect());
      expect(error).toBeInstanceOf(ReplyError);
      expect(error).toMatchObject({ code: "421", retryable: true, clientUsable: false });
      await first.send(letter(0));
    });

    test("silence that the server does not bear: it says 421, and the next call that it was closed", async () => {
      const live = await server(kind, { tls: "none", idleTimeout: 1 });
      const smtp = await connected(live, live.ports.smtp, PLAIN);
      await eventually(
        async () => smtp.state,
        (state) => state === "closed",
      );
      const error = await failure(smtp.send(letter(0)));
      expect(error.message).toMatch(/closed|closes/);
      expect(await kept(live)).toEqual(new Set());
    });

    test("a server that hangs is waited for as long as the call says; nobody knows of the message", async () => {
      const live = await server(kind, { tls: "none" });
      const smtp = await connected(live, live.ports.smtp, PLAIN);
      await smtp.send(letter(0));
      live.signal("SIGSTOP");
      const error = await failure(smtp.send(letter(1), { timeout: 300 }));
      live.signal("SIGCONT");
      expect(error).toBeInstanceOf(ConnectionError);
      expect(error).toMatchObject({ retryable: false, cause: { name: "TimeoutError" } });
      expect(smtp.state).toBe("closed");
    });

    test.each([
      ["wrongHost", /the certificate is for wrong\.example/],
      ["expired", /the certificate has expired on 2021-01-01/],
    ] as const)("TLS with a certificate that is no good: %s", async (name, says) => {
      const live = await server(kind, { certificate: (await certificates())[name] });
      for (const [port, security] of [
        [live.ports.submission, "starttls"],
        [live.ports.smtps, "tls"],
      ] as const) {
        const smtp = client(live, port, { security, credentials: { user: live.user, password: live.password } });
        const error = await failure(smtp.connect());
        expect(error).toBeInstanceOf(TlsError);
        expect(error.message).toMatch(says);
        expect(smtp.transcript.script()).not.toMatch(/^C: (?:AUTH|MAIL)/m);
        expect(smtp.state).toBe("closed");
      }
    });

    test("TLS that is not there is an error, and nothing is said in the clear", async () => {
      const live = await server(kind, { tls: "none" });
      const smtp = client(live, live.ports.smtp);
      const error = await failure(smtp.connect());
      expect(error).toBeInstanceOf(TlsError);
      expect(error.message).toMatch(/STARTTLS/);
      const implicit = await failure(client(live, live.ports.smtp, { security: "tls" }).connect());
      expect(implicit).toBeInstanceOf(TlsError);
    });

    test("a CA that is not known, and one that is not asked for", async () => {
      const live = await server(kind, {});
      const unknown = client(live, live.ports.smtp, { tls: {} });
      expect(await failure(unknown.connect())).toMatchObject({ name: "TlsError", phase: "tls" });
      const careless = client(live, live.ports.smtp, { tls: { rejectUnauthorized: false } });
      await careless.connect();
      expect(careless.secure).toBe(true);
    });

    test("a server that wants TLS, asked without: 530 for each message, none of which it reads as commands", async () => {
      const live = await server(kind, { requireTls: true });
      const smtp = await connected(live, live.ports.smtp, PLAIN);
      // What Postfix would answer with 250, had it taken the content for commands.
      const raw = Buffer.from("NOOP\r\n".repeat(10));
      const letters = Array.from({ length: 5 }, () => ({ envelope: { from: ALICE, to: BOB }, raw }));
      const outcomes = await smtp.sendAll(letters).toArray();
      for (const { state, error } of outcomes) {
        expect(state).toBe("refused");
        expect(error).toMatchObject({ name: "SendError", code: "530" });
      }
      await smtp.noop();
    });
  });
}
