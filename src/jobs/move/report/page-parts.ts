/** The parts of the report's page, as HTML. Names and texts come from servers: every one of them is escaped. Pure. */
import { displayName } from "../../../ftp/name.js";
import type { JobRun, JournalFile } from "../../journal/journal.js";
import type { Json } from "../../journal/settings.js";
import type { ClassedFailure } from "../look/status.js";
import { bytes, count, moment, span } from "./page-format.js";
import type { MoveSummary } from "./summary.js";

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text as HTML, also for attributes in quotes: control characters, and what turns the direction of writing, are shown. */
export function escapeHtml(text: string): string {
  return displayName(text).replace(/[&<>"']/g, (character) => ENTITIES[character] as string);
}

/** What a kind of failure is called where there is little room. */
export function kindLabel({ code, state }: Pick<ClassedFailure, "code" | "state">): string {
  return displayName(code ?? state);
}

export function titleOf({ settings }: MoveSummary): string {
  return `Move report: ${text(settings.from)} to ${text(settings.to)}`;
}

/** Everything that is seen. */
export function bodyOf(summary: MoveSummary, failures: readonly JournalFile[], hasCurve: boolean): string {
  const empty = "No samples yet: the job is too young, or its journal is of an older polywire.";
  const young = `<p class="soft">${empty}</p>`;
  return `<main>
${header(summary)}
${cards(summary)}
${states(summary)}
<section><h2>Throughput</h2>${hasCurve ? rates() : young}<p class="note">Files settled, and bytes that arrived (1 MB = 1,000,000 bytes), in a second. Gaps are times without a run.</p></section>
<section><h2>Lanes</h2>${hasCurve ? chart("lanes") : young}</section>
${kinds(summary)}
${warnings(summary.warnings)}
<div class="two split"><section><h2>Settings</h2>${pairs({ ...summary.settings, ...summary.options })}</section>
${runs(summary.runs)}</div>
${failed(summary, failures)}
<p class="note">Made by polywire from the journal <span class="name">${escapeHtml(summary.journal)}</span> at ${moment(summary.made)} UTC. Beside this page: <a href="summary.json">summary.json</a>, <a href="failed.csv">failed.csv</a>, <a href="moved.ndjson">moved.ndjson</a>.</p>
</main>`;
}

function chart(id: string): string {
  return `<div class="chart" id="${id}"></div>`;
}

function rates(): string {
  const [files, bytes] = [`<h3>Files per second</h3>${chart("files")}`, `<h3>MB per second</h3>${chart("bytes")}`];
  return `<div class="two split"><div>${files}</div><div>${bytes}</div></div>`;
}

function header({ settings, phase, began, ended }: MoveSummary): string {
  const when = began === undefined ? "" : `${moment(began)} to ${ended === undefined ? "?" : moment(ended)} UTC`;
  const [from, to] = [settings.from, settings.to].map((side) => `<span>${escapeHtml(text(side))}</span>`);
  return `<header><p class="soft">polywire move</p>
<h1>${from}<span class="arrow">→</span>${to}</h1>
<p><span class="badge ${phase}">${phase}</span><span class="soft">${when}</span></p></header>`;
}

function cards(summary: MoveSummary): string {
  const { states, secondsAtWork, filesPerSecond, bytesPerSecond, mostLanes, runs } = summary;
  const troubled = states.FAILED + states.CONFLICT + states.GONE;
  const rows: readonly (readonly [string, string])[] = [
    [count(states.DONE), `of ${count(summary.files)} files moved`],
    [bytes(summary.bytes.DONE), "moved"],
    [count(troubled), "failed, in conflict or vanished"],
    [
      secondsAtWork > 0 ? span(secondsAtWork) : "–",
      `at work, ${count(runs.length)} ${runs.length === 1 ? "run" : "runs"}`,
    ],
    [filesPerSecond > 0 ? `${count(filesPerSecond)}/s` : "–", "files, on average"],
    [bytesPerSecond > 0 ? `${bytes(bytesPerSecond)}/s` : "–", `on average, up to ${count(mostLanes)} lanes`],
  ];
  const card = ([value, what]: readonly [string, string]) =>
    `<div class="card"><b>${value}</b><span>${what}</span></div>`;
  return `<div class="cards">${rows.map(card).join("")}</div>`;
}

/** Each state by its class in the style, and its words. */
function shares({ states }: MoveSummary): readonly (readonly [string, string, number])[] {
  return [
    ["moved", "moved", states.DONE],
    ["skipped", "skipped: the same was there", states.SKIPPED_SAME],
    ["conflicts", "in conflict", states.CONFLICT],
    ["failed", "failed", states.FAILED],
    ["gone", "vanished", states.GONE],
    ["left", "left", states.PLANNED + states.CLAIMED],
  ];
}

function states(summary: MoveSummary): string {
  const all = shares(summary).filter(([, , files]) => files > 0);
  let at = 0;
  const rects = all.map(([name, , files]) => {
    const width = (files / summary.files) * 1000;
    at += width;
    return `<rect class="${name}" x="${(at - width).toFixed(2)}" y="0" width="${width.toFixed(2)}" height="12"/>`;
  });
  const keys = all.map(([name, what, files]) => `<li><i class="${name}"></i><b>${count(files)}</b> ${what}</li>`);
  return `<section><h2>Files</h2>
<svg class="bar" viewBox="0 0 1000 12" preserveAspectRatio="none" role="img" aria-label="shares of the states">${rects.join("")}</svg>
<ul class="key">${keys.join("") || "<li>none yet</li>"}</ul></section>`;
}

function kinds({ failures }: MoveSummary): string {
  if (failures.length === 0) return `<section><h2>Failures by kind</h2><p class="soft">None.</p></section>`;
  const rows = failures.map((kind) =>
    row([
      ["Kind", escapeHtml(kindLabel(kind))],
      ["State", kind.state],
      ["Files", count(kind.files), "number"],
      ["Meaning", escapeHtml(kind.class)],
      ["Example", escapeHtml(cut(kind.example))],
    ]),
  );
  return `<section><h2>Failures by kind</h2>${chart("kinds")}
${table("kinds", ["Kind", "State", "Files", "Meaning", "Example"], rows)}</section>`;
}

function failed({ states }: MoveSummary, failures: readonly JournalFile[]): string {
  if (failures.length === 0) return "";
  const all = states.FAILED + states.CONFLICT + states.GONE;
  const rows = failures.map((file, i) =>
    row([
      // RFC 7111: a row of a CSV file, counted from 1; the first one is the header.
      ["Row", `<a href="failed.csv#row=${i + 2}">${i + 2}</a>`, "number"],
      ["File", `<span class="name">${escapeHtml(file.name)}</span>${toTarget(file)}`],
      ["State", file.state],
      ["Code", escapeHtml(file.code ?? "")],
      ["Error", escapeHtml(cut(file.error))],
    ]),
  );
  const more = all > failures.length ? `The first ${count(failures.length)} of ${count(all)}; all` : "All";
  return `<section><h2>Files that did not go through</h2>${table("files", ["Row", "File", "State", "Code", "Error"], rows)}
<p class="note">${more} of them are in <a href="failed.csv">failed.csv</a>.</p></section>`;
}

function toTarget({ name, target }: JournalFile): string {
  return target === name ? "" : `<br><span class="soft">→&nbsp;<span class="name">${escapeHtml(target)}</span></span>`;
}

function warnings(texts: readonly string[]): string {
  if (texts.length === 0) return "";
  const items = texts.map((each) => `<li>${escapeHtml(each)}</li>`);
  return `<section><h2>Warnings</h2><ul class="warnings">${items.join("")}</ul></section>`;
}

/** Runs shown: a job of cron's has many. */
const RUNS = 20;

function runs(all: readonly JobRun[]): string {
  const rows = all.slice(-RUNS).map(({ id, started, ended, error, host, pid }) =>
    row([
      ["Run", String(id), "number"],
      ["Began", moment(new Date(started).toISOString())],
      ["Took", ended === undefined ? "–" : span((ended - started) / 1000)],
      [
        "End",
        ended === undefined
          ? `none: at work, or killed (process ${pid} on ${escapeHtml(host)})`
          : escapeHtml(cut(error) || "in order"),
      ],
    ]),
  );
  const which = all.length > RUNS ? `The last ${RUNS} runs` : "Runs";
  if (rows.length === 0) return `<section><h2>Runs</h2><p class="soft">None that the journal remembers.</p></section>`;
  return `<section><h2>${which}</h2>${table("runs", ["Run", "Began", "Took", "End"], rows)}</section>`;
}

function pairs(values: Readonly<Record<string, Json>>): string {
  const rows = Object.entries(values).map(
    ([name, value]) => `<dt>${escapeHtml(name)}</dt><dd><code>${escapeHtml(text(value))}</code></dd>`,
  );
  return `<dl class="pairs">${rows.join("")}</dl>`;
}

/** Columns of numbers. */
const NUMBERS: readonly string[] = ["Files", "Row", "Run"];

function table(name: string, head: readonly string[], rows: readonly string[]): string {
  const cells = head.map((each) => `<th${NUMBERS.includes(each) ? ' class="number"' : ""}>${each}</th>`);
  return `<table class="rows ${name}"><thead><tr>${cells.join("")}</tr></thead><tbody>${rows.join("")}</tbody></table>`;
}

/** A row of cells that are HTML already. */
function row(cells: readonly (readonly [label: string, html: string, look?: string])[]): string {
  const one = ([label, html, look]: readonly [string, string, string?]) =>
    `<td data-label="${label}"${look === undefined ? "" : ` class="${look}"`}><div>${html}</div></td>`;
  return `<tr>${cells.map(one).join("")}</tr>`;
}

function text(value: Json | undefined): string {
  return typeof value === "string" ? value : value === undefined ? "" : JSON.stringify(value);
}

/** Servers may say much. */
function cut(said: string | undefined): string {
  const characters = [...(said ?? "")];
  return characters.length > 300 ? `${characters.slice(0, 300).join("")}…` : characters.join("");
}
