/** NZB files as indexers and newsreaders write them, and those that are none. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { UsageError } from "../../src/client/errors.js";
import { formatNzb, type Nzb, parseNzb } from "../../src/message/nzb.js";

const NZB = `<?xml version="1.0" encoding="iso-8859-1" ?>
<!DOCTYPE nzb PUBLIC "-//newzBin//DTD NZB 1.1//EN" "http://www.newzbin.com/DTD/nzb/nzb-1.1.dtd">
<!-- a comment -->
<nzb xmlns="http://www.newzbin.com/DTD/2003/nzb">
 <head>
   <meta type="title">Your File!</meta>
   <meta type="tag">one</meta>
   <meta type="tag">two</meta>
 </head>
 <file poster="Joe &lt;joe@example.org&gt;" date="1071674882" subject="Here&apos;s &quot;abc.r01&quot; yEnc (1/2)">
   <groups>
     <group>alt.binaries.test</group>
     <group>alt.binaries.misc</group>
   </groups>
   <segments>
     <segment bytes="4501" number="2">98&amp;76@news.example.org</segment>
     <segment bytes="102394" number="1">1234@news.example.org</segment>
   </segments>
 </file>
</nzb>`;

const EXPECTED: Nzb = {
  meta: { title: "Your File!", tag: "one, two" },
  files: [
    {
      poster: "Joe <joe@example.org>",
      date: new Date("2003-12-17T15:28:02Z"),
      subject: `Here's "abc.r01" yEnc (1/2)`,
      groups: ["alt.binaries.test", "alt.binaries.misc"],
      segments: [
        { bytes: 102394, number: 1, messageId: "<1234@news.example.org>" },
        { bytes: 4501, number: 2, messageId: "<98&76@news.example.org>" },
      ],
    },
  ],
};

/** A file with this element in it. */
const withFile = (file: string) => `<nzb>${file}</nzb>`;
const subjectOf = (attribute: string) => parseNzb(withFile(`<file subject=${attribute} />`)).files[0]?.subject;

describe("reading", () => {
  test("a file as they are", () => {
    expect(parseNzb(NZB)).toEqual(EXPECTED);
    expect(parseNzb(Buffer.from(NZB))).toEqual(EXPECTED);
  });

  test("without declaration, DOCTYPE and namespace, with a prefix, with other line ends and capitals", () => {
    const bare = NZB.slice(NZB.indexOf("<nzb")).replace(/ xmlns="[^"]+"/, "");
    expect(parseNzb(bare)).toEqual(EXPECTED);
    expect(parseNzb(NZB.replaceAll("\n", "\r\n"))).toEqual(EXPECTED);
    expect(parseNzb(bare.replace(/<(\/?)(\w)/g, "<$1n:$2"))).toEqual(EXPECTED);
    expect(parseNzb(bare.replace(/<(\/?\w+)/g, (tag) => tag.toUpperCase()))).toEqual(EXPECTED);
    expect(parseNzb(`\ufeff${NZB}`)).toEqual(EXPECTED);
  });

  test.each([
    ["UTF-8 that says so", "utf-8", "utf8", "grüße €"],
    ["UTF-8 that says ISO 8859-1", "iso-8859-1", "utf8", "grüße €"],
    ["ISO 8859-1", "iso-8859-1", "latin1", "grüße"],
    ["ISO 8859-1 that says UTF-8", "utf-8", "latin1", "grüße"],
  ])("%s", (_, declared, written, subject) => {
    const xml = `<?xml version="1.0" encoding="${declared}"?><nzb><file subject="${subject}"/></nzb>`;
    expect(parseNzb(Buffer.from(xml, written as BufferEncoding)).files[0]?.subject).toBe(subject);
  });

  test("another charset, and UTF-16", () => {
    const russian = Buffer.concat([
      Buffer.from(`<?xml version='1.0' encoding='koi8-r'?><nzb><file subject="`),
      Buffer.of(0xd2, 0xd5),
      Buffer.from(`"/></nzb>`),
    ]);
    expect(parseNzb(russian).files[0]?.subject).toBe("ру");
    expect(parseNzb(Buffer.from(`\ufeff${NZB}`, "utf16le"))).toEqual(EXPECTED);
    expect(parseNzb(Buffer.from(`\ufeff${NZB}`, "utf16le").swap16())).toEqual(EXPECTED);
  });

  test.each([
    ['"R&D & more"', "R&D & more"],
    ['"Joe <joe@example.org>"', "Joe <joe@example.org>"],
    ["'it is \"quoted\"'", 'it is "quoted"'],
    ['"&#233;&#xE9;"', "éé"],
    ['"&unknown; &#x110000000;"', "&unknown; &#x110000000;"],
    ['"bell \x07"', "bell \x07"],
    ['""', ""],
    ["bare", "bare"],
  ])("the attribute %s", (attribute, expected) => {
    expect(subjectOf(attribute)).toBe(expected);
  });

  test("what is missing has a default", () => {
    expect(parseNzb(withFile("<file/>")).files).toEqual([{ poster: "", subject: "", groups: [], segments: [] }]);
    expect(parseNzb("<nzb/>")).toEqual({ meta: {}, files: [] });
    for (const date of ["", "0", "yesterday", "-1", "99999999999999999999"])
      expect(parseNzb(withFile(`<file date="${date}"/>`)).files[0]).not.toHaveProperty("date");
    const segments = parseNzb(
      withFile(
        "<file><segments><segment>a@b</segment><segment number='x' bytes='-1'> &lt;c@d&gt; </segment><segment/></segments></file>",
      ),
    ).files[0]?.segments;
    expect(segments).toEqual([
      { bytes: 0, number: 1, messageId: "<a@b>" },
      { bytes: 0, number: 2, messageId: "<c@d>" },
    ]);
  });

  test("elements that nobody knows are passed over, CDATA is text", () => {
    const xml = `<nzb><x><y/>z</x><head><meta type="title"><![CDATA[A & <B>]]></meta><meta>?</meta></head>
      <group>lost</group><segment>lost</segment><file subject="s"><groups><group>a.b</group><group/></groups></file></nzb>`;
    expect(parseNzb(xml)).toEqual({
      meta: { title: "A & <B>" },
      files: [{ poster: "", subject: "s", groups: ["a.b"], segments: [] }],
    });
  });

  test("names that mean something to JavaScript mean nothing here", () => {
    const xml = `<nzb><head><meta type="__proto__">x</meta><meta type="constructor">y</meta></head><constructor>z</constructor><__proto__>z</__proto__></nzb>`;
    expect(Object.entries(parseNzb(xml).meta)).toEqual([
      ["__proto__", "x"],
      ["constructor", "y"],
    ]);
    expect(({} as Record<string, unknown>).x).toBeUndefined();
  });
});

describe("refusing", () => {
  test.each([
    ["nothing", "", /no XML elements/],
    ["text", "hello", /no XML elements/],
    ["HTML", "<!DOCTYPE html><html><body>404</body></html>", /begins with <html>/],
    ["a file that is cut short", NZB.slice(0, -20), /cut short/],
    ["a file that is cut in a tag", NZB.slice(0, 700), /cut short/],
    ["elements without end", `<nzb>${"<a>".repeat(100_000)}`, /64 deep/],
  ])("%s", (_, xml, message) => {
    expect(() => parseNzb(xml)).toThrow(UsageError);
    expect(() => parseNzb(xml)).toThrow(message);
  });

  test("a file beyond the limit", () => {
    expect(() => parseNzb(NZB, { limit: 100 })).toThrow(/at most 100/);
    expect(parseNzb(NZB, { limit: NZB.length })).toEqual(EXPECTED);
  });

  test("entities of a DOCTYPE are not expanded: neither files nor bombs", () => {
    const xml = `<!DOCTYPE nzb [<!ENTITY a SYSTEM "file:///etc/passwd"><!ENTITY b "bbbb"><!ENTITY c "&b;&b;">]>
      <nzb><head><meta type="title">&a;&c;</meta></head></nzb>`;
    expect(parseNzb(xml).meta.title).toBe("&a;&c;");
  });

  test("any text is read or refused with a UsageError", () => {
    const word = fc.constantFrom(
      "<nzb>",
      "</nzb>",
      "<file ",
      "/>",
      ">",
      "</file>",
      "<segment>",
      "</segment>",
      "&",
      "&lt;",
      '"',
      "=",
      "a",
      "<!",
      "]]>",
      "<![CDATA[",
      "<?",
      "\0",
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 40 }), (words) => {
        try {
          parseNzb(words.join(""));
        } catch (error) {
          expect(error).toBeInstanceOf(UsageError);
        }
      }),
    );
  });
});

describe("writing", () => {
  test("what is written", () => {
    expect(formatNzb(EXPECTED)).toBe(`<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE nzb PUBLIC "-//newzBin//DTD NZB 1.1//EN" "http://www.newzbin.com/DTD/nzb/nzb-1.1.dtd">
<nzb xmlns="http://www.newzbin.com/DTD/2003/nzb">
  <head>
    <meta type="title">Your File!</meta>
    <meta type="tag">one, two</meta>
  </head>
  <file poster="Joe &lt;joe@example.org&gt;" date="1071674882" subject="Here's &quot;abc.r01&quot; yEnc (1/2)">
    <groups>
      <group>alt.binaries.test</group>
      <group>alt.binaries.misc</group>
    </groups>
    <segments>
      <segment bytes="102394" number="1">1234@news.example.org</segment>
      <segment bytes="4501" number="2">98&amp;76@news.example.org</segment>
    </segments>
  </file>
</nzb>
`);
  });

  test("characters that XML cannot hold are replaced", () => {
    const { files } = parseNzb(
      formatNzb({ meta: {}, files: [{ poster: "\0\x07\ud800\uffff", subject: "a\t\r\nb", groups: [], segments: [] }] }),
    );
    expect(files[0]).toMatchObject({ poster: "\ufffd\ufffd\ufffd\ufffd", subject: "a\t\r\nb" });
  });

  test("any list comes back", () => {
    const text = fc.string({ unit: "grapheme" });
    const trimmed = text.map((value) => value.trim()).filter((value) => value !== "");
    const segment = fc.record({
      bytes: fc.nat(),
      number: fc.nat(),
      messageId: fc.stringMatching(/^<[!-;=?-~]{1,20}@[a-z&]{1,9}>$/),
    });
    const file = fc.record(
      {
        poster: text,
        date: fc
          .date({ min: new Date(1000), noInvalidDate: true })
          .map((date) => new Date(Math.floor(date.getTime() / 1000) * 1000)),
        subject: text,
        groups: fc.array(trimmed),
        segments: fc.array(segment).map((all) => all.toSorted((a, b) => a.number - b.number)),
      },
      { requiredKeys: ["poster", "subject", "groups", "segments"] },
    );
    fc.assert(
      fc.property(fc.dictionary(trimmed, trimmed), fc.array(file), (meta, files) => {
        expect(parseNzb(formatNzb({ meta, files }))).toEqual({ meta: { ...meta }, files });
      }),
    );
  });
});
