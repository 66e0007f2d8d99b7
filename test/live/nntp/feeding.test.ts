/** Articles given to news servers as another server does: IHAVE, CHECK, TAKETHIS. */
import { expect, it } from "vitest";
import { ReplyError, UsageError } from "../../../src/client/errors.js";
import type { NntpClient } from "../../../src/nntp/client.js";
import { type Bed, describeNews, errorOf, expectUsable } from "./bed.js";

const GROUP = "polywire.test";
let made = 0;

/** An article as servers give it to each other: complete, with a Path. */
function article(body = "Hello.\r\n", group = GROUP): { id: string; bytes: Buffer } {
  const id = `<feed.${++made}@example.org>`;
  const date = new Date().toUTCString();
  const head = `Path: feeder.example!not-for-mail\r\nFrom: a@example.org\r\nNewsgroups: ${group}\r\nSubject: ${made}`;
  return { id, bytes: Buffer.from(`${head}\r\nDate: ${date}\r\nMessage-ID: ${id}\r\n\r\n${body}`, "latin1") };
}

/** A client on innd's own port, where feeds are taken. */
async function feeder(bed: Bed): Promise<NntpClient> {
  const port = bed.server.feedPort as number;
  const nntp = bed.client({ port, credentials: undefined, modeReader: false });
  await nntp.connect();
  expect(nntp.has("STREAMING")).toBe(true);
  return nntp;
}

describeNews("inn", {}, "inn", (bed) => {
  it.each(["reader", "feeder"] as const)("takes articles by IHAVE, once (as a %s)", async (role) => {
    const nntp = role === "reader" ? await bed.ready() : await feeder(bed);
    const reader = await bed.ready();
    const body = ".\r\n..\r\n.hidden\r\n\xe9\r\n";
    const { id, bytes } = article(body);
    expect(await nntp.ihave(id, bytes)).toBe(true);
    expect((await reader.body(id)).content.toString("latin1")).toBe(body);
    expect(await nntp.ihave(id, bytes)).toBe(false);
    const bad = article("Hello.\r\n", "no.such.group");
    const error = await errorOf(nntp.ihave(bad.id, bad.bytes));
    expect(error).toBeInstanceOf(ReplyError);
    expect(error).toMatchObject({ code: "437", transient: false, clientUsable: true });
    for (const none of ["", "a@b", "<a b@c>", "<a@b>\r\nQUIT"]) {
      expect(await errorOf(nntp.ihave(none, bytes))).toBeInstanceOf(UsageError);
    }
    await nntp.noop(); // innd has no DATE, and is alive
  });

  it("takes 500 articles by TAKETHIS that overlap, each answered as itself", async () => {
    const nntp = await feeder(bed);
    const articles = Array.from({ length: 500 }, (_, index) => {
      const body = `.${index}\r\n..\r\n${"a line\r\n".repeat(index % 50)}`;
      return { body, ...article(body, index % 10 === 9 ? "no.such.group" : GROUP) };
    });
    const taken = await Promise.all(articles.map(({ id, bytes }) => nntp.takethis(id, bytes)));
    expect(taken).toEqual(articles.map((_, index) => index % 10 !== 9));
    const again = await Promise.all(articles.map(({ id, bytes }) => nntp.takethis(id, bytes)));
    expect(new Set(again)).toEqual(new Set([false]));
    const reader = await bed.ready();
    const kept = articles.filter((_, index) => index % 10 !== 9);
    const bodies = await Promise.all(kept.map(({ id }) => reader.body(id)));
    expect(bodies.map(({ content }) => content.toString("latin1"))).toEqual(kept.map(({ body }) => body));
  });

  it("says by CHECK which articles it wants", async () => {
    const nntp = await feeder(bed);
    const known = article();
    expect(await nntp.takethis(known.id, known.bytes)).toBe(true);
    const answers = await Promise.all([nntp.check(known.id), nntp.check("<new@example.org>"), nntp.check(known.id)]);
    expect(answers).toEqual(["unwanted", "wanted", "unwanted"]);
    const mixed = await Promise.all(
      Array.from({ length: 100 }, (_, index) => {
        const { id, bytes } = article();
        return index % 2 ? nntp.takethis(id, bytes) : nntp.check(id);
      }),
    );
    expect(mixed).toEqual(mixed.map((_, index) => (index % 2 ? true : "wanted")));
  });

  it("says that a server which takes a pause may take an article later", async () => {
    const nntp = await feeder(bed);
    const { id, bytes } = article();
    await bed.server.control("pause", "for a test");
    try {
      expect(await nntp.check(id)).toBe("later");
      const later = { name: "ReplyError", code: "436", transient: true, retryable: true, clientUsable: true };
      expect(await errorOf(nntp.ihave(id, bytes))).toMatchObject(later);
      const gone = { code: "400", retryable: true, clientUsable: false };
      expect(await errorOf(nntp.takethis(id, bytes))).toMatchObject(gone);
      expect(nntp.state).toBe("closed");
    } finally {
      await bed.server.control("go", "for a test");
    }
    expect(await (await feeder(bed)).takethis(id, bytes)).toBe(true);
  });

  it("is refused CHECK on the port for readers", async () => {
    const nntp = await bed.ready();
    expect(await errorOf(nntp.check("<a@b>"))).toMatchObject({ name: "ReplyError", code: "500", clientUsable: true });
    await expectUsable(nntp);
  });

  // Such a server takes the lines of the article for commands: RFC 4644 §2.5.
  it("sends no TAKETHIS to a server that does not announce STREAMING", async () => {
    const nntp = await bed.ready();
    const reader = await bed.ready();
    await nntp.group(GROUP);
    const { id, bytes } = article("GROUP polywire.empty\r\n");
    expect(await errorOf(nntp.takethis(id, bytes))).toMatchObject({ name: "UsageError", clientUsable: true });
    await expectUsable(nntp);
    expect(await errorOf(reader.stat(id))).toMatchObject({ code: "430" });
  });
});

describeNews("cyrus", {}, "cyrus", (bed) => {
  it("says by CHECK that it wants what it has not", async () => {
    const nntp = await bed.ready();
    const ids = Array.from({ length: 200 }, (_, index) => `<check.${index}@example.org>`);
    expect(await Promise.all(ids.map((id) => nntp.check(id)))).toEqual(ids.map(() => "wanted"));
    await expectUsable(nntp);
  });
});
