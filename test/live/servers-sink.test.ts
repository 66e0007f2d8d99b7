/** smtp-sink and smtp-source themselves: what the bed makes of them. No client of ours. */
import { afterEach, expect, it } from "vitest";
import { describeLive } from "./available.js";
import { RawTalk } from "./servers/raw.js";
import { type LiveSink, runSource, type SinkOptions, startSink } from "./servers/sink.js";

const running: LiveSink[] = [];
const talking: RawTalk[] = [];

async function sink(options?: SinkOptions): Promise<LiveSink> {
  const server = await startSink(options);
  running.push(server);
  return server;
}

async function open(server: LiveSink): Promise<RawTalk> {
  const raw = await RawTalk.open(server);
  talking.push(raw);
  return raw;
}

afterEach(async () => {
  for (const raw of talking.splice(0)) raw.close();
  await Promise.all(running.splice(0).map((server) => server.stop()));
});

describeLive("sink", "smtp-sink", () => {
  it("keeps what it is sent, in order, with its envelope", async () => {
    const server = await sink();
    const raw = await open(server);
    await raw.reply();
    expect(await raw.command("EHLO me")).toMatch(/-PIPELINING\r\n[\s\S]*250 $/);
    for (const to of ["b", "c"]) {
      for (const line of ["MAIL FROM:<a@example.org>", `RCPT TO:<${to}>`, "DATA"]) await raw.command(line);
      expect(await raw.command(`Subject: ${to}\r\n\r\n..dot\r\nFrom x\r\n\r\n.`)).toMatch(/^250 /);
    }
    expect(await server.messages()).toEqual(
      ["b", "c"].map((to) => ({
        helo: "me",
        mail: "<a@example.org>",
        rcpt: [`<${to}>`],
        content: Buffer.from(`Subject: ${to}\n\n.dot\nFrom x\n\n`),
      })),
    );
    await server.stop();
    expect(await server.messages()).toHaveLength(2);
  });

  it("knows no EHLO where that is wanted", async () => {
    const raw = await open(await sink({ esmtp: false }));
    await raw.reply();
    expect(await raw.command("EHLO me")).toMatch(/^500 /);
    expect(await raw.command("HELO me")).toMatch(/^250 /);
  });

  it("answers each recipient in LMTP", async () => {
    const raw = await open(await sink({ lmtp: true }));
    await raw.reply();
    expect(await raw.command("LHLO me")).toMatch(/^250-/);
    for (const line of ["MAIL FROM:<a>", "RCPT TO:<b>", "RCPT TO:<c>", "DATA"]) await raw.command(line);
    expect(await raw.command("x\r\n.")).toMatch(/^250 /);
    expect(await raw.reply()).toMatch(/^250 /);
  });

  it("refuses, defers, leaves and shuts at the commands it is told", async () => {
    const options = {
      reject: ["VRFY"],
      defer: ["DATA"],
      drop: ["RSET"],
      shut: ["NOOP"],
      without: ["DSN", "AUTH"],
    } as const;
    const server = await sink(options);
    const raw = await open(server);
    await raw.reply();
    expect(await raw.command("EHLO me")).not.toMatch(/DSN|AUTH|PIPELINING/);
    expect(await raw.command("VRFY x")).toMatch(/^500 /);
    await raw.command("MAIL FROM:<a>");
    await raw.command("RCPT TO:<b>");
    expect(await raw.command("DATA")).toMatch(/^450 /);
    await expect(raw.command("RSET")).rejects.toThrow(/hung up/);
    const again = await open(server);
    await again.reply();
    expect(await again.command("NOOP")).toMatch(/^421 /);
    await again.ended();
  });

  it("takes what smtp-source sends", async () => {
    const server = await sink({ keep: "a file each" });
    await runSource(server, { count: 50, sessions: 5, size: 5000, to: "b@example.org" });
    const messages = await server.messages();
    expect(messages).toHaveLength(50);
    expect(messages.every(({ content }) => content.length > 4000)).toBe(true);
  });
});
