/** netrc: its grammar, which entry fits, and files that others can read. */
import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, test, vi } from "vitest";
import { findEntry, netrc, parseNetrc } from "../../src/client/netrc.js";
import type { CredentialsTarget } from "../../src/client/session.js";

const target: CredentialsTarget = { protocol: "ftp", host: "files.example", port: 21 };
const dir = fs.mkdtempSync(join(tmpdir(), "polywire-netrc-"));
afterAll(() => fs.rmSync(dir, { recursive: true }));
afterEach(() => void vi.unstubAllEnvs());

function file(text: string, mode = 0o600): string {
  const path = join(dir, `netrc${Math.random()}`);
  fs.writeFileSync(path, text);
  fs.chmodSync(path, mode);
  return path;
}

describe("parseNetrc", () => {
  test.each([
    [
      "one line",
      "machine h login joe password pw account a",
      [{ machine: "h", login: "joe", password: "pw", account: "a" }],
    ],
    ["many lines", "machine h\r\n\tlogin joe\r\n\tpassword pw\r\n", [{ machine: "h", login: "joe", password: "pw" }]],
    ["default", "machine h default login anonymous", [{ machine: "h" }, { machine: undefined, login: "anonymous" }]],
    ["ports", "machine h port 2121 login joe", [{ machine: "h", port: "2121", login: "joe" }]],
    ["quotes", 'machine h login "joe \\"j\\" doe" password ""', [{ machine: "h", login: 'joe "j" doe', password: "" }]],
    ["comments", "# a machine x\nmachine h # the first\nlogin joe", [{ machine: "h", login: "joe" }]],
    ["a password with #", "machine h password #1", [{ machine: "h", password: "#1" }]],
    [
      "a keyword as password",
      "machine h password machine login joe",
      [{ machine: "h", password: "machine", login: "joe" }],
    ],
    [
      "macros",
      "machine h login joe\nmacdef init\ncd /in\nmachine no\n\nmachine k",
      [{ machine: "h", login: "joe" }, { machine: "k" }],
    ],
    ["a macro at the end", "machine h\nmacdef init\nls", [{ machine: "h" }]],
    ["UTF-8 and a mark", "\ufeffmachine h password pässwörd", [{ machine: "h", password: "pässwörd" }]],
    ["nothing", " \n", []],
  ])("%s", (_, text, entries) => {
    expect(parseNetrc(text)).toEqual(entries);
  });

  test.each([
    ["machine h\nlogin", /^netrc, line 2: a value is missing/],
    ["login joe password hunter2", /line 1: something stands before the first machine/],
    ["machine h\n\nhunter2 joe", /line 3: a word is not known here/],
    ['machine h password "hunter2\n"', /line 2: a value holds a line break/],
  ])("%j is refused, its text not shown", (text, words) => {
    expect(() => parseNetrc(text)).toThrow(words);
    expect(() => parseNetrc(text)).not.toThrow(/hunter2/);
  });
});

test("findEntry: host, port, protocol and user count, default comes last", () => {
  const entries = parseNetrc(`
    default login any
    machine FILES.example port 2121 login odd
    machine files.example port imap login mail
    machine files.example login joe
    machine files.example login ann
    machine bare.example password pw`);
  const login = (given: Partial<CredentialsTarget>) => findEntry(entries, { ...target, ...given })?.login;
  expect(login({})).toBe("joe");
  expect(login({ port: 2121 })).toBe("odd");
  expect(login({ protocol: "imap", port: 993 })).toBe("mail");
  expect(login({ user: "ann" })).toBe("ann");
  expect(login({ host: "other.example" })).toBe("any");
  expect(login({ user: "eve" })).toBeUndefined();
  expect(findEntry(entries, { ...target, host: "bare.example", user: "eve" })?.password).toBe("pw");
});

describe("netrc()", () => {
  const text = "machine files.example login joe password hunter2\ndefault login anonymous password a@b\n";

  test("gives the credentials of the host", async () => {
    expect(await netrc(file(text))(target)).toMatchObject({ user: "joe", password: "hunter2" });
    expect(await netrc(file("machine files.example password pw"))({ ...target, user: "ann" })).toMatchObject({
      user: "ann",
      password: "pw",
    });
  });

  test("reads $NETRC, else ~/.netrc, when it is called", async () => {
    const source = netrc();
    vi.stubEnv("NETRC", file(text));
    expect(await source(target)).toMatchObject({ user: "joe" });
    vi.stubEnv("NETRC", "");
    vi.stubEnv("HOME", dir);
    expect(await source(target)).toBeUndefined();
    fs.writeFileSync(join(dir, ".netrc"), "machine files.example login home\n");
    expect(await source(target)).toMatchObject({ user: "home" });
  });

  test("no file and no entry: none", async () => {
    expect(await netrc(join(dir, "missing"))(target)).toBeUndefined();
    expect(await netrc(file("machine other.example login joe"))(target)).toBeUndefined();
  });

  test.skipIf(process.platform === "win32")(
    "a password that others can read is refused, where it is needed",
    async () => {
      const open = file(text, 0o644);
      await expect(netrc(open)(target)).rejects.toMatchObject({
        name: "UsageError",
        message: `others can read the passwords in ${open}: run: chmod 600 ${open}`,
      });
      expect(await netrc(open)({ ...target, host: "ftp.other.example" })).toMatchObject({ user: "anonymous" });
      expect(await netrc(file("machine files.example login joe", 0o644))(target)).toMatchObject({ user: "joe" });
    },
  );

  test("what cannot be read is a UsageError", async () => {
    await expect(netrc(dir)(target)).rejects.toMatchObject({ name: "UsageError", cause: { code: "EISDIR" } });
    await expect(netrc(file(`#${"x".repeat(1_100_000)}`))(target)).rejects.toMatchObject({ name: "UsageError" });
  });
});
