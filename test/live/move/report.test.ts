/** The page of a report in a real browser: charts are drawn, nothing is loaded, nothing is cut off, names do no harm. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Journal } from "../../../src/jobs/journal/journal.js";
import { writeReport } from "../../../src/jobs/move/report/report.js";
import { describeLive } from "../available.js";
import { startChromium } from "../servers/chromium.js";

const HOSTILE = [
  `</script><script>window.harmed = 1</script>.csv`,
  `<img src="http://127.0.0.1:9/x" onerror="window.harmed = 2">.csv`,
  `" onmouseover="window.harmed = 3" x=".csv`,
  `--><svg onload="window.harmed = 4">.csv`,
  `${"a_name_without_an_end_".repeat(11)}.csv`,
  "evil\u202evsc.exe",
];
const ERRORS = [
  ["FAILED", "550", "550 <b>Permission</b> denied."],
  ["CONFLICT", "EXISTS", "another file of that name is there"],
  ["FAILED", "BROKEN", "its connections broke 10 times"],
  ["FAILED", "ROUTE", `${"no room to break ".repeat(40)}`],
  ["FAILED", "</script>", `x${"y".repeat(600)}`],
  ["GONE", undefined, "the source is gone"],
] as const;

/** A journal of two runs: 400 files, of which 150 did not go through. */
function makeJournal(path: string): void {
  const settings = {
    from: "ftp://alice@old.example.org//data/sensors/outgoing/with/a/long/path?security=plain",
    to: "ftps://bob@new.example.org/archive",
    match: "*.csv",
    route: "{name}",
  };
  using journal = Journal.open(path, { settings });
  const names = Array.from({ length: 400 }, (_, i) => HOSTILE[i] ?? `sensor_${i}.csv`);
  journal.addListed(names.map((name) => ({ name, size: 4096, mtime: 1e12 })));
  journal.finishListing();
  const files = journal.claim(390);
  const results = files.map(({ id }, i) => {
    const [state, code, error] = ERRORS[i % ERRORS.length] as (typeof ERRORS)[number];
    return i < 150 ? { id, state, code, error } : { id, state: "DONE" as const };
  });
  journal.settle(results);
  for (const run of [1, 2]) {
    journal.beginRun({ lanes: 8, onExists: "same-skip" });
    const from = Date.UTC(2026, 0, run, 22);
    for (let i = 0; i < 200; i++) {
      const done = (run - 1) * 100_000 + i * (300 + (i % 7) * 20);
      const edge = i === 0 || i === 199;
      const sample = {
        at: from + i * 60_000,
        settled: done,
        moved: done,
        failed: 0,
        bytes: done * 4096,
        lanes: 1 + (i % 20),
      };
      journal.sample(sample, edge);
    }
    journal.noteWarnings([`a server takes no more than ${run + 5} connections: 421 <i>Too many</i>`]);
    journal.endRun(run === 1 ? "552 Disk full" : undefined);
  }
}

/** What the page did besides being there. */
interface Watched {
  readonly page: Page;
  readonly requests: string[];
  readonly complaints: string[];
}

describeLive("chromium", "the page of a report", () => {
  const folder = mkdtempSync(join(tmpdir(), "polywire-report-"));
  const url = pathToFileURL(join(folder, "report.html")).href;
  let browser: Browser;

  beforeAll(async () => {
    makeJournal(join(folder, "move.journal"));
    await writeReport(join(folder, "move.journal"), folder);
    browser = await startChromium();
  });
  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true });
  });

  async function open(width: number, colorScheme: "light" | "dark"): Promise<Watched> {
    const page = await browser.newPage({ viewport: { width, height: 800 }, colorScheme });
    const requests: string[] = [];
    const complaints: string[] = [];
    page.on("request", (request) => requests.push(request.url()));
    page.on("console", (message) => complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(String(error)));
    await page.goto(url);
    return { page, requests, complaints };
  }

  const LOOKS = [
    [1280, "light"],
    [1280, "dark"],
    [390, "light"],
    [390, "dark"],
  ] as const;

  test.each(LOOKS)("%i px, %s: all charts are drawn, in their colours", async (width, scheme) => {
    const { page } = await open(width, scheme);
    const drawn = await page.evaluate(`[...document.querySelectorAll(".chart")].map((chart) => {
      const canvas = chart.querySelector("canvas");
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      const probe = document.createElement("i");
      document.body.append(probe);
      const colours = { files: "--blue", bytes: "--amber", lanes: "--violet", kinds: "--red" };
      probe.style.color = "var(" + colours[chart.id] + ")";
      const [r, g, b] = getComputedStyle(probe).color.match(/\\d+/g).map(Number);
      let pixels = 0;
      for (let i = 0; i < data.length; i += 4)
        if (data[i + 3] === 255 && data[i] === r && data[i + 1] === g && data[i + 2] === b) pixels++;
      return { id: chart.id, enough: pixels > 200, wide: canvas.clientWidth > ${width === 390 ? 300 : 450} };
    })`);
    expect(drawn).toEqual(["files", "bytes", "lanes", "kinds"].map((id) => ({ id, enough: true, wide: true })));
    await page.close();
  });

  test.each(LOOKS)(
    "%i px, %s: nothing is loaded, nothing is complained about, no name does harm",
    async (width, scheme) => {
      const { page, requests, complaints } = await open(width, scheme);
      await page.mouse.move(width / 2, 400);
      for (const name of await page.locator(".name").all()) await name.dispatchEvent("mouseover");
      expect(requests).toEqual([url]);
      expect(complaints).toEqual([]);
      expect(await page.evaluate("window.harmed")).toBeUndefined();
      expect(await page.locator("tbody script, tbody img, tbody svg, tbody b, tbody i").count()).toBe(0);
      const text = await page.locator("main").innerText();
      for (const name of HOSTILE.slice(0, 4)) expect(text).toContain(name);
      expect(text).toContain("evil\\u202evsc.exe");
      await page.close();
    },
  );

  test.each([320, 390, 768, 1280])(
    "%i px: no scrolling sideways, no text over another, none cut off",
    async (width) => {
      const { page } = await open(width, "light");
      expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(width);
      const troubles = await page.evaluate(`(() => {
      const troubles = [];
      for (const element of document.querySelectorAll("main *:not(svg *, .chart *)"))
        if (element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 0) troubles.push("cut: " + element.outerHTML.slice(0, 120));
      const range = document.createRange();
      const walker = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
      const boxes = [];
      while (walker.nextNode()) {
        if (walker.currentNode.textContent.trim() === "") continue;
        range.selectNodeContents(walker.currentNode);
        for (const box of range.getClientRects()) if (box.width > 1) boxes.push([box, walker.currentNode.textContent]);
      }
      boxes.sort(([a], [b]) => a.top - b.top);
      for (let i = 0; i < boxes.length; i++)
        for (let k = i + 1; k < boxes.length && boxes[k][0].top < boxes[i][0].bottom - 3; k++) {
          const [a, b] = [boxes[i][0], boxes[k][0]];
          if (a.left < b.right - 1 && b.left < a.right - 1) troubles.push("over: " + boxes[i][1].slice(0, 40) + " / " + boxes[k][1].slice(0, 40));
        }
      return troubles;
    })()`);
      expect(troubles).toEqual([]);
      await page.close();
    },
  );

  test("charts follow the width of the window and the colours of the system", async () => {
    const { page, complaints } = await open(1280, "light");
    const widthOf = () =>
      page.locator("#lanes canvas").evaluate((canvas) => (canvas as unknown as { clientWidth: number }).clientWidth);
    const before = await widthOf();
    await page.setViewportSize({ width: 600, height: 800 });
    await expect.poll(widthOf).toBeLessThan(600);
    expect(before).toBeGreaterThan(900);
    await page.emulateMedia({ colorScheme: "dark" });
    const labels = () => page.locator("#lanes .u-legend").count();
    await expect.poll(labels).toBe(1);
    expect(complaints).toEqual([]);
    await page.close();
  });

  test("a link leads to the row of failed.csv, and the numbers are those of the journal", async () => {
    const { page } = await open(1280, "light");
    expect(await page.locator("table.rows a").first().getAttribute("href")).toBe("failed.csv#row=2");
    expect(await page.locator("table.rows a").count()).toBe(100);
    expect(await page.locator(".card b").first().innerText()).toBe("240");
    expect(await page.locator(".badge").innerText()).toBe("stopped");
    expect(await page.locator(".warnings li").allInnerTexts()).toEqual([
      "a server takes no more than 6 connections: 421 <i>Too many</i>",
      "a server takes no more than 7 connections: 421 <i>Too many</i>",
    ]);
    await page.close();
  });
});
