/** Logging in to real news servers: who is let in, who is not, and what a client may do before, in between and afterwards. */
import { describe, expect, it } from "vitest";
import { ConnectionError, LoginError, ReplyError, UsageError } from "../../../src/client/errors.js";
import { Transcript } from "../../../src/client/transcript.js";
import { open } from "../../../src/open.js";
import { NEWS_KINDS } from "../servers/news.js";
import { addUser, describeEach, describeNews, describeRows, errorOf, expectUsable, ROWS } from "./bed.js";
import { hiding } from "./between.js";

describeRows(ROWS, {}, (bed) => {
  it("connects, logs in, answers and quits", async () => {
    const nntp = bed.client();
    expect((await nntp.connect()).code).toBe("200");
    expect(nntp.posting).toBe(true);
    expect(nntp.state).toBe("connected");
    expect(nntp.secure).toBe(bed.tls !== "none");
    await nntp.login();
    expect(nntp.state).toBe("ready");
    await expectUsable(nntp);
    await nntp.quit();
    expect(nntp.state).toBe("closed");
    expect(await errorOf(nntp.date())).toBeInstanceOf(UsageError);
  });

  it("knows what the server announces: before the login, behind it, and compressed", async () => {
    const nntp = bed.client();
    await nntp.connect();
    expect(nntp.has("READER")).toBe(bed.has.anonymous);
    expect(nntp.has("authinfo", "user")).toBe(true);
    expect(nntp.has("COMPRESS", "DEFLATE")).toBe(bed.has.compress);
    expect(nntp.has("STARTTLS")).toBe(bed.tls === "none" && bed.kind === "inn");
    await nntp.login();
    expect(nntp.has("READER")).toBe(true);
    expect(nntp.has("AUTHINFO")).toBe(false);
    expect(nntp.has("STARTTLS")).toBe(false);
    expect(nntp.has("COMPRESS")).toBe(false);
    expect(bed.has.list.every((keyword) => nntp.has("LIST", keyword))).toBe(true);
  });

  it.each([
    [true, 1],
    ["deflate", 1],
    [false, 0],
  ] as const)("with the option compress: %s, COMPRESS is sent %i times", async (compress, times) => {
    const transcript = new Transcript();
    const nntp = await bed.ready({ compress, transcript });
    expect((await nntp.list("ACTIVE").toArray()).map(({ name }) => name)).toContain("polywire.empty");
    await expectUsable(nntp);
    expect(nntp.has("COMPRESS")).toBe(!times);
    expect(transcript.lines.filter(({ who, text }) => who === "C" && /^COMPRESS/.test(text))).toHaveLength(times);
    await nntp.quit();
  });

  it("leaves the client usable after a wrong password, which is shown nowhere", async () => {
    const transcript = new Transcript();
    const nntp = bed.client({ transcript });
    await nntp.connect();
    for (const password of ["not the one", "not-the-one", ""]) {
      const error = await errorOf(nntp.login({ user: bed.server.user, password }));
      // An empty password is a line without its argument to Cyrus.
      expect(error, password).toBeInstanceOf(LoginError);
      expect(error).toMatchObject({ transient: false, retryable: false, clientUsable: true });
      if (password !== "") expect(transcript.script() + error.message + error.stack).not.toContain(password);
      expect(nntp.state).toBe("connected");
    }
    await nntp.login();
    await expectUsable(nntp);
    expect(transcript.script()).not.toContain(bed.server.password);
  });

  it("cannot log in twice, and says so without asking the server", async () => {
    const nntp = await bed.ready();
    expect(await errorOf(nntp.login())).toBeInstanceOf(UsageError);
    await expectUsable(nntp);
  });

  it("makes a second client of the same options", async () => {
    const nntp = await bed.ready();
    const second = nntp.clone();
    await second.connect();
    await second.login();
    await Promise.all([expectUsable(second), expectUsable(nntp)]);
    await second.quit();
    await expectUsable(nntp);
  });
});

describeEach({}, (bed) => {
  it("opens a URL: connects, logs in, and selects the group", async () => {
    const { user, password, host, port } = bed.server;
    await using nntp = await open(`nntp://${user}:${password}@${host}:${port}/polywire.empty?security=plain`);
    expect(nntp.state).toBe("ready");
    expect(await errorOf(nntp.stat())).toMatchObject({ code: "420" });
  });

  it.each([
    ["SCRAM-SHA-256", "strongest first", undefined],
    ["PLAIN", "as the caller wants it", ["PLAIN"]],
  ])("logs in by SASL where there is no AUTHINFO USER: by %s, %s", async (name, _why, mechanisms) => {
    const { host, user } = bed.server;
    const transcript = new Transcript();
    const port = await hiding(host, bed.server.port, /(?<=^AUTHINFO) USER/m);
    const nntp = bed.client({ port, compress: false, transcript, mechanisms });
    await nntp.connect();
    const refused = await errorOf(nntp.login({ user, password: "wrong" }));
    expect(refused).toBeInstanceOf(LoginError);
    expect(refused).toMatchObject({ code: "481", clientUsable: true });
    await nntp.login();
    await expectUsable(nntp);
    const said = transcript.lines.filter(({ who }) => who === "C").map(({ text }) => text);
    expect(said.filter((text) => /^AUTHINFO/.test(text))).toEqual(Array(2).fill(`AUTHINFO SASL ${name} ***`));
    expect(transcript.script()).not.toContain(Buffer.from(`\0${user}\0`).toString("base64").slice(0, -4));
  });

  it.each(["SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5", "PLAIN", "LOGIN"])("logs in by %s", async (mechanism) => {
    const { user, password } = bed.server;
    const nntp = bed.client({ mechanisms: [mechanism] });
    await nntp.connect();
    if (!nntp.has("SASL", mechanism)) {
      expect(bed.kind).toBe("cyrus");
      const error = await errorOf(nntp.login({ user, password }));
      expect(error).toBeInstanceOf(UsageError);
      expect(error.message).toMatch("the server does not offer it");
      return;
    }
    expect(await errorOf(nntp.login({ user, password: `${password}x` }))).toBeInstanceOf(LoginError);
    expect(await errorOf(nntp.login({ user: "nobody", password }))).toBeInstanceOf(LoginError);
    await nntp.login({ user, password });
    await expectUsable(nntp);
  });

  it.each(["\r\nPOST", "a\nb", "a\0b"])("sends nothing for the user %j", async (user) => {
    const transcript = new Transcript();
    const nntp = bed.client({ transcript });
    await nntp.connect();
    const before = transcript.lines.length;
    expect(await errorOf(nntp.login({ user, password: "x" }))).toBeInstanceOf(UsageError);
    expect(transcript.lines.slice(before).filter(({ who }) => who === "C")).toEqual([]);
    await nntp.login();
    await expectUsable(nntp);
  });

  const PASSWORDS = {
    quotes: `it's "quoted"`,
    backslashes: "a\\b\\\\c",
    "percent, dollar, colon": "100%:$HOME`x`",
    "UTF-8": "žluťoučký 你好 🙂",
    latin1: "caf\udce9",
    "a blank within": "a b",
    "two blanks within": "a  b",
    "a long one": "x".repeat(200),
    "a leading dot": ".hidden",
  };
  it.each(Object.entries(PASSWORDS))("logs in with a password that has %s", async (_name, password) => {
    const user = addUser(bed.server, password);
    const nntp = bed.client({ credentials: { user, password } });
    await nntp.connect();
    await nntp.login();
    await expectUsable(nntp);
    const sasl = bed.client({ credentials: { user, password } });
    await sasl.connect();
    expect(await errorOf(sasl.login({ user, password: `${password}x` }))).toBeInstanceOf(LoginError);
  });
});

describeRows(
  ROWS.filter(([, tls]) => tls !== "none"),
  {},
  (bed) => {
    it.each(["TLSv1.2", "TLSv1.3"] as const)(
      "logs in by SCRAM over %s, tied to it where the server can",
      async (version) => {
        const { user, password } = bed.server;
        const tls = { minVersion: version, maxVersion: version };
        const transcript = new Transcript();
        const nntp = bed.client({ tls, transcript, mechanisms: ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"] });
        await nntp.connect();
        const name = nntp.has("SASL", "SCRAM-SHA-256-PLUS") ? "SCRAM-SHA-256-PLUS" : "SCRAM-SHA-256";
        await nntp.login({ user, password });
        await expectUsable(nntp);
        expect(transcript.script()).toContain(`AUTHINFO SASL ${name} ***`);
      },
    );
  },
);

describeNews("inn", { maxClients: 1, idleTimeout: 1 }, "inn with one client at most, which is not patient", (bed) => {
  it("says that the second one may try again later", async () => {
    const first = await bed.ready();
    const error = (await errorOf(bed.client().connect())) as ReplyError;
    expect(error).toBeInstanceOf(ReplyError);
    expect(error).not.toBeInstanceOf(LoginError);
    expect(error).toMatchObject({ transient: true, retryable: true, clientUsable: false });
    expect(error.code).toMatch(/^(400|502)$/);
    expect(error.message).toMatch(/limit of connections/);
    await expectUsable(first);
  });

  it.each([true, false])("hangs up on who is silent, and the next call says why (compressed: %s)", async (compress) => {
    let nntp = bed.client({ compress });
    // The one before may not be gone yet.
    await expect
      .poll(() =>
        (nntp = bed.client({ compress })).connect().then(
          () => true,
          () => false,
        ),
      )
      .toBe(true);
    await nntp.login();
    await expect.poll(() => nntp.state, { timeout: 8_000 }).toBe("closed");
    const error = await errorOf(nntp.date());
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error).toMatchObject({ retryable: true, clientUsable: false });
    expect(error.message).toMatch(/closed the connection while idle/);
    await nntp.quit();
  });
});

describeNews("inn", { tls: "starttls" }, "inn's port for feeds", (bed) => {
  it.each(["plain", "starttls"] as const)("is left for a reader's session by MODE READER (%s)", async (security) => {
    const transcript = new Transcript();
    const nntp = bed.client({ port: bed.server.feedPort, security, transcript });
    await nntp.connect();
    expect(nntp.has("READER")).toBe(true);
    expect(nntp.has("MODE-READER")).toBe(false);
    expect(nntp.posting).toBe(true);
    expect(nntp.secure).toBe(security === "starttls");
    await nntp.login();
    await expectUsable(nntp);
    expect(transcript.lines.filter(({ who, text }) => who === "C" && text === "MODE READER")).toHaveLength(1);
  });
});

describe("every kind of news server", () => {
  it("is in these tests", () => expect(new Set(ROWS.map(([kind]) => kind))).toEqual(new Set(NEWS_KINDS)));
});
