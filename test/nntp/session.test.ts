/** Greeting, capabilities, TLS and login, as scripted dialogues. */
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { LoginError, ProtocolError, ReplyError, UsageError } from "../../src/client/errors.js";
import { failure } from "../net/loopback.js";
import { ALICE, announces, clientOf, connected, hello, memory, talk } from "./dialogue.js";

describe("greeting", () => {
  test("200 allows posting, 201 does not", async () => {
    const { nntp } = await talk(hello());
    expect(await nntp.connect()).toMatchObject({ code: "200", text: "ready" });
    expect(nntp.posting).toBe(true);
    const other = await talk(`S: 201 no posting\n${announces("VERSION 2", "READER")}`);
    await other.nntp.connect();
    expect(other.nntp.posting).toBe(false);
  });

  test.each(["400 too many connections", "502 not for you"])(
    "%s: the client is closed, and its error says so",
    async (line) => {
      const { nntp } = await talk(`S: ${line}\n`);
      const error = await failure(nntp.connect());
      expect(error).toBeInstanceOf(ReplyError);
      expect(error).toMatchObject({ code: line.slice(0, 3), clientUsable: false });
      expect(nntp.state).toBe("closed");
    },
  );

  test("502 for too many connections may be tried again, another one not", async () => {
    const capped = await talk("S: 502 Too many connections from your host\n");
    expect(await failure(capped.nntp.connect())).toMatchObject({ retryable: true });
    const refused = await talk("S: 502 access denied\n");
    expect(await failure(refused.nntp.connect())).toMatchObject({ retryable: false });
  });

  test("a server of another protocol is named", async () => {
    const { nntp } = await talk("S: +OK POP3 ready\n");
    const error = await failure(nntp.connect());
    expect(error).toBeInstanceOf(ProtocolError);
    expect(error.message).toContain("POP3");
  });
});

describe("capabilities and MODE READER", () => {
  test("a server that reads already is not told to", async () => {
    const { nntp, server } = await talk(hello("LIST ACTIVE NEWSGROUPS", "OVER MSGID"));
    await nntp.connect();
    expect(nntp.has("LIST", "newsgroups")).toBe(true);
    expect(nntp.has("list", "COUNTS")).toBe(false);
    expect(nntp.capabilities.get("OVER")).toEqual(["MSGID"]);
    await server.done;
  });

  test("a server that feeds first is switched, and asked again", async () => {
    const { nntp, server } = await talk(
      `S: 200 ready\n${announces("VERSION 2", "IHAVE", "MODE-READER")}C: MODE READER\nS: 201 reader\n${announces("VERSION 2", "READER", "OVER")}`,
    );
    await nntp.connect();
    expect(nntp.posting).toBe(false);
    expect([...nntp.capabilities.keys()]).toEqual(["VERSION", "READER", "OVER"]);
    await server.done;
  });

  test("a server without CAPABILITIES is told, whatever it says to that", async () => {
    const { nntp, server } = await talk("S: 200 ready\nC: CAPABILITIES\nS: 500 what?\nC: MODE READER\nS: 500 what?\n");
    await nntp.connect();
    expect(nntp.capabilities.size).toBe(0);
    expect(nntp.posting).toBe(true);
    await server.done;
  });

  test("a server that has no readers ends the connect", async () => {
    const { nntp } = await talk("S: 200 ready\nC: CAPABILITIES\nS: 500 what?\nC: MODE READER\nS: 502 go away\n");
    expect(await failure(nntp.connect())).toMatchObject({ code: "502" });
    expect(nntp.state).toBe("closed");
  });
});

describe("STARTTLS", () => {
  const starttls = { security: "starttls" } as const;

  test("capabilities are asked for again behind it", async () => {
    const { nntp, server } = await memory({ tls: "starttls" }, starttls);
    await nntp.connect();
    expect(nntp.secure).toBe(true);
    expect(nntp.has("STARTTLS")).toBe(false);
    expect(server.commands).toEqual(["CAPABILITIES", "STARTTLS", "CAPABILITIES", "COMPRESS DEFLATE", "CAPABILITIES"]);
  });
});

describe("login", () => {
  const USER = "C: AUTHINFO USER alice\nS: 381 more\nC: AUTHINFO PASS ***\n";
  const again = "C: CAPABILITIES\nS: 500 what?\n";

  test("USER and PASS, and the capabilities again", async () => {
    const { nntp, server, transcript } = await connected(`${USER}S: 281 in\n${again}`);
    await nntp.login(ALICE);
    expect(nntp.state).toBe("ready");
    expect(transcript.script()).not.toContain("s3cret");
    await server.done;
  });

  test("a user who needs no password", async () => {
    const { nntp } = await connected(`C: AUTHINFO USER alice\nS: 281 in\n${again}`);
    await nntp.login({ user: "alice" });
    expect(nntp.state).toBe("ready");
  });

  test("without credentials nothing is said, and the client is ready", async () => {
    const { nntp, server } = await connected("");
    await nntp.login();
    expect(nntp.state).toBe("ready");
    await server.done;
  });

  test("a refused password leaves the client usable", async () => {
    const { nntp } = await connected(`${USER}S: 481 wrong\n${USER}S: 281 in\n${again}`);
    const error = await failure(nntp.login(ALICE));
    expect(error).toBeInstanceOf(LoginError);
    expect(error).toMatchObject({ code: "481", retryable: false, clientUsable: true });
    await nntp.login(ALICE);
    expect(nntp.state).toBe("ready");
  });

  test.each(["481 Too many connections", "502 connection limit exceeded, try again later"])(
    "%s is a cap, not a wrong password",
    async (line) => {
      const { nntp } = await connected(`${USER}S: ${line}\n`);
      const error = await failure(nntp.login(ALICE));
      expect(error).not.toBeInstanceOf(LoginError);
      expect(error).toMatchObject({ retryable: true });
    },
  );

  test("483 asks for TLS, and is no wrong password", async () => {
    const { nntp } = await connected("C: AUTHINFO USER alice\nS: 483 encrypt\n");
    const error = await failure(nntp.login(ALICE));
    expect(error).toBeInstanceOf(ReplyError);
    expect(error.message).toContain("encrypted");
  });

  test("credentials without a password, where one is wanted", async () => {
    const { nntp } = await connected("C: AUTHINFO USER alice\nS: 381 more\n");
    expect(await failure(nntp.login({ user: "alice" }))).toBeInstanceOf(LoginError);
  });

  test("SASL PLAIN where AUTHINFO USER is not announced", async () => {
    const script = hello("AUTHINFO SASL", "SASL PLAIN");
    const { nntp, server, transcript } = await talk(
      `${script}C: AUTHINFO SASL PLAIN ***\nS: 281 in\n${announces("VERSION 2", "READER")}`,
    );
    await nntp.connect();
    await nntp.login(ALICE);
    await server.done;
    expect(transcript.script()).not.toContain(Buffer.from("\0alice\0s3cret").toString("base64"));
  });

  test("SASL PLAIN with the response asked for", async () => {
    const script = hello("AUTHINFO SASL", "SASL PLAIN");
    const { nntp, server } = await talk(
      `${script}C: AUTHINFO SASL PLAIN ***\nS: 383 \nC: ***\nS: 281 in\n${announces("VERSION 2", "READER")}`,
    );
    await nntp.connect();
    await nntp.login(ALICE);
    await server.done;
  });
});

describe("480 in the middle", () => {
  const users = { alice: "s3cret" };
  const groups = { "misc.test": { generate: 100 } };

  test("one login and one repeat", async () => {
    const { nntp, server } = await memory({ users, groups, requireLogin: "reading" }, { credentials: ALICE });
    await nntp.connect();
    expect(await nntp.group("misc.test")).toMatchObject({ count: 100 });
    expect(server.commands.filter((each) => each.startsWith("GROUP"))).toHaveLength(2);
  });

  test("overlapping calls share one login, and keep their order", async () => {
    const { nntp, server } = await memory({ users, groups, requireLogin: "reading" }, { credentials: ALICE });
    await nntp.connect();
    const [group, ...articles] = await Promise.all([
      nntp.group("misc.test"),
      ...Array.from({ length: 20 }, (_, i) => nntp.stat(i + 1)),
    ]);
    expect(group.name).toBe("misc.test");
    expect(articles.map(({ number }) => number)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    expect(server.commands.filter((each) => each.startsWith("AUTHINFO USER"))).toHaveLength(1);
  });

  test("in the middle of a session that was logged in", async () => {
    const { nntp, server } = await memory({ users, groups }, { credentials: ALICE });
    await nntp.connect();
    await nntp.login();
    server.faults.loginAgainAfter = server.commandCount + 1;
    await nntp.group("misc.test");
    expect((await nntp.over("1-10").toArray()).length).toBe(10);
  });

  test("without credentials it is the error it is", async () => {
    const { nntp } = await memory({ users, groups, requireLogin: "reading" });
    await nntp.connect();
    const error = await failure(nntp.group("misc.test"));
    expect(error).toMatchObject({ code: "480", clientUsable: true });
    expect(error.message).toContain("login");
  });

  test("a login that is refused rejects the call with LoginError", async () => {
    const options = { credentials: { user: "alice", password: "wrong" } };
    const { nntp } = await memory({ users, groups, requireLogin: "reading" }, options);
    await nntp.connect();
    expect(await failure(nntp.group("misc.test"))).toBeInstanceOf(LoginError);
    expect(nntp.state).toBe("connected");
  });
});

describe("compression", () => {
  const groups = { "misc.test": { generate: 5_000 } };

  test("COMPRESS DEFLATE begins behind the login", async () => {
    const { nntp, server } = await memory({ users: { alice: "s3cret" }, groups }, { credentials: ALICE });
    await nntp.connect();
    expect(server.commands).not.toContain("COMPRESS DEFLATE");
    await nntp.login();
    expect(server.commands.at(-2)).toBe("COMPRESS DEFLATE");
    await nntp.group("misc.test");
    const rows = await nntp.over("1-5000").toArray();
    expect(rows.map(({ number }) => number)).toEqual(Array.from({ length: 5_000 }, (_, i) => i + 1));
  });

  test("with TLS beneath it", async () => {
    const { nntp, server } = await memory({ groups, tls: "implicit" }, { security: "tls" });
    await nntp.connect();
    expect(server.commands).toContain("COMPRESS DEFLATE");
    expect(nntp.secure).toBe(true);
    await nntp.group("misc.test");
    expect(await nntp.over("1-5000").toArray()).toHaveLength(5_000);
    await nntp.quit();
  });

  test("compress: false leaves it out", async () => {
    const { nntp, server } = await memory({ groups }, { compress: false });
    await nntp.connect();
    expect(server.commands).not.toContain("COMPRESS DEFLATE");
  });

  test("a server that refuses it goes on without", async () => {
    const { nntp } = await talk(
      `${hello("COMPRESS DEFLATE")}C: COMPRESS DEFLATE\nS: 403 cannot\nC: DATE\nS: 111 20260118213145\n`,
    );
    await nntp.connect();
    expect((await nntp.date()).toISOString()).toBe("2026-01-18T21:31:45.000Z");
  });

  test("broken compressed bytes are a ProtocolError", async () => {
    const { nntp } = await talk(
      `${hello("COMPRESS DEFLATE")}C: COMPRESS DEFLATE\nS: 206 on\nWAIT 20\nS~ //////////8=\n`,
    );
    const failed = await failure(nntp.connect());
    expect(failed).toBeInstanceOf(ProtocolError);
  });

  // Without a checksum and without a dot behind it, only the next answer shows where a raw stream ends.
  const forms = (["zlib", "deflate"] as const)
    .flatMap((gzipFormat) =>
      (["asked", "always", "never"] as const).map((end) => ({ gzipFormat, gzipTerminator: end })),
    )
    .filter(({ gzipFormat, gzipTerminator }) => gzipFormat !== "deflate" || gzipTerminator !== "never");

  test.each(forms)("XFEATURE COMPRESS GZIP that is $gzipFormat, terminator $gzipTerminator", async (form) => {
    for (const compressedDot of [false, true]) {
      const features = { compress: false, gzip: true, ...form, compressedDot };
      const { nntp, server } = await memory({ groups, features });
      await nntp.connect();
      await nntp.group("misc.test");
      const [one, two] = await Promise.all([nntp.over("1-3000").toArray(), nntp.over("3001-5000").toArray()]);
      expect([one.length, two.length]).toEqual([3_000, 2_000]);
      expect([...one, ...two].every(({ broken }) => broken === undefined)).toBe(true);
      expect((await nntp.stat(17)).number).toBe(17);
      expect(server.commands.some((each) => each.startsWith("XFEATURE COMPRESS GZIP"))).toBe(true);
    }
  });

  test("a compressed body beyond a limit, and one that is broken, end the connection", async () => {
    const features = { compress: false, gzip: true };
    const { nntp } = await memory({ groups, features }, { limits: { body: 1_000 } });
    await nntp.connect();
    await nntp.group("misc.test");
    const large = await failure(nntp.request("XOVER 1-5000"));
    expect(large.message).toContain("limits.body");
    const capabilities = hello("XFEATURE-COMPRESS GZIP");
    const script =
      "C: XFEATURE COMPRESS GZIP\nS: 290 on\nC: XOVER 1\nS: 224 rows [COMPRESS=GZIP]\nS~ eJwAAAAAAAAA//////////8=\n";
    const other = await talk(`${capabilities}${script}`);
    await other.nntp.connect();
    const broken = await failure(other.nntp.request("XOVER 1"));
    expect(broken).toBeInstanceOf(ProtocolError);
    expect(broken.message).toContain("compress: false");
  });

  test("a compressed body that comes byte by byte", async () => {
    const features = { compress: false, gzip: true, gzipTerminator: "never", lists: [] } as const;
    const { nntp, server } = await memory({ groups, features });
    await nntp.connect();
    await nntp.group("misc.test");
    server.faults.byteByByte = true;
    expect(await nntp.over("1-20").toArray()).toHaveLength(20);
  });

  const codings = (["deflate", "zlib", "gzip"] as const)
    .flatMap((xzverFormat) => (["yenc", "bytes"] as const).map((xzverCoding) => ({ xzverFormat, xzverCoding })))
    .filter(({ xzverFormat, xzverCoding }) => xzverFormat === "zlib" || xzverCoding === "yenc");

  test.each(codings)("XZVER with $xzverFormat in $xzverCoding", async (coding) => {
    for (const compressedDot of [false, true]) {
      const features = { compress: false, xzver: true, ...coding, compressedDot };
      const { nntp, server } = await memory({ groups, features }, { compress: "xzver" });
      await nntp.connect();
      await nntp.group("misc.test");
      const rows = await nntp.over("1-5000").toArray();
      expect(rows).toHaveLength(5_000);
      expect(rows.every(({ broken }) => broken === undefined)).toBe(true);
      expect(server.commands).toContain("XZVER 1-5000");
      expect((await nntp.hdr("Subject", "1-20").toArray()).length).toBe(20);
      expect(server.commands).toContain("XZHDR Subject 1-20");
    }
  });

  test("a server without XZVER is asked by OVER, once and for all", async () => {
    const { nntp, server } = await memory({ groups }, { compress: "xzver" });
    await nntp.connect();
    await nntp.group("misc.test");
    expect(await nntp.over("1-10").toArray()).toHaveLength(10);
    expect(await nntp.over("1-20").toArray()).toHaveLength(20);
    expect(server.commands.filter((each) => each.startsWith("XZVER"))).toHaveLength(1);
  });

  test("a way that is not announced is tried where it is asked for", async () => {
    const { nntp } = await talk(`${hello()}C: XFEATURE COMPRESS GZIP\nS: 500 what?\n`, { compress: "gzip" });
    await nntp.connect();
    expect(nntp.state).toBe("connected");
  });
});

describe("request", () => {
  test("any command, its lines as body", async () => {
    const { nntp } = await connected("C: XINDEX misc.test\nS: 218 tin index\nS: one\nS: ..two\nS: .\n");
    const reply = await nntp.request("XINDEX misc.test");
    expect(reply.body?.toString()).toBe("one\r\n.two\r\n");
    expect(reply.code).toBe("218");
  });

  test("LISTGROUP's 211 has lines, GROUP's has none", async () => {
    const { nntp } = await connected(
      "C: LISTGROUP misc.test\nS: 211 2 1 2 misc.test\nS: 1\nS: 2\nS: .\nC: GROUP misc.test\nS: 211 2 1 2 misc.test\n",
    );
    expect((await nntp.request("LISTGROUP misc.test")).body?.toString()).toBe("1\r\n2\r\n");
    expect((await nntp.request("GROUP misc.test")).body).toBeUndefined();
  });

  test("multiline forces a body behind a code that has none as a rule", async () => {
    const { nntp } = await connected("C: XOWN\nS: 299 own\nS: line\nS: .\n");
    expect((await nntp.request("XOWN", { multiline: true })).body?.toString()).toBe("line\r\n");
  });

  test("an empty body is a body", async () => {
    const { nntp } = await connected("C: NEWNEWS a 20260101 000000 GMT\nS: 230 list\nS: .\n");
    expect((await nntp.request("NEWNEWS a 20260101 000000 GMT")).body).toEqual(Buffer.alloc(0));
  });

  test.each(["POST", "MODE READER", "mode  reader", "AUTHINFO USER x", "STARTTLS", "COMPRESS DEFLATE", "QUIT"])(
    "%s is left to its method",
    async (command) => {
      const { nntp, server } = await connected("");
      expect(await failure(nntp.request(command))).toBeInstanceOf(UsageError);
      await server.done;
    },
  );

  test.each(["DATE\r\nQUIT", "DATE\n", "DA\0TE"])("%j is refused before anything is sent", async (command) => {
    const { nntp } = await connected("");
    expect(await failure(nntp.request(command))).toBeInstanceOf(UsageError);
    expect(nntp.state).toBe("connected");
  });

  test("a refusal rejects, or is given back", async () => {
    const { nntp } = await connected("C: XOWN\nS: 500 no\nC: XOWN\nS: 500 no\n");
    expect(await failure(nntp.request("XOWN"))).toBeInstanceOf(ReplyError);
    expect(await nntp.request("XOWN", { expect: "any" })).toMatchObject({ ok: false, code: "500" });
  });
});

describe("the end", () => {
  test("400 closes the client, with the server's words", async () => {
    const { nntp } = await connected("C: DATE\nS: 400 going down\n");
    const error = await failure(nntp.date());
    expect(error).toMatchObject({ code: "400", clientUsable: false });
    expect(nntp.state).toBe("closed");
  });

  test("a clone has the same options, and the credentials that were accepted", async () => {
    const { nntp, server } = await memory({ users: { alice: "s3cret" } });
    await nntp.connect();
    await nntp.login(ALICE);
    const other = nntp.clone();
    await other.connect();
    await other.login();
    expect(server.connections).toBe(2);
    await Promise.all([nntp.quit(), other.quit()]);
  });

  test("console.log shows no secrets", () => {
    const { nntp } = clientOf({ host: "127.0.0.1", port: 1 }, { credentials: ALICE });
    expect(inspect(nntp)).toBe("NntpClient { nntp://127.0.0.1:1, plain, idle }");
  });
});
