/** What real servers answer, read by the parsers alone: nothing of it is broken, and it tells what is so. */
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseId } from "../../../src/imap/id.js";
import { parseList, parseNamespaces, parseStatus } from "../../../src/imap/list.js";
import { parseMetadata } from "../../../src/imap/metadata.js";
import { parseCapabilities } from "../../../src/imap/parse-capability.js";
import { parseFetch } from "../../../src/imap/parse-fetch.js";
import { parseEsearch, parseSearch } from "../../../src/imap/parse-search.js";
import { parseQuota, parseQuotaRoots } from "../../../src/imap/quota.js";
import type { Response } from "../../../src/imap/response.js";
import { ResponseReader } from "../../../src/imap/response-reader.js";
import { parseAccessList, parseGrantable, parseMyRights } from "../../../src/imap/rights.js";
import { parseThreads } from "../../../src/imap/sort.js";
import { describeLive } from "../available.js";
import { type LiveMail, MAIL_KINDS, startMail } from "../servers/mail.js";

/** A session that sends lines and reads responses; nothing else. */
class Talk {
  readonly #socket: Socket;
  readonly #reader = new ResponseReader({ line: 1 << 20, reply: 1 << 20, body: 1 << 24 });
  #came: Response[] = [];
  #done: ((all: Response[]) => void) | undefined;
  #tags = 0;

  constructor(port: number, host: string) {
    this.#socket = connect(port, host);
    this.#socket.on("data", (chunk) => this.#reader.push(chunk, { response: (response) => this.#take(response) }));
  }

  #take(response: Response): void {
    this.#came.push(response);
    const isGreeting = this.#tags === 0;
    if (response.kind === "untagged" && !isGreeting) return;
    const came = this.#came;
    this.#came = [];
    this.#done?.(came);
  }

  greeting(): Promise<Response[]> {
    return new Promise((resolve) => void (this.#done = resolve));
  }

  /** The responses to a command, the tagged one last: it must be OK. */
  async ask(command: string): Promise<Response[]> {
    const all = await this.try(command);
    expect(all.at(-1)?.raw, command).toMatch(/^\S+ OK/);
    return all;
  }

  try(command: string): Promise<Response[]> {
    const answered = this.greeting();
    this.#socket.write(`a${++this.#tags} ${command}\r\n`, "latin1");
    return answered;
  }

  /** The one response of this name. */
  async one(name: string, command: string): Promise<Response> {
    const [found, more] = (await this.ask(command)).filter((response) => response.name === name);
    expect(found, `${name} answers ${command}`).toBeDefined();
    expect(more).toBeUndefined();
    return found!;
  }

  close(): void {
    this.#socket.destroy();
  }
}

const PLAIN =
  "From: Terry <t@x.org>\r\nTo: =?utf-8?q?J=C3=B6rg?= <j@x.de>, friends: a@b.c, d@e.f;\r\nSubject: one\r\nMessage-ID: <1@x>\r\nDate: Wed, 17 Jul 2026 02:23:25 -0700\r\n\r\nhello\r\n";
const ANSWER =
  'From: "q\\"uote" <q@x.org>\r\nSubject: Re: one\r\nIn-Reply-To: <1@x>\r\nReferences: <1@x>\r\nMessage-ID: <2@x>\r\nDate: Wed, 17 Jul 2026 03:23:25 -0700\r\n\r\nhi\r\n';
const PARTS = [
  "From: p@x.org",
  "Subject: three",
  "Message-ID: <3@x>",
  "MIME-Version: 1.0",
  'Content-Type: multipart/mixed; boundary="b"',
  "",
  "--b",
  "Content-Type: text/plain; charset=utf-8",
  "Content-Language: en, de",
  "",
  "text",
  "--b",
  "Content-Type: application/pdf",
  "Content-Disposition: attachment; filename*0*=utf-8''gr%C3%BC; filename*1*=%C3%9Fe.pdf",
  "Content-Transfer-Encoding: base64",
  "",
  "AAAA",
  "--b",
  "Content-Type: message/rfc822",
  "",
  ANSWER.trimEnd(),
  "--b--",
  "",
].join("\r\n");

for (const kind of MAIL_KINDS) {
  describeLive(kind, `${kind}'s answers`, () => {
    let server: LiveMail;
    let imap: Talk;
    let can: ReadonlyMap<string, readonly string[]>;

    beforeAll(async () => {
      server = await startMail(kind);
      await server.deliver("alice", PLAIN, ANSWER, PARTS);
      imap = new Talk(server.ports.imap, server.host);
      expect((await imap.greeting())[0]?.status).toBe("OK");
      await imap.ask(`LOGIN alice "${server.users.alice}"`);
      const { raw, rest } = await imap.one("CAPABILITY", "CAPABILITY");
      can = parseCapabilities(raw.slice(rest));
      await imap.ask("SELECT INBOX");
    });
    afterAll(async () => {
      imap?.close();
      await server?.stop();
    });

    test("everything FETCH can tell", async () => {
      const preview = can.has("PREVIEW") ? " PREVIEW" : "";
      const items = `UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE MODSEQ BODY.PEEK[] BODY.PEEK[TEXT]<0.3> BODY.PEEK[HEADER.FIELDS (SUBJECT)] BINARY.SIZE[1]${preview}`;
      const rows = (await imap.ask(`FETCH 1:3 (${items})`))
        .filter(({ name }) => name === "FETCH")
        .map((each) => parseFetch(each));
      expect(rows.map(({ broken, other }) => [broken, other.size])).toEqual([
        [undefined, 0],
        [undefined, 0],
        [undefined, 0],
      ]);
      const [one, two, three] = rows;
      expect(one?.envelope?.toJSON()).toMatchObject({
        date: "2026-07-17T09:23:25.000Z",
        subject: "one",
        from: [{ name: "Terry", address: "t@x.org" }],
        to: [
          { name: "Jörg", address: "j@x.de" },
          { name: "", address: "a@b.c", group: "friends" },
          { name: "", address: "d@e.f", group: "friends" },
        ],
        messageId: "<1@x>",
      });
      expect(one?.body.get("")?.length).toBe(one?.size);
      expect(one?.body.get("")?.toString()).toContain(PLAIN);
      expect(one?.body.get("TEXT<0>")?.toString()).toBe("hel");
      expect(one?.body.get("HEADER.FIELDS (SUBJECT)")?.toString()).toBe("Subject: one\r\n\r\n");
      expect(one?.binarySizes.get("1")).toBe(7);
      expect(Date.now() - Number(one?.internalDate)).toBeLessThan(600_000);
      expect(two?.envelope?.from).toEqual([{ name: 'q"uote', address: "q@x.org" }]);
      expect(two?.envelope?.inReplyTo).toEqual(["<1@x>"]);
      const [text, pdf, message] = three?.bodyStructure?.parts ?? [];
      expect(text).toMatchObject({ section: "1", type: "text/plain", languages: ["en", "de"] });
      expect(pdf).toMatchObject({
        section: "2",
        encoding: "base64",
        filename: "grüße.pdf",
        disposition: { type: "attachment" },
      });
      expect(message).toMatchObject({ section: "3", parts: [{ section: "3.1", type: "text/plain" }] });
      expect(message?.envelope?.messageId).toBe("<2@x>");
    });

    test("every section that a structure names is there", async () => {
      const { bodyStructure } = parseFetch(await imap.one("FETCH", "FETCH 3 BODYSTRUCTURE"));
      const sections = (part = bodyStructure): string[] => [
        part!.section,
        ...part!.parts.flatMap((each) => sections(each)),
      ];
      for (const section of sections()) {
        const { body, broken } = parseFetch(await imap.one("FETCH", `FETCH 3 BODY.PEEK[${section}]`));
        expect([section, broken, (body.get(section)?.length ?? 0) > 0]).toEqual([section, undefined, true]);
      }
    });

    test("searches, sorted and threaded", async () => {
      expect(parseSearch(await imap.one("SEARCH", "SEARCH SUBJECT one"))).toEqual([1, 2]);
      expect(parseEsearch(await imap.one("ESEARCH", "SEARCH RETURN (MIN MAX COUNT ALL) ALL"))).toMatchObject({
        tag: expect.stringMatching(/^a\d+$/),
        min: 1,
        max: 3,
        count: 3,
        all: [1, 2, 3],
      });
      expect(parseSearch(await imap.one("SORT", "SORT (REVERSE ARRIVAL) UTF-8 ALL")).sort()).toEqual([1, 2, 3]);
      expect(parseSearch(await imap.one("SORT", "SORT (REVERSE SUBJECT) UTF-8 ALL"))[0]).toBe(3);
      const threads = parseThreads(await imap.one("THREAD", "THREAD REFERENCES UTF-8 ALL"));
      expect(threads).toEqual([
        { messages: [1, 2], branches: [] },
        { messages: [3], branches: [] },
      ]);
    });

    test("mailboxes and their status", async () => {
      await imap.ask('CREATE "Entw&APw-rfe"');
      const all = (await imap.ask('LIST "" "*"'))
        .filter(({ name }) => name === "LIST")
        .map((each) => parseList(each, false));
      expect(all.map(({ name }) => name)).toEqual(
        expect.arrayContaining(["INBOX", expect.stringMatching(/Entwürfe$/)]),
      );
      expect(
        parseStatus(
          await imap.one("STATUS", "STATUS INBOX (MESSAGES UIDNEXT UIDVALIDITY UNSEEN SIZE HIGHESTMODSEQ)"),
          false,
        ),
      ).toEqual({
        name: "INBOX",
        messages: 3,
        uidNext: 4,
        uidValidity: expect.any(Number),
        unseen: 3,
        size: expect.any(Number),
        highestModseq: expect.any(Number),
      });
      expect(parseNamespaces(await imap.one("NAMESPACE", "NAMESPACE"), false).personal).toHaveLength(1);
      expect(parseId(await imap.one("ID", "ID NIL")).name).toMatch(new RegExp(kind, "i"));
    });

    test("where messages went", async () => {
      await imap.ask("CREATE Copies");
      const { code } = (await imap.ask("UID COPY 3,1:2 Copies")).at(-1)!;
      expect([code?.name, [...code!.source!], [...code!.uids!]]).toEqual(["COPYUID", [1, 2, 3], [1, 2, 3]]);
      const modified = (await imap.ask("UID STORE 1 (UNCHANGEDSINCE 0) +FLAGS (\\Flagged)")).at(-1)?.code;
      expect([...(modified?.modified ?? [])]).toEqual([1]);
    });

    test("quotas, rights and metadata, as far as the server has them", async () => {
      if (can.has("QUOTA")) {
        const answers = await imap.ask("GETQUOTAROOT INBOX");
        const roots = answers.filter(({ name }) => name === "QUOTAROOT").map((each) => parseQuotaRoots(each, false));
        expect(roots.map(({ mailbox }) => mailbox)).toEqual(["INBOX"]);
        for (const each of answers)
          if (each.name === "QUOTA") expect(parseQuota(each).root).toEqual(expect.any(String));
      }
      if (can.has("ACL")) {
        expect(parseMyRights(await imap.one("MYRIGHTS", "MYRIGHTS INBOX"), false).rights).toContain("lrs");
        expect(parseAccessList(await imap.one("ACL", "GETACL INBOX"), false).rights.size).toBeGreaterThan(0);
        const { identifier, optional } = parseGrantable(await imap.one("LISTRIGHTS", "LISTRIGHTS INBOX bob"), false);
        expect([identifier, optional.length > 0]).toEqual(["bob", true]);
      }
      if (can.has("METADATA")) {
        await imap.ask('SETMETADATA INBOX (/private/comment "a \\"b\\"")');
        const { entries } = parseMetadata(await imap.one("METADATA", "GETMETADATA INBOX (/private/comment)"), false);
        expect(entries).toEqual(new Map([["/private/comment", 'a "b"']]));
      }
    });
  });
}
