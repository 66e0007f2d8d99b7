/** Credentials: where they come from, in which order, and that they do not show. */
import { inspect } from "node:util";
import { afterEach, describe, expect, test, vi } from "vitest";
import { env, firstOf, resolveCredentials, secret } from "../../src/client/credentials.js";
import { UsageError } from "../../src/client/errors.js";
import type { CredentialsTarget } from "../../src/client/session.js";

const target: CredentialsTarget = { protocol: "ftp", host: "files.example", port: 21 };
afterEach(() => void vi.unstubAllEnvs());

describe("secret", () => {
  const hidden = secret({ user: "joe", password: "hunter2", account: "hunter2" });

  test("shows nothing to logs", () => {
    const texts = [
      inspect(hidden),
      inspect({ deep: [hidden] }),
      JSON.stringify({ hidden }),
      String(hidden),
      `${hidden}`,
    ];
    for (const text of texts) {
      expect(text).not.toContain("hunter2");
      expect(text).toContain("joe");
    }
    expect(JSON.parse(JSON.stringify(hidden))).toEqual({ user: "joe", password: "***", account: "***" });
  });

  test("hides a token, given or to be asked for; whom it acts for is no secret", () => {
    for (const token of ["t0ken", () => "t0ken"]) {
      const shown = JSON.parse(JSON.stringify(secret({ user: "joe", token, authzid: "ann" })));
      expect(shown).toEqual({ user: "joe", token: "***", authzid: "ann" });
      expect(inspect(secret({ token }))).not.toContain("t0ken");
      expect(secret({ token }).token).toBe(token);
    }
  });

  test("gives its fields to who asks", () => {
    expect(hidden.password).toBe("hunter2");
    expect({ ...hidden }).toEqual({ user: "joe", password: "hunter2", account: "hunter2" });
    expect({ ...secret({ user: "joe" }) }).toEqual({ user: "joe" });
    expect(secret(hidden)).toBe(hidden);
  });
});

describe("env", () => {
  test("is read when it is called", async () => {
    const source = env();
    expect(await source(target)).toBeUndefined();
    vi.stubEnv("POLYWIRE_USER", "joe");
    vi.stubEnv("POLYWIRE_PASSWORD", "pw");
    expect(await source(target)).toMatchObject({ user: "joe", password: "pw" });
    vi.stubEnv("POLYWIRE_ACCOUNT", "acct");
    expect(await source(target)).toMatchObject({ account: "acct" });
  });

  test("a token, which needs neither password nor user; an empty one is none", async () => {
    vi.stubEnv("POLYWIRE_TOKEN", "");
    expect(await env()(target)).toBeUndefined();
    vi.stubEnv("POLYWIRE_TOKEN", "t0ken");
    expect(await env()({ ...target, user: "joe" })).toMatchObject({ user: "joe", token: "t0ken" });
    vi.stubEnv("POLYWIRE_USER", "joe");
    expect(await env()({ ...target, user: "ann" })).toBeUndefined();
  });

  test("another prefix; the URL's user with a password of the environment", async () => {
    vi.stubEnv("ARCHIVE_PASSWORD", "pw");
    expect(await env("ARCHIVE")({ ...target, user: "joe" })).toMatchObject({ user: "joe", password: "pw" });
  });

  test("never gives one user's password to another", async () => {
    vi.stubEnv("POLYWIRE_USER", "joe");
    vi.stubEnv("POLYWIRE_PASSWORD", "pw");
    expect(await env()({ ...target, user: "ann" })).toBeUndefined();
  });

  test("an empty user is none", async () => {
    vi.stubEnv("POLYWIRE_USER", "");
    expect(await env()(target)).toBeUndefined();
  });
});

test("firstOf asks in order and stops at the first that knows", async () => {
  const third = vi.fn(() => ({ user: "third" }));
  const source = firstOf(
    () => undefined,
    async () => ({ user: "second" }),
    third,
  );
  expect(await source(target)).toEqual({ user: "second" });
  expect(third).not.toHaveBeenCalled();
  expect(await firstOf()(target)).toBeUndefined();
});

describe("resolveCredentials", () => {
  test("takes a value or a function, and hides what it gives", async () => {
    const given = vi.fn(() => Promise.resolve({ user: "joe", password: "hunter2" }));
    for (const source of [{ user: "joe", password: "hunter2" }, given]) {
      const found = await resolveCredentials(source, target);
      expect(found?.password).toBe("hunter2");
      expect(inspect(found)).not.toContain("hunter2");
    }
    expect(given).toHaveBeenCalledWith(target);
    expect(await resolveCredentials(undefined, target)).toBeUndefined();
    expect(await resolveCredentials(() => undefined, target)).toBeUndefined();
  });

  test("a function that fails is a UsageError with its cause", async () => {
    const cause = new Error("vault is sealed");
    const failing = resolveCredentials(() => Promise.reject(cause), target);
    await expect(failing).rejects.toMatchObject({ name: "UsageError", cause });
    const own = new UsageError("mine");
    await expect(resolveCredentials(() => Promise.reject(own), target)).rejects.toBe(own);
  });
});
