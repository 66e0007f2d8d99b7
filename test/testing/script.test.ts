/** Scripts: what they say, and what is wrong with them. */
import { describe, expect, test } from "vitest";
import { parseScript, ScriptError } from "../../src/testing/index.js";

const kinds = (script: string) => parseScript(script).map((steps) => steps.map((step) => step.kind));

describe("reading a script", () => {
  test("every kind of line, however it is indented", () => {
    const script = `
      # 2026-01-01T00:00:00.000Z
      S: 220 ready
      S~ AAEC
      C: USER alice
      C: /^PASS .+$/
      C~ AAEC
      TLS
      WAIT 50
      S: 229 ok ({epsv})
      D: row
      D~ AAEC
      D< any
      D TLS
      D CLOSE
      RESET
      --- second
      CLOSE
    `;
    expect(kinds(script)).toEqual([
      [
        ...["send", "send", "expect", "expect-match", "expect-bytes", "tls", "wait", "send"],
        ...["data-send", "data-send", "data-receive", "data-tls", "data-close", "reset"],
      ],
      ["close"],
    ]);
  });

  test("lines keep their place, their blanks and their bytes", () => {
    const [steps = []] = parseScript("\n  S:  two  blanks \r\nC: caf\xe9");
    expect(steps[0]).toMatchObject({ kind: "send", line: 2, bytes: Buffer.from(" two  blanks \r\n") });
    expect(steps[1]).toMatchObject({ kind: "expect", line: 3, text: "caf\xe9" });
  });

  test("an empty line is S: or C: alone", () => {
    const [steps = []] = parseScript("S:\nC:");
    expect(steps).toMatchObject([{ bytes: Buffer.from("\r\n") }, { text: "" }]);
  });

  test("a last word *** stands for a secret, an asterisk elsewhere for itself", () => {
    const [steps = []] = parseScript("C: PASS ***\nC: ***\nC: PASS a***\nC: *** b");
    expect(steps).toMatchObject([
      { text: "PASS ", redacted: true },
      { text: "", redacted: true },
      { text: "PASS a***", redacted: false },
      { text: "*** b", redacted: false },
    ]);
  });

  test("a separator may come first", () => {
    expect(kinds("---\nS: a\n---\nS: b")).toEqual([["send"], ["send"]]);
  });
});

describe("refusing a script", () => {
  test.each([
    ["X: what", "cannot read"],
    ["S:text", "one blank"],
    ["S~ ???", "not base64"],
    ["C: /(/", "Invalid regular expression"],
    ["D: row", "needs an S: line with {port}"],
    ["WAIT soon", "cannot read"],
    ["S: \u20ac", "is no byte"],
  ])("%s: %s", (line, message) => {
    const attempt = () => parseScript(`S: ok\n${line}`);
    expect(attempt).toThrow(ScriptError);
    expect(attempt).toThrow(message);
    expect(attempt).toThrow("script line 2");
  });

  test("a connection without steps", () => {
    expect(() => parseScript("")).toThrow("connection 1 has no steps");
    expect(() => parseScript("S: a\n---\n")).toThrow("connection 2 has no steps");
  });
});
