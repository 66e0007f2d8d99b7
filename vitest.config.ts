import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: "test/build.ts",
    pool: "forks",
    // Tests that watch memory see what we keep, not how large Node lets its young garbage grow: since Node 24 that is more.
    execArgv: ["--max-semi-space-size=16"],
    testTimeout: 20_000,
    hookTimeout: 60_000,
    coverage: { provider: "v8", include: ["src/**"] },
  },
});
