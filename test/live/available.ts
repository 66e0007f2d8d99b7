/** Live tests run where their server is: elsewhere they are skipped, loudly; with CI=true they fail. */
import { describe, it } from "vitest";
import { chromiumInstalled } from "./servers/chromium.js";
import { installed, type Kind } from "./servers/ftp.js";
import { MAIL_KINDS, type MailKind, mailInstalled } from "./servers/mail.js";
import { MTA_KINDS, type MtaKind, mtaInstalled } from "./servers/mta.js";
import { NEWS_KINDS, type NewsKind, newsInstalled } from "./servers/news.js";
import { redisInstalled } from "./servers/redis.js";
import { sinkInstalled } from "./servers/sink.js";

/** Every server that a live test may ask for, and the browser. */
export type LiveKind = Kind | NewsKind | MailKind | MtaKind | "sink" | "redis" | "chromium";

/** Whether all that tests ask of this kind is there: Cyrus serves news and mail. */
function isInstalled(kind: LiveKind): boolean {
  const news = NEWS_KINDS.find((each) => each === kind);
  const mail = MAIL_KINDS.find((each) => each === kind);
  const mta = MTA_KINDS.find((each) => each === kind);
  if (kind === "sink") return sinkInstalled();
  if (kind === "redis") return redisInstalled();
  if (kind === "chromium") return chromiumInstalled();
  if (news || mail) return (!news || newsInstalled(news)) && (!mail || mailInstalled(mail));
  return mta ? mtaInstalled(mta) : installed(kind as Kind);
}

/** Why this server cannot be started here; undefined if it can. */
function obstacle(kind: LiveKind): string | undefined {
  if (!isInstalled(kind)) return `${kind} is not installed; run: npm run servers`;
  if (kind !== "chromium" && process.getuid?.() !== 0)
    return `${kind} is started by root only; run: sudo npm run test:live`;
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
