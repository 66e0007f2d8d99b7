/** The page of a report: one file, with all it needs in it, that may load nothing from anywhere. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { JobSample, JournalFile } from "../../journal/journal.js";
import { type Curve, curveOf } from "./curve.js";
import { bodyOf, escapeHtml, kindLabel, titleOf } from "./page-parts.js";
import { SCRIPT } from "./page-script.js";
import { STYLE } from "./page-style.js";
import type { MoveSummary } from "./summary.js";

/** Kinds of failures in their chart; the table below it has all. */
const KINDS = 8;

/**
 * The page.
 *
 * @param failures The first of them, as failed.csv has them.
 */
export function pageOf(summary: MoveSummary, samples: readonly JobSample[], failures: readonly JournalFile[]): string {
  const { script: chartScript, style: chartStyle, license } = readUplot();
  const style = `${chartStyle}\n${STYLE}`;
  const script = `${chartScript}\n${SCRIPT}`;
  const curve = curveOf(samples);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policyOf(style, script)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>${escapeHtml(titleOf(summary))}</title>
<link rel="icon" href="data:,">
<style>${style}</style>
</head>
<body>
${bodyOf(summary, failures, curve.at.length > 0)}
<script type="application/json" id="data">${embedded(summary, curve)}</script>
<!-- The charts are drawn by uPlot.
${license.replaceAll("--", "- -")}
-->
<script>${script}</script>
</body>
</html>
`;
}

/** Nothing is loaded, sent or framed; of scripts and styles only those of this page run, known by their digests. */
function policyOf(style: string, script: string): string {
  const digest = (text: string) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
  return [
    "default-src 'none'",
    `script-src ${digest(script)}`,
    `style-src ${digest(style)}`,
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
}

/** As JSON that cannot end its element. */
function embedded({ failures }: MoveSummary, curve: Curve): string {
  const kinds = failures.slice(0, KINDS).map((kind) => ({ label: kindLabel(kind), files: kind.files }));
  return JSON.stringify({ curve, kinds }).replaceAll("<", "\\u003c");
}

function readUplot(): { script: string; style: string; license: string } {
  const { resolve } = createRequire(import.meta.url);
  const read = (name: string) => readFileSync(resolve(`uplot/${name}`), "utf8").trim();
  return { script: read("dist/uPlot.iife.min.js"), style: read("dist/uPlot.min.css"), license: read("LICENSE") };
}
