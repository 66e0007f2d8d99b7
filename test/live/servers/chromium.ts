/** A real browser, headless, which goes nowhere by itself: `await using browser = await startChromium()`. */
import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const PROGRAM = "/usr/bin/chromium";

export const chromiumInstalled = (): boolean => existsSync(PROGRAM);

/** Starts it. Nothing is looked up, updated or reported in the background. */
export function startChromium(): Promise<Browser> {
  const off = ["background-networking", "component-update", "sync", "quic", "gpu"].map((each) => `--disable-${each}`);
  return chromium.launch({ executablePath: PROGRAM, args: ["--no-sandbox", "--no-first-run", ...off] });
}
