/** One GiB in flat memory, in one message and in many, measured in a process of its own. */
import { expect, onTestFinished, test } from "vitest";
import { SmtpServer } from "../../../src/testing/smtp-server.js";
import { describeLive } from "../available.js";
import { startSink } from "../servers/sink.js";
import { watchedChild } from "../watched-child.js";

const MiB = 1024 * 1024;

/** Sends one GiB, in one message or in many of so many octets. */
function sendLarge(port: number, chunking: boolean, ...size: string[]) {
  const args = [String(port), "1024", String(chunking), ...size];
  return watchedChild<{ bytes: number; expected: number; grown: number }>(import.meta.dirname, ...args);
}

describeLive("sink", "one GiB", () => {
  test("by DATA to smtp-sink: dots stuffed on the way, memory does not grow", { timeout: 120_000 }, async () => {
    const sink = await startSink({ keep: "nothing" });
    onTestFinished(() => sink.stop());
    const { bytes, expected, grown } = await sendLarge(sink.port, false);
    expect(bytes).toBe(expected);
    expect(grown).toBeLessThan(48 * MiB);
  });

  test("by BDAT, in chunks: memory does not grow", { timeout: 120_000 }, async () => {
    const server = await SmtpServer.start({ keep: "count", faults: {} });
    onTestFinished(() => server.close());
    const { bytes, expected, grown } = await sendLarge(server.port, true);
    expect(bytes).toBe(expected);
    expect(grown).toBeLessThan(48 * MiB);
    expect(server.messageCount).toBe(2);
  });

  test("in messages of 64 KiB to smtp-sink: those that were sent are forgotten", { timeout: 120_000 }, async () => {
    const sink = await startSink({ keep: "nothing" });
    onTestFinished(() => sink.stop());
    const { bytes, expected, grown } = await sendLarge(sink.port, false, "65536");
    expect(bytes).toBe(expected);
    expect(grown).toBeLessThan(128 * MiB);
  });
});
