/** Servers that ask for a login in the middle (480): it is given, and the command repeated; or it is refused, and says so. */
import { expect, it } from "vitest";
import { LoginError, ReplyError } from "../../../src/client/errors.js";
import { Transcript } from "../../../src/client/transcript.js";
import { completeArticle } from "../../../src/message/compose.js";
import { describeEach, describeNews, errorOf, expectUsable } from "./bed.js";

describeEach({ auth: "groups" }, (bed) => {
  it("logs in when the server asks for it, and repeats the command", async () => {
    const transcript = new Transcript();
    const nntp = bed.client({ transcript });
    await nntp.connect();
    expect((await nntp.group("polywire.empty")).count).toBe(0);
    expect(nntp.has("AUTHINFO")).toBe(false);
    await expectUsable(nntp);
    const said = transcript.lines.filter(({ who }) => who === "C").map(({ text }) => text);
    expect(said.filter((text) => text === "GROUP polywire.empty")).toHaveLength(3);
    expect(said.filter((text) => /^AUTHINFO PASS/.test(text))).toEqual(["AUTHINFO PASS ***"]);
  });

  it.runIf(bed.has.streaming)("logs in in the middle of CHECK", async () => {
    const nntp = bed.client();
    await nntp.connect();
    const ids = ["<a@check.example>", "<b@check.example>"];
    expect(await Promise.all(ids.map((id) => nntp.check(id)))).toEqual(["wanted", "wanted"]);
    await expectUsable(nntp);
  });

  it("logs in once for many calls that overlap", async () => {
    const transcript = new Transcript();
    const nntp = bed.client({ transcript });
    await nntp.connect();
    const names = ["empty", "test", "latin", "umlaut"].map((name) => `polywire.${name}`);
    const groups = await Promise.all([...names, ...names].map((name) => nntp.group(name)));
    expect(groups.map(({ name }) => name)).toEqual([...names, ...names]);
    expect(transcript.lines.filter(({ who, text }) => who === "C" && /^AUTHINFO USER/.test(text))).toHaveLength(1);
    await expectUsable(nntp);
  });

  it("asks a function for the credentials when they are wanted", async () => {
    let asked = 0;
    const { user, password } = bed.server;
    const nntp = bed.client({ credentials: () => ({ user, password: asked++ ? "" : password }) });
    await nntp.connect();
    expect(asked).toBe(0);
    expect((await nntp.group("polywire.empty")).count).toBe(0);
    expect(asked).toBe(1);
  });

  it("refuses with 480 where there are no credentials, and takes them afterwards", async () => {
    const nntp = bed.client({ credentials: undefined, compress: false });
    await nntp.connect();
    const error = await errorOf(nntp.group("polywire.empty"));
    expect(error).toBeInstanceOf(ReplyError);
    expect(error).toMatchObject({ code: "480", clientUsable: true });
    expect(error.message).toMatch(/wants a login: give credentials/);
    const { user, password } = bed.server;
    await nntp.login({ user, password });
    await expectUsable(nntp);
  });

  it("rejects with LoginError where the credentials for a login in the middle are wrong", async () => {
    const nntp = bed.client({ credentials: { user: bed.server.user, password: "wrong" } });
    await nntp.connect();
    const errors = await Promise.all([errorOf(nntp.group("polywire.empty")), errorOf(nntp.group("polywire.test"))]);
    for (const error of errors) {
      expect(error).toBeInstanceOf(LoginError);
      expect(error).toMatchObject({ code: "481", clientUsable: true });
    }
    await nntp.login({ user: bed.server.user, password: bed.server.password });
    await expectUsable(nntp);
  });

  it("takes no login on a connection that is compressed already, and says so", async () => {
    const nntp = bed.client({ credentials: undefined });
    await nntp.connect();
    expect(nntp.has("COMPRESS")).toBe(false);
    const { user, password } = bed.server;
    const outcome = await nntp.login({ user, password }).catch((error) => error);
    // RFC 8054 §2.2 forbids it; Cyrus takes it nevertheless.
    if (bed.kind === "cyrus") expect(outcome).toBeUndefined();
    else expect(outcome).toMatchObject({ code: "502", clientUsable: true });
    await nntp.noop();
  });
});

describeNews("inn", { auth: "read", seed: true }, "inn that asks for a login for everything", (bed) => {
  it.each(["article", "over", "list", "stat"] as const)("logs in in the middle of %s", async (method) => {
    const nntp = bed.client();
    await nntp.connect();
    const id = "<1.polywire.umlaut@seed.example>";
    if (method === "article") expect((await nntp.article(id)).content.length).toBeGreaterThan(300);
    if (method === "stat") expect((await nntp.stat(id)).messageId).toBe(id);
    if (method === "list") expect((await nntp.list().toArray()).length).toBeGreaterThan(10);
    await nntp.group("polywire.umlaut");
    if (method === "over") expect(await nntp.over("1-").toArray()).toHaveLength(10);
    await expectUsable(nntp);
  });

  it("gives every row of overlapping calls that were all answered by 480", async () => {
    const nntp = bed.client();
    await nntp.connect();
    const ids = Array.from({ length: 50 }, (_, index) => `<${index + 10}.polywire.big@seed.example>`);
    const articles = await Promise.all(ids.map((id) => nntp.article(id)));
    expect(articles.map(({ messageId }) => messageId)).toEqual(ids);
    await expectUsable(nntp);
  });
});

describeNews("inn", { auth: "post" }, "inn that asks for a login to post", (bed) => {
  const article = { from: "a@example.org", newsgroups: "polywire.test", subject: "s", text: "t\n" };

  it("lets read without one, and logs in when something is posted", async () => {
    const nntp = bed.client();
    await nntp.connect();
    expect(nntp.posting).toBe(true); // after a login, it means
    const { messageId } = await nntp.post(article);
    expect((await nntp.stat(messageId)).messageId).toBe(messageId);
    await expectUsable(nntp);
  });

  it("logs in when an article is offered", async () => {
    const nntp = bed.client();
    await nntp.connect();
    const id = "<offered@example.org>";
    const bytes = completeArticle(
      Buffer.from(`From: a@b.example\r\nNewsgroups: polywire.test\r\nSubject: s\r\nMessage-ID: ${id}\r\n\r\nt\r\n`),
    );
    expect(await nntp.ihave(id, bytes)).toBe(true);
    expect((await nntp.stat(id)).messageId).toBe(id);
  });

  it("refuses a post without credentials, and the client stays usable", async () => {
    const nntp = bed.client({ credentials: undefined });
    await nntp.connect();
    const error = await errorOf(nntp.post(article));
    expect(error).toMatchObject({ name: "ReplyError", code: "480", clientUsable: true });
    await expectUsable(nntp);
  });
});
