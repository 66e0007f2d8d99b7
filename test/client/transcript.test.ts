/** What was said, as it may be shown, and as a script. */
import { expect, test } from "vitest";
import { Transcript, type TranscriptLine } from "../../src/client/transcript.js";
import { parseScript } from "../../src/testing/scripted/script.js";

/** The script without its times. */
function scriptOf(transcript: Transcript): string {
  return transcript.script().replace(/^# \d{4}-.*\n/gm, "");
}

test("a line is told as it happens, and kept", () => {
  const told: TranscriptLine[] = [];
  const transcript = new Transcript({ onLine: (line) => told.push(line) });
  transcript.add("S", "220 ready");
  transcript.add("C", "NOOP");
  expect(transcript.lines.map(({ who, text }) => [who, text])).toEqual([
    ["S", "220 ready"],
    ["C", "NOOP"],
  ]);
  expect(told).toEqual(transcript.lines);
});

test("control characters are made visible: one line stays one line, and a terminal is safe", () => {
  const transcript = new Transcript();
  transcript.add("S", "220 \x1b[2J\r\nC: DELE x\0\x7f\ttab");
  expect(transcript.lines[0]?.text).toBe("220 \\x1b[2J\\x0d\\x0aC: DELE x\\x00\\x7f\ttab");
});

test("only the newest lines are kept", () => {
  const transcript = new Transcript({ keep: 10 });
  for (let i = 0; i < 1000; i++) transcript.add("S", `200 ${i}`);
  expect(transcript.lines.length).toBeLessThanOrEqual(20);
  const script = scriptOf(transcript).trim().split("\n");
  expect([script.length, script.at(0), script.at(-1)]).toEqual([10, "S: 200 990", "S: 200 999"]);
});

test("the script has lines, remarks and the beginning of TLS", () => {
  const transcript = new Transcript();
  transcript.add("#", "connected to a:21");
  transcript.add("S", "220 ready");
  transcript.add("C", "AUTH TLS");
  transcript.add("S", "234 go");
  transcript.add("#", "TLS");
  transcript.add("C", "PASS ***");
  expect(scriptOf(transcript)).toBe("# connected to a:21\nS: 220 ready\nC: AUTH TLS\nS: 234 go\nTLS\nC: PASS ***\n");
});

test("the script says the bytes: text beyond ASCII is written in base64, and can be read back", () => {
  const transcript = new Transcript();
  transcript.add("C", "CWD 日本");
  transcript.add("S", "550 \udcfc: no");
  const [steps] = parseScript(transcript.script());
  expect(steps).toMatchObject([
    { kind: "expect-bytes", bytes: Buffer.from("CWD 日本\r\n") },
    { kind: "send", bytes: Buffer.from("550 \xfc: no\r\n", "latin1") },
  ]);
});

test("lines with leading blanks, and empty ones, survive the script", () => {
  const transcript = new Transcript();
  for (const text of ["211-Features:", " MDTM", "", "211 End"]) transcript.add("S", text);
  const [steps] = parseScript(transcript.script());
  expect(steps?.map((step) => "bytes" in step && step.bytes.toString())).toEqual([
    "211-Features:\r\n",
    " MDTM\r\n",
    "\r\n",
    "211 End\r\n",
  ]);
});

test("a script begins with a time, and says it again where the second changes", () => {
  const transcript = new Transcript();
  transcript.add("S", "220 ready");
  expect(transcript.script()).toMatch(/^# \d{4}-\d\d-\d\dT[\d:.]+Z\nS: 220 ready\n$/);
});
