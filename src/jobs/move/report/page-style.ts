/** The look of the report: one column on a phone, cards on a desk, dark where the reader's system is. */

/** Behind uPlot's own style. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --page: #f4f6f8; --card: #ffffff; --line: #dfe4ea; --text: #1a2027; --soft: #5a6673;
  --blue: #1f6feb; --blue-soft: rgba(31, 111, 235, .12); --amber-soft: rgba(180, 83, 9, .12); --violet-soft: rgba(116, 71, 201, .1); --amber: #b45309; --green: #1a7f4b; --red: #c0322b;
  --violet: #7447c9; --grey: #8793a0; --grid: rgba(90, 102, 115, .16);
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0f1318; --card: #171d24; --line: #2a323c; --text: #e7ebf0; --soft: #9ba7b4;
    --blue: #6cabff; --blue-soft: rgba(108, 171, 255, .16); --amber-soft: rgba(240, 166, 75, .14); --violet-soft: rgba(179, 147, 245, .14); --amber: #f0a64b; --green: #52c88a; --red: #f2766f;
    --violet: #b393f5; --grey: #76828f; --grid: rgba(155, 167, 180, .16);
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--text); -webkit-text-size-adjust: 100%;
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", Arial, sans-serif;
}
main { max-width: 1120px; margin: 0 auto; padding: 28px 20px 48px; display: grid; gap: 16px; grid-template-columns: minmax(0, 1fr); }
h1 { font-size: 22px; line-height: 1.35; margin: 6px 0 10px; font-weight: 650; overflow-wrap: anywhere; }
h1 .arrow { color: var(--soft); font-weight: 400; padding: 0 .3em; }
h2 { font-size: 16px; margin: 0 0 12px; font-weight: 650; }
h3 { font-size: 13px; margin: 0 0 4px; font-weight: 600; color: var(--soft); }
p { margin: 0; }
a { color: var(--blue); }
code, .name { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: .9em; overflow-wrap: anywhere; }
.soft, .note { color: var(--soft); }
.note { font-size: 13px; margin-top: 10px; }
.badge {
  display: inline-block; padding: 1px 10px; border-radius: 99px; font-size: 13px; font-weight: 600;
  border: 1px solid currentColor; color: var(--soft); margin-right: 8px;
}
.badge.finished { color: var(--green); } .badge.killed { color: var(--red); } .badge.stopped { color: var(--amber); }
.badge.moving, .badge.listing { color: var(--blue); }
section, .card { background: var(--card); border: 1px solid var(--line); border-radius: 12px; }
section { padding: 18px; min-width: 0; }
.cards { display: grid; gap: 12px; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); }
.card { padding: 14px 16px; min-width: 0; }
.card b { display: block; font-size: 21px; line-height: 1.25; font-weight: 650; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.card span { color: var(--soft); font-size: 13px; display: block; overflow-wrap: anywhere; }
.bar { display: block; width: 100%; height: 12px; border-radius: 6px; background: var(--line); }
.key { display: flex; flex-wrap: wrap; gap: 4px 18px; margin: 12px 0 0; padding: 0; list-style: none; font-size: 13px; color: var(--soft); }
.key b { color: var(--text); font-variant-numeric: tabular-nums; }
.key i { display: inline-block; width: 10px; height: 10px; border-radius: 3px; margin-right: 7px; background: currentColor; }
.moved { color: var(--green); fill: var(--green); } .skipped { color: var(--blue); fill: var(--blue); }
.conflicts { color: var(--violet); fill: var(--violet); } .failed { color: var(--red); fill: var(--red); }
.gone { color: var(--amber); fill: var(--amber); } .left { color: var(--grey); fill: var(--grey); }
.chart { width: 100%; min-height: 120px; }
.two { display: grid; gap: 16px; grid-template-columns: minmax(0, 1fr); }
@media (min-width: 860px) { .two.split { grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); } }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
.rows th { text-align: left; font-size: 13px; font-weight: 600; color: var(--soft); }
.rows { table-layout: fixed; }
.rows th, .rows td { padding: 7px 12px 7px 0; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; }
.kinds th:nth-child(1) { width: 15%; } .kinds th:nth-child(2) { width: 108px; } .kinds th:nth-child(3) { width: 96px; } .kinds th:nth-child(4) { width: 28%; }
.files th:nth-child(1) { width: 62px; } .files th:nth-child(2) { width: 44%; } .files th:nth-child(3) { width: 104px; } .files th:nth-child(4) { width: 92px; }
.runs th:nth-child(1) { width: 48px; } .runs th:nth-child(2) { width: 140px; } .runs th:nth-child(3) { width: 92px; }
.rows tr:last-child td { border-bottom: 0; }
.rows th.number, .rows .number { text-align: right; font-variant-numeric: tabular-nums; }
.pairs { display: grid; grid-template-columns: minmax(90px, max-content) minmax(0, 1fr); gap: 6px 18px; margin: 0; font-size: 14px; }
.pairs dt { color: var(--soft); } .pairs dd { margin: 0; overflow-wrap: anywhere; }
.warnings { margin: 0; padding-left: 20px; } .warnings li { overflow-wrap: anywhere; }
.uplot { width: 100%; font-family: inherit; }
.u-legend { font-size: 13px; color: var(--soft); text-align: left; margin: 6px 0 0; }
.u-legend th { font-weight: 400; } .u-legend .u-value { color: var(--text); font-variant-numeric: tabular-nums; display: inline-block; min-width: 66px; }
.u-inline tr { margin-right: 14px; }
.u-select { background: var(--blue-soft); }
@media (max-width: 640px) {
  main { padding: 18px 12px 32px; gap: 12px; }
  h1 { font-size: 18px; }
  section { padding: 14px; }
  .cards { gap: 8px; grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .card { padding: 10px 12px; } .card b { font-size: 19px; }
  .rows, .rows tbody { display: block; } .rows thead { display: none; }
  .rows tr { display: block; padding: 8px 0; border-bottom: 1px solid var(--line); }
  .rows tr:last-child { border-bottom: 0; }
  .rows td { display: grid; grid-template-columns: 82px minmax(0, 1fr); gap: 10px; padding: 2px 0; border: 0; }
  .rows .number { text-align: left; } .rows td:has(> div:empty) { display: none; }
  .rows td::before { content: attr(data-label); color: var(--soft); font-size: 13px; }
}
`;
