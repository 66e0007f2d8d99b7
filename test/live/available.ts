/** Live tests run where their server is: elsewhere they are skipped, loudly; with CI=true they fail. */
import { describe, it } from "vitest";
import { installed, type Kind } from "./servers/ftp.js";
import { NEWS_KINDS, type NewsKind, newsInstalled } from "./servers/news.js";

/** Every server that a live test may ask for. */
export type LiveKind = Kind | NewsKind;

const isNews = (kind: LiveKind): kind is NewsKind => (NEWS_KINDS as readonly LiveKind[]).includes(kind);

/** Why this server cannot be started here; undefined if it can. */
function obstacle(kind: LiveKind): string | undefined {
  if (!(isNews(kind) ? newsInstalled(kind) : installed(kind))) return `${kind} is not installed; run: npm run servers`;
  if (process.getuid?.() !== 0) return `${kind} is started by root only; run: sudo npm run test:live`;
  return undefined;
}

export const available = (kind: LiveKind): boolean => obstacle(kind) === undefined;

/** `describe` for tests that need a real server. `kind` may be several: all are needed. */
export function describeLive(kind: LiveKind | readonly LiveKind[], name: string, tests: () => void): void {
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
