/** Postfix's smtp-sink: ESMTP, HELO only, LMTP; and one that refuses, stops and hangs up. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { ConnectionError } from "../../../src/client/errors.js";
import { failure } from "../../net/loopback.js";
import { describeLive } from "../available.js";
import { type LiveSink, startSink } from "../servers/sink.js";
import { connected, eventually, HARD } from "./bed.js";

const MESSAGE = { envelope: { from: "alice@x.org", to: ["bob@y.org", "carol@y.org"] }, raw: HARD };
const PLAIN = { security: "plain" } as const;

describeLive("sink", "smtp-sink, live", () => {
  const running: LiveSink[] = [];
  const start = async (options: Parameters<typeof startSink>[0]) => {
    const sink = await startSink(options);
    running.push(sink);
    return { ...sink, ca: "" };
  };
  let sinks: Record<string, Awaited<ReturnType<typeof start>>>;
  beforeAll(async () => {
    const [esmtp, helo, lmtp] = await Promise.all([start({}), start({ esmtp: false }), start({ lmtp: true })]);
    sinks = { esmtp, helo, lmtp };
  });
  afterAll(() => Promise.all(running.map((sink) => sink.stop())));

  test.each(["esmtp", "helo", "lmtp"])("%s: messages arrive, one by one and many at once", async (name) => {
    const sink = sinks[name]!;
    const smtp = await connected(sink, sink.port, { ...PLAIN, lmtp: name === "lmtp" });
    expect(smtp.has("PIPELINING")).toBe(name !== "helo");
    const { accepted } = await smtp.send(MESSAGE);
    expect(accepted.map(({ recipient }) => recipient)).toEqual(MESSAGE.envelope.to);
    const outcomes = await smtp.sendAll(Array.from({ length: 50 }, () => MESSAGE)).toArray();
    expect(outcomes.every(({ state }) => state === "sent")).toBe(true);
    await smtp.quit();
    const messages = await eventually(
      () => sink.messages(),
      (all) => all.length === 51,
    );
    for (const { content } of messages) expect(content.toString()).toBe(HARD.toString().replaceAll("\r\n", "\n"));
    expect(messages[50]).toMatchObject({ rcpt: ["<bob@y.org>", "<carol@y.org>"] });
  });

  test("one that defers recipients, and one that refuses the data", async () => {
    const [deferring, refusing] = await Promise.all([start({ defer: ["RCPT"] }), start({ reject: ["."] })]);
    const first = await connected(deferring, deferring.port, PLAIN);
    expect(await failure(first.send(MESSAGE))).toMatchObject({ name: "SendError", code: "450", retryable: true });
    await first.noop();
    const second = await connected(refusing, refusing.port, PLAIN);
    expect(await failure(second.send(MESSAGE))).toMatchObject({ name: "SendError", code: "500" });
    await second.noop();
  });

  test("one that hangs up behind the data leaves the message in doubt, one that does so at DATA does not", async () => {
    const [late, early] = await Promise.all([start({ drop: ["."] }), start({ drop: ["DATA"] })]);
    const first = await connected(late, late.port, PLAIN);
    const outcomes = await first.sendAll([MESSAGE, MESSAGE]).toArray();
    expect(outcomes.map(({ state }) => state)).toEqual(["unknown", "unsent"]);
    const second = await connected(early, early.port, PLAIN);
    const error = await failure(second.send(MESSAGE));
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error).toMatchObject({ retryable: true });
  });

  test("421 in the middle", async () => {
    const sink = await start({ shut: ["RCPT"] });
    const smtp = await connected(sink, sink.port, PLAIN);
    const outcomes = await smtp.sendAll([MESSAGE, MESSAGE]).toArray();
    expect(outcomes.map(({ state }) => state)).not.toContain("sent");
    expect(smtp.state).toBe("closed");
  });
});
