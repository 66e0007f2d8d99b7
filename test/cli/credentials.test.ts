/** What the command finds in the environment for one server: a password, or a token where the protocol takes one. */
import { afterEach, expect, test, vi } from "vitest";
import type { Context } from "../../src/cli/context.js";
import { credentialsFor } from "../../src/cli/credentials.js";
import type { Protocol } from "../../src/index.js";

afterEach(() => void vi.unstubAllEnvs());

const found = (protocol: Protocol) => {
  // As without a terminal: nobody is asked.
  const context = { globals: { netrc: false, passwordStdin: true }, signal: new AbortController().signal };
  const stdinPasswords = { next: async () => undefined };
  const source = credentialsFor({ ...context, stdinPasswords } as unknown as Context, `${protocol}://joe@h.example`);
  return source?.({ protocol, host: "h.example", port: 1, user: "joe" });
};

test("a token in POLYWIRE_TOKEN is enough where there is SASL, and nothing to FTP", async () => {
  vi.stubEnv("POLYWIRE_TOKEN", "t0ken");
  expect(await found("pop3")).toMatchObject({ user: "joe", token: "t0ken" });
  expect(await found("ftp")).toEqual({ user: "joe" });
});

test("with a password, both are given", async () => {
  vi.stubEnv("POLYWIRE_TOKEN", "t0ken");
  vi.stubEnv("POLYWIRE_PASSWORD", "pw");
  expect(await found("smtp")).toMatchObject({ user: "joe", password: "pw", token: "t0ken" });
});
