/** IMAP4rev2 (RFC 9051), UTF8=ACCEPT (RFC 6855), and connect() and login() in few round trips. */
import { describe, expect, onTestFinished, test } from "vitest";
import { Transcript } from "../../src/client/transcript.js";
import { hasCapability } from "../../src/imap/abilities.js";
import { ImapClient } from "../../src/imap/client.js";
import type { ImapOptions } from "../../src/imap/options.js";
import { parseCapabilities } from "../../src/imap/parse-capability.js";
import type { ImapServerOptions } from "../../src/testing/imap/options.js";
import { ImapServer } from "../../src/testing/imap-server.js";
import { testTls } from "../../src/testing/tls.js";
import { ALICE, QUICK, ready } from "./dialogue.js";

async function started(server: ImapServerOptions, given: Partial<ImapOptions> = {}) {
  const users = {
    alice: { password: ALICE.password, mailboxes: { INBOX: { messages: { generate: 5 } }, "Träume & mehr": {} } },
  };
  const memory = await ImapServer.start({ users, ...server });
  onTestFinished(() => memory.close());
  const transcript = new Transcript();
  const { host, port } = memory;
  const rest = { host, port, security: "plain", timeouts: QUICK, credentials: ALICE, transcript } as const;
  const imap = new ImapClient({ ...rest, ...given, tls: { ca: testTls.ca } });
  onTestFinished(() => imap.close());
  await imap.connect();
  await imap.login();
  return { server: memory, imap, transcript };
}

/** Everything that is told in another way. */
async function use(imap: ImapClient): Promise<void> {
  await imap.create("Größe 日本");
  expect((await imap.list()).map(({ name }) => name).sort()).toEqual(["Größe 日本", "INBOX", "Träume & mehr"].sort());
  expect(await imap.status("Träume & mehr", ["MESSAGES"])).toMatchObject({ messages: 0 });
  await imap.append("Größe 日本", { text: "Subject: Grüße\n\nhällo\n" });
  const mailbox = await imap.select("Größe 日本");
  expect(mailbox.exists).toBe(1);
  expect(await imap.search({ subject: "grüße" })).toEqual([1]);
  expect((await imap.fetch(1, ["ENVELOPE"]).toArray())[0]?.envelope?.subject).toBe("Grüße");
  expect((await imap.copy(1, "Träume & mehr"))?.uids.toString()).toBe("1");
  await imap.rename("Träume & mehr", "Träume, mehr");
  const watch = imap.idle()[Symbol.asyncIterator]();
  const first = watch.next();
  await imap.noop();
  await imap.append("Größe 日本", { text: "Subject: x\n\nx\n" });
  expect((await first).value).toMatchObject({ type: "exists", exists: 2 });
  await watch.return();
}

describe("IMAP4rev2", () => {
  test("enabled: names are UTF-8, nothing is RECENT, and all goes on", async () => {
    const { imap, server, transcript } = await started({});
    expect(await imap.enable(["IMAP4rev2"])).toEqual(["IMAP4REV2"]);
    expect((await imap.select("INBOX")).recent).toBeUndefined();
    await use(imap);
    expect(server.violations).toEqual([]);
    expect(transcript.script()).not.toContain("&AP");
  });

  test("a server that knows no other is spoken to so from the beginning", async () => {
    const capabilities = (words: string[]) =>
      words.filter((word) => /^(?:IMAP4rev2|AUTH=.*|COMPRESS=DEFLATE)$/.test(word));
    const { imap, server } = await started({ capabilities });
    expect([imap.has("IDLE"), imap.has("UIDPLUS"), imap.has("SORT")]).toEqual([true, true, false]);
    // In memory it is one that wants to be told.
    await imap.enable(["IMAP4rev2"]);
    await use(imap);
    expect(server.commands.some((line) => line.endsWith("IDLE"))).toBe(true);
    expect(server.violations).toEqual([]);
  });

  test.each([
    ["IMAP4rev2", "IDLE", false, true],
    ["IMAP4rev1 IMAP4rev2", "IDLE", false, false],
    ["IMAP4rev1 IMAP4rev2", "idle", true, true],
    ["IMAP4rev1 IMAP4rev2", "SORT", true, false],
    ["IMAP4rev1", "IDLE", false, false],
    ["IMAP4rev1 idle", "IDLE", false, true],
  ])("%s has %s (enabled: %s): %s", (announced, word, rev2, expected) => {
    expect(hasCapability(parseCapabilities(announced), word, undefined, rev2)).toBe(expected);
  });

  test("its names are UTF-8 where it knows no other form", async () => {
    const name = Buffer.from("ü\r\n").toString("base64");
    const told = "C: A2 CAPABILITY\nS: * CAPABILITY IMAP4rev2\nS: A2 OK\n";
    const { imap, server } = await ready(`${told}C: A3 CREATE {2+}\nC~ ${name}\nS: A3 OK\n`);
    await imap.capability();
    await imap.create("ü");
    await server.done;
  });
});

describe("UTF8=ACCEPT", () => {
  test("names and strings are UTF-8 then", async () => {
    const { imap, server } = await started({ features: { imap4rev2: false } });
    expect(await imap.enable(["UTF8=ACCEPT"])).toEqual(["UTF8=ACCEPT"]);
    await use(imap);
    expect(server.violations).toEqual([]);
  });

  test("… only where it was asked for, and agreed to", async () => {
    const script =
      "C: A2 NOOP\nS: * ENABLED UTF8=ACCEPT\nS: A2 OK\nC: A3 CREATE &APw-\nS: A3 OK\nC: A4 ENABLE UTF8=ACCEPT\nS: A4 OK nothing\nC: A5 CREATE &APw-\nS: A5 OK\n";
    const { imap, server } = await ready(script);
    await imap.noop();
    await imap.create("ü");
    expect(await imap.enable(["UTF8=ACCEPT"])).toEqual([]);
    await imap.create("ü");
    await server.done;
  });
});

describe("round trips", () => {
  /** How often the client speaks behind the server: once for each round trip. */
  const turns = ({ lines }: Transcript) => {
    const who = lines.map((line) => line.who).filter((each) => each !== "#");
    return who.filter((each, i) => each === "C" && who[i - 1] === "S").length;
  };

  test.each([
    ["PLAIN, compressed", ["PLAIN"], true, 2],
    ["PLAIN", ["PLAIN"], false, 1],
    // One more: the server proves itself, too.
    ["SCRAM", ["SCRAM-SHA-256"], false, 3],
  ] as const)(
    "%s over TLS: four with those of TCP and TLS, where the mechanism lets it",
    async (_, mechanisms, compress, most) => {
      const { transcript } = await started(
        { tls: "implicit" },
        { security: "tls", mechanisms: [...mechanisms], compress },
      );
      expect(turns(transcript)).toBe(most);
      expect(transcript.script()).not.toContain("CAPABILITY\n");
    },
  );
});
