/** yEnc: what encoders of all kinds write, damaged parts, and bodies cut at every position. */
import { crc32 } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { UsageError } from "../../src/client/errors.js";
import {
  decodeYenc,
  encodeYenc,
  joinYenc,
  YencDecoder,
  type YencOptions,
  type YencPart,
  yencParts,
} from "../../src/message/yenc.js";

/** The body of an article that a careless encoder wrote: nothing checked, everything as given. */
const body = (...lines: string[]) => Buffer.from(lines.map((line) => `${line}\r\n`).join(""), "latin1");
const encoded = (text: string) => String.fromCharCode(...Buffer.from(text).map((byte) => byte + 42));
const hex = (data: Buffer) => crc32(data).toString(16).padStart(8, "0");

/** Decodes a body that comes in these chunks. */
function decodeChunks(chunks: readonly Buffer[], options: YencOptions = {}): YencPart[] {
  const decoder = new YencDecoder(options);
  const parts: YencPart[] = [];
  let pieces: Buffer[] = [];
  for (const event of [...chunks.flatMap((chunk) => decoder.push(chunk)), ...decoder.end()]) {
    if (event.type === "begin") pieces = [];
    else if (event.type === "data") pieces.push(event.data);
    else parts.push({ ...event.part, data: Buffer.concat(pieces) });
  }
  return parts;
}

const HELLO = body(
  "=ybegin line=128 size=5 name=hello.txt",
  encoded("hello"),
  `=yend size=5 crc32=${hex(Buffer.from("hello"))}`,
);

describe("decoding", () => {
  test("a file in one piece", () => {
    expect(decodeYenc(HELLO)).toEqual({
      name: "hello.txt",
      size: 5,
      line: 128,
      part: undefined,
      total: undefined,
      begin: undefined,
      end: undefined,
      data: Buffer.from("hello"),
      crc: "ok",
      crc32: crc32("hello"),
      fileCrc32: crc32("hello"),
      problems: [],
    });
  });

  test("a part of a file", () => {
    const part = decodeYenc(
      body(
        "=ybegin part=2 total=3 line=128 size=12 name=a b=c.bin",
        "=ypart begin=6 end=10",
        encoded("hello"),
        `=yend size=5 part=2 pcrc32=${hex(Buffer.from("hello"))} crc32=12345678`,
      ),
    );
    expect(part).toMatchObject({ name: "a b=c.bin", size: 12, part: 2, total: 3, begin: 6, end: 10, crc: "ok" });
    expect(part).toMatchObject({ fileCrc32: 0x12345678, problems: [] });
    expect(part?.data.toString()).toBe("hello");
  });

  test("every byte survives, and the critical ones are escaped", () => {
    const all = Buffer.from(Array.from({ length: 1024 }, (_, i) => i & 255));
    const text = encodeYenc(all, { name: "all" });
    expect(decodeYenc(text)).toMatchObject({ data: all, crc: "ok", problems: [] });
    const lines = text.toString("latin1").split("\r\n");
    expect(lines.slice(1, -2).join("")).not.toMatch(/[\0\r\n]/);
  });

  test("text around it, and several files in one body", () => {
    const text = body("Here it is:", "=yes, it is", "", "=ybegin line=128", ".");
    const parts = [
      ...yencParts(Buffer.concat([body("Here it is:", "=yes, it is", "= y"), HELLO, text.subarray(0, 13), HELLO])),
    ];
    expect(parts.map((part) => [part.name, part.data.toString(), part.crc])).toEqual([
      ["hello.txt", "hello", "ok"],
      ["hello.txt", "hello", "ok"],
    ]);
  });

  test("a body without yEnc gives nothing", () => {
    for (const text of [
      "",
      "hello\r\n",
      "=yend size=5\r\n",
      "=ypart begin=1 end=2\r\n",
      "=",
      "=y",
      "a =ybegin line=1 size=1 name=x",
    ])
      expect(decodeYenc(Buffer.from(text)), text).toBeUndefined();
  });

  test("lines that end with a bare LF, and any length of line", () => {
    expect(decodeYenc(Buffer.from(HELLO.toString("latin1").replaceAll("\r", ""), "latin1"))).toMatchObject({
      crc: "ok",
    });
    const short = body("=ybegin line=1 size=3 name=x", ...[..."abc"].map(encoded), "=yend size=3");
    expect(decodeYenc(short)).toMatchObject({ data: Buffer.from("abc"), crc: "absent", problems: [] });
  });

  test("dots at the start of a line stay, and doubled ones become single on request", () => {
    const dots = Buffer.from([4, 4, 4, 97]); // 4 is "." when encoded
    const plain = body("=ybegin line=2 size=4 name=x", "..", ".\x8b", "=yend size=4");
    const stuffed = body("=ybegin line=2 size=4 name=x", "...", "..\x8b", "=yend size=4");
    expect(decodeYenc(plain)?.data).toEqual(dots);
    expect(decodeYenc(stuffed, { dotStuffed: true })?.data).toEqual(dots);
    const single = body("=ybegin line=2 size=2 name=x", ".\x8b", "=yend size=2");
    expect(decodeYenc(single, { dotStuffed: true })?.data, "a single one was never doubled").toEqual(dots.subarray(2));
  });

  test.each([
    ["name=  two  words.txt  ", "two  words.txt"],
    ['name="quoted.txt"', "quoted.txt"],
    ['name="', '"'],
    ["name=gr\xfc\xdfe \x80.txt", "grüße €.txt"],
    ["name=gr\xc3\xbc\xc3\x9fe.txt", "grüße.txt"],
    ["name=../../etc/passwd", "../../etc/passwd"],
    ["name=a name=b", "a name=b"],
    ["NAME=x", "x"],
  ])("%s", (text, name) => {
    expect(decodeYenc(body(`=ybegin line=128 size=1 ${text}`, "a", "=yend size=1"))?.name).toBe(name);
  });

  test.each([
    ["0", "00000000"],
    ["lower case", hex(Buffer.from("hello"))],
    ["upper case", hex(Buffer.from("hello")).toUpperCase()],
    ["64 bits with the sign", `ffffffff${hex(Buffer.from("hello"))}`],
    ["with 0x", `0x${hex(Buffer.from("hello"))}`],
  ])("a checksum: %s", (label, text) => {
    const data = label === "0" ? "" : "hello";
    const part = decodeYenc(
      body(`=ybegin line=128 size=${data.length} name=x`, encoded(data), `=yend size=${data.length} crc32=${text}`),
    );
    expect(part?.crc).toBe("ok");
  });

  test("without its own checksum a part believes that of the file where it agrees", () => {
    const withCrc = (crc: string, range = "begin=1 end=5") =>
      decodeYenc(
        body(
          "=ybegin part=1 total=2 line=128 size=10 name=x",
          `=ypart ${range}`,
          encoded("hello"),
          `=yend size=5 part=1 ${crc}`,
        ),
      )?.crc;
    expect(withCrc(`crc32=${hex(Buffer.from("hello"))}`)).toBe("ok");
    expect(withCrc("crc32=00000001")).toBe("absent");
    expect(withCrc("pcrc32=00000001")).toBe("wrong");
    expect(withCrc("pcrc32=zzz")).toBe("absent");
  });
});

describe("damage", () => {
  const whole = HELLO.toString("latin1");
  test.each([
    ["a byte changed", whole.replace(encoded("e"), "x"), "wrong", ["the checksum is wrong"]],
    ["cut before its end", whole.slice(0, whole.indexOf("=yend")), "absent", ["the =yend line is missing"]],
    [
      "cut in the middle",
      whole.slice(0, whole.indexOf("=yend") - 4),
      "absent",
      ["the =yend line is missing", "3 bytes came, the part has 5"],
    ],
    ["no size", whole.replace("size=5 name", "name"), "ok", ["the size is missing"]],
    ["a size that is none", whole.replace("size=5 name", "size=-5 name"), "ok", ["the size is missing"]],
    ["no name", whole.replace(" name=hello.txt", ""), "ok", ["the name is missing"]],
    ["another size at the end", whole.replace("=yend size=5", "=yend size=6"), "ok", ["5 bytes came, =yend says 6"]],
    [
      "an escape at a line's end",
      whole.replace(encoded("o"), `${encoded("o")}=`),
      "ok",
      ["a line ends with an escape"],
    ],
  ])("%s", (_, text, crc, problems) => {
    expect(decodeYenc(Buffer.from(text, "latin1"))).toMatchObject({ crc, problems });
  });

  test("a part without its range", () => {
    const part = (range: string) =>
      decodeYenc(
        body(
          "=ybegin part=1 line=128 size=5 name=x",
          ...(range ? [range] : []),
          encoded("hello"),
          "=yend size=5 part=1",
        ),
      );
    expect(part("")?.problems).toEqual(["the =ypart line is missing"]);
    expect(part("=ypart begin=5 end=1")?.problems).toEqual(["=ypart has no range", "the =ypart line is missing"]);
    expect(part("=ypart begin=2 end=6")?.problems).toEqual(["the part ends behind the file"]);
  });

  test("a part that begins before the last one ended", () => {
    const [first, second] = [...yencParts(Buffer.concat([HELLO.subarray(0, whole.indexOf("=yend")), HELLO]))];
    expect(first).toMatchObject({ data: Buffer.from("hello"), problems: ["the =yend line is missing"] });
    expect(second).toMatchObject({ crc: "ok", problems: [] });
  });

  test("any bytes are read without an error, in time and memory that follow their number", () => {
    const word = fc.constantFrom(
      "=ybegin ",
      "=ypart ",
      "=yend ",
      "size=1 ",
      "name=x",
      "begin=1 end=9",
      "\r\n",
      "\n",
      "=",
      "..",
      "abc",
      "\0",
    );
    fc.assert(
      fc.property(
        fc.array(word).map((words) => Buffer.from(words.join(""), "latin1")),
        fc.boolean(),
        (text, dotStuffed) => {
          for (const part of yencParts(text, { dotStuffed })) expect(part.data.length).toBeLessThanOrEqual(text.length);
        },
      ),
    );
    const controls = Buffer.concat([body("=ybegin line=1 size=1 name=x"), Buffer.from("=yx\n".repeat(200_000))]);
    expect(decodeYenc(controls)?.data).toHaveLength(0);
    const long = body(`=ybegin line=1 size=1 name=${"x".repeat(1_000_000)}`, "a");
    expect(decodeYenc(long)?.name.length).toBeLessThan(10_000);
  });
});

describe("chunks", () => {
  const SAMPLE = Buffer.concat([
    body("text before", "=y"),
    encodeYenc(Buffer.from([4, 4, 19, 4, 61, 0, 224, 227, 214, 223, 9, 246]), { name: "one", line: 3 }),
    body(
      "",
      "=ybegin part=1 total=2 line=2 size=4 name=gr\xc3\xbc\xdf",
      "=ypart begin=1 end=2",
      "..=}",
      "=",
      "=J",
      "=yend size=2 pcrc32=1",
    ),
    body("=ybegin line=9 size=9 name=z", "=", "=ybegin line=9 size=9 name=", ".", "..", "=y", "abc"),
  ]);

  test.each([false, true])("the same bytes cut at every position (dot-stuffed: %s)", (dotStuffed) => {
    const expected = decodeChunks([SAMPLE], { dotStuffed });
    expect(expected).toHaveLength(4);
    for (let at = 0; at <= SAMPLE.length; at++) {
      const cut = [SAMPLE.subarray(0, at), SAMPLE.subarray(at)];
      expect(decodeChunks(cut, { dotStuffed }), `cut at ${at}`).toEqual(expected);
    }
    expect(
      decodeChunks(
        [...SAMPLE].map((byte) => Buffer.of(byte)),
        { dotStuffed },
      ),
      "byte by byte",
    ).toEqual(expected);
  });

  test("a chunk's memory may be used again", () => {
    const decoder = new YencDecoder();
    const memory = Buffer.from(HELLO);
    const events = decoder.push(memory);
    memory.fill(0);
    expect(events.flatMap((event) => (event.type === "data" ? event.data.toString() : []))).toEqual(["hello"]);
  });

  test("a body that ends with what may have been more", () => {
    const start = "=ybegin line=9 size=9 name=x\r\n";
    const read = (text: string, options = {}) =>
      decodeYenc(Buffer.from(start + text, "latin1"), options)?.data.toString("latin1");
    expect(read(`${encoded("a")}\r\n.`, { dotStuffed: true })).toBe("a\x04");
    expect(read(`${encoded("a")}=`)).toBe("a");
    expect(read(`${encoded("a")}\r\n=`)).toBe("a");
    expect(decodeYenc(Buffer.from(`${start}${encoded("a")}\r\n=yend size=1`, "latin1"))?.problems).toEqual([
      "1 bytes came, the part has 9",
    ]);
  });
});

describe("encoding", () => {
  test("what is written", () => {
    expect(encodeYenc(Buffer.from("hello"), { name: "hello.txt" })).toEqual(HELLO);
    expect(encodeYenc(Buffer.alloc(0), { name: "empty" }).toString()).toBe(
      "=ybegin line=128 size=0 name=empty\r\n=yend size=0 crc32=00000000\r\n",
    );
    const part = encodeYenc(Buffer.from("ab"), {
      name: "ü",
      line: 64,
      part: 2,
      total: 3,
      begin: 3,
      size: 5,
      fileCrc32: 10,
    });
    expect(part.toString("latin1").split("\r\n")).toEqual([
      "=ybegin part=2 total=3 line=64 size=5 name=\xc3\xbc",
      "=ypart begin=3 end=4",
      encoded("ab"),
      `=yend size=2 part=2 pcrc32=${hex(Buffer.from("ab"))} crc32=0000000a`,
      "",
    ]);
  });

  test("no line begins with a dot or a blank, ends with a blank, or is too long", () => {
    const awkward = fc.constantFrom(4, 246, 223, 214, 224, 227, 19, 97);
    const data = fc.array(awkward, { maxLength: 300 }).map((values) => Buffer.from(values));
    fc.assert(
      fc.property(data, fc.integer({ min: 1, max: 20 }), (content, line) => {
        const text = encodeYenc(content, { name: "x", line });
        const lines = text.toString("latin1").split("\r\n").slice(1, -2);
        for (const [i, each] of lines.entries()) {
          expect(each).not.toMatch(/^[. \t]|[ \t]$|[\0\r\n]/);
          expect(each.length).toBeLessThanOrEqual(line + 1);
          if (i < lines.length - 1) expect(each.length).toBeGreaterThanOrEqual(line);
          if (each.length > line) expect(each.at(-2)).toBe("=");
        }
        expect(decodeYenc(text)).toMatchObject({ data: content, crc: "ok", problems: [] });
      }),
    );
  });

  test.each([
    [{ name: "" }, /no name/],
    [{ name: "a\r\nb" }, /no name/],
    [{ name: "a\0b" }, /no name/],
    [{ name: "x", line: 0 }, /1 to 997/],
    [{ name: "x", line: 998 }, /1 to 997/],
    [{ name: "x", line: 1.5 }, /1 to 997/],
    [{ name: "x", part: 0 }, /counted from 1/],
    [{ name: "x", part: 3, total: 2 }, /part 3 of 2/],
    [{ name: "x", part: 1, begin: 0 }, /counted from 1/],
    [{ name: "x", part: 1, begin: 5, size: 6 }, /ends at 7 of 6/],
  ])("%o is refused", (input, message) => {
    expect(() => encodeYenc(Buffer.from("abc"), input)).toThrow(UsageError);
    expect(() => encodeYenc(Buffer.from("abc"), input)).toThrow(message);
  });

  test("any bytes come back, with any line length", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), fc.integer({ min: 1, max: 997 }), (data, line) => {
        const part = decodeYenc(encodeYenc(data, { name: "x", line }));
        expect(part).toMatchObject({ data: Buffer.from(data), crc: "ok", problems: [] });
      }),
    );
  });
});

describe("joining", () => {
  const FILE = Buffer.from("the quick brown fox jumps over the lazy dog");
  const part = (number: number, begin: number, end: number, whole = FILE) =>
    decodeYenc(
      encodeYenc(whole.subarray(begin - 1, end), {
        name: "fox",
        part: number,
        total: 3,
        begin,
        size: FILE.length,
        fileCrc32: crc32(FILE),
      }),
    )!;
  const [one, two, three] = [part(1, 1, 16), part(2, 17, 32), part(3, 33, FILE.length)];

  test("parts in any order", () => {
    expect(joinYenc([three, one, two])).toEqual({ name: "fox", data: FILE, missing: [], crc: "ok", problems: [] });
  });

  test("a missing part leaves zeros and a gap", () => {
    const { data, missing, crc } = joinYenc([three, one]);
    expect(missing).toEqual([[17, 32]]);
    expect(crc).toBe("wrong");
    expect(data).toEqual(Buffer.concat([FILE.subarray(0, 16), Buffer.alloc(16), FILE.subarray(32)]));
    expect(joinYenc([two]).missing).toEqual([
      [1, 16],
      [33, FILE.length],
    ]);
  });

  test("a damaged part gives way to a sound one", () => {
    const spoilt = { ...part(2, 17, 32, Buffer.alloc(FILE.length)), crc: "wrong" as const };
    for (const order of [
      [one, spoilt, two, three],
      [one, two, spoilt, three],
    ]) {
      expect(joinYenc(order)).toMatchObject({ data: FILE, crc: "ok", problems: ["parts overlap"] });
    }
  });

  test("a file in one piece", () => {
    expect(joinYenc([decodeYenc(HELLO)!])).toMatchObject({ name: "hello.txt", data: Buffer.from("hello"), crc: "ok" });
  });

  test("without a checksum of the file those of the parts count", () => {
    const unsigned = [one, two, three].map((each) => ({ ...each, fileCrc32: undefined }));
    expect(joinYenc(unsigned).crc).toBe("ok");
    expect(joinYenc(unsigned.slice(1)).crc).toBe("absent");
    expect(joinYenc([{ ...unsigned[0]!, crc: "absent" }, ...unsigned.slice(1)]).crc).toBe("absent");
    expect(joinYenc([{ ...unsigned[0]!, crc: "wrong" }, ...unsigned.slice(1)]).crc).toBe("wrong");
    const ownCrc = [one, two, three].map((each) => ({ ...each, fileCrc32: each.crc32 }));
    expect(joinYenc(ownCrc).crc, "programs that write the part's checksum as crc32").toBe("ok");
  });

  test("parts that do not fit are told", () => {
    expect(joinYenc([one, two, { ...three, name: "dog", size: 5 }]).problems).toEqual([
      "the parts do not agree about the size",
      "the parts do not agree about the name",
    ]);
    const lost = { ...two, begin: undefined, end: undefined };
    expect(joinYenc([one, lost, three])).toMatchObject({
      missing: [[17, 32]],
      problems: ["part 2: nothing says where it belongs"],
    });
    const behind = { ...two, begin: 1e15, end: 1e15 + 15 };
    expect(joinYenc([one, behind, three]).problems).toEqual(["part 2: it lies behind the file's end"]);
  });

  test("a size beyond the limit is refused, whatever the parts say", () => {
    expect(() => joinYenc([{ ...one, size: 2 ** 52 }])).toThrow(UsageError);
    expect(() => joinYenc([one], { limit: 10 })).toThrow(/at most 10/);
    expect(() => joinYenc([])).toThrow(UsageError);
  });

  test("any file in any parts in any order comes back", () => {
    const cuts = fc.uniqueArray(fc.integer({ min: 1, max: 499 }), { maxLength: 8 });
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 500, maxLength: 500 }),
        cuts,
        fc.infiniteStream(fc.nat()),
        (data, at, random) => {
          const borders = [0, ...at.toSorted((a, b) => a - b), 500];
          const parts = borders.slice(1).map((end, i) => {
            const begin = borders[i]! + 1;
            return decodeYenc(encodeYenc(data.subarray(begin - 1, end), { name: "x", part: i + 1, begin, size: 500 }))!;
          });
          const shuffled = parts.map((each) => [random.next().value, each] as const).sort((a, b) => a[0] - b[0]);
          const file = joinYenc(shuffled.map(([, each]) => each));
          expect(file).toEqual({ name: "x", data: Buffer.from(data), missing: [], crc: "ok", problems: [] });
        },
      ),
    );
  });
});
