/** Live tests run where their server is: elsewhere they are skipped, loudly; with CI=true they fail. */
import { describe, it } from "vitest";
import { installed, type Kind } from "./servers/ftp.js";

/** Why this server cannot be started here; undefined if it can. */
function obstacle(kind: Kind): string | undefined {
  if (!installed(kind)) return `${kind} is not installed; run: npm run servers`;
  if (process.getuid?.() !== 0) return `${kind} is started by root only; run: sudo npm run test:live`;
  return undefined;
}

export const available = (kind: Kind): boolean => obstacle(kind) === undefined;

/** `describe` for tests that need a real server. `kind` may be several: all are needed. */
export function describeLive(kind: Kind | readonly Kind[], name: string, tests: () => void): void {
  const reason = [kind].flat().map(obstacle).find(Boolean);
  if (reason === undefined) {
    describe(name, tests);
  } else if (process.env.CI) {
    describe(name, () => {
      it("has its server", () => {
        throw new Error(reason);
      });
    });
  } else {
    process.stderr.write(`SKIPPED: ${reason} (${name})\n`);
    describe.skip(name, tests);
  }
}
