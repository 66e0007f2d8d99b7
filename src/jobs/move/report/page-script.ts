/** The report's script, as it stands in the page: draws the charts by uPlot, and again when width or colours change. */

/** Behind uPlot. It takes its data from the page. */
export const SCRIPT = `
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  const compact = new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 1 });
  const exact = new Intl.NumberFormat("en-US", { maximumFractionDigits: 1 });
  const shown = (_, value) => (value == null ? "–" : exact.format(value));
  const two = (value) => String(value).padStart(2, "0");
  const clock = (date, seconds) => two(date.getHours()) + ":" + two(date.getMinutes()) + (seconds ? ":" + two(date.getSeconds()) : "");
  const day = (date) => date.getDate() + " " + date.toLocaleString("en-US", { month: "short" });

  // One line for the time; a second one with the day where that begins.
  const times = (_, splits, __, ___, step) => {
    let before;
    return splits.map((at) => {
      const date = new Date(at * 1000);
      const today = day(date);
      const news = today !== before;
      before = today;
      if (step >= 86400) return today;
      return clock(date, step < 60) + (news ? "\\n" + today : "");
    });
  };
  const xAxis = () => ({ stroke: colour("soft"), grid: { stroke: colour("grid"), width: 1 }, ticks: { show: false }, values: times, space: 64, size: 44 });
  const yAxis = () => ({
    stroke: colour("soft"), ticks: { show: false }, size: 48, space: 36, grid: { stroke: colour("grid"), width: 1 },
    values: (_, splits) => splits.map((value) => compact.format(value)),
  });
  const fromZero = (_, __, most) => [0, most > 0 ? most * 1.08 : 1];
  const when = (_, value) => (value == null ? "–" : day(new Date(value * 1000)) + " " + clock(new Date(value * 1000), true));
  const timeSeries = { label: "Time", value: when };
  const few = data.curve.at.length < 60;

  const sync = { cursor: { sync: { key: "time" } } };

  const rate = (label, name) => (width) => ({
    ...sync, width, height: 240, scales: { y: { range: fromZero } }, axes: [xAxis(), yAxis()],
    series: [timeSeries, { label, stroke: colour(name), fill: colour(name + "-soft"), width: 1.5, value: shown, points: { show: few } }],
  });
  const lanes = (width) => ({
    ...sync, width, height: 200, scales: { y: { range: fromZero } }, axes: [xAxis(), { ...yAxis(), incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500] }],
    series: [timeSeries, { label: "Lanes", stroke: colour("violet"), fill: colour("violet-soft"), width: 1.5, value: shown, paths: uPlot.paths.stepped({ align: -1 }), points: { show: few } }],
  });
  const kinds = (width) => {
    const labels = data.kinds.map(({ label }) => label);
    const tight = labels.length * 76 > width;
    return {
      width, height: tight ? 250 : 220, legend: { show: false }, cursor: { show: false },
      scales: { x: { time: false, range: [-0.5, labels.length - 0.5] }, y: { range: fromZero } },
      axes: [
        { stroke: colour("soft"), grid: { show: false }, ticks: { show: false }, size: tight ? 76 : 34, rotate: tight ? -45 : 0,
          splits: () => labels.map((_, i) => i), values: () => labels },
        { ...yAxis(), incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6, 2e6, 5e6, 1e7, 1e8] },
      ],
      series: [{}, { stroke: colour("red"), fill: colour("red"), paths: uPlot.paths.bars({ size: [0.6, 56], radius: 0.12 }), points: { show: false } }],
    };
  };

  const { at, filesPerSecond, megabytesPerSecond } = data.curve;
  const CHARTS = {
    files: [rate("Files/s", "blue"), [at, filesPerSecond]],
    bytes: [rate("MB/s", "amber"), [at, megabytesPerSecond]],
    lanes: [lanes, [at, data.curve.lanes]],
    kinds: [kinds, [data.kinds.map((_, i) => i), data.kinds.map(({ files }) => files)]],
  };
  const draw = (host) => {
    const [options, columns] = CHARTS[host.id];
    host.replaceChildren();
    new uPlot(options(host.clientWidth), columns, host);
    host.dataset.width = host.clientWidth;
  };
  const hosts = [...document.querySelectorAll(".chart")];
  const resized = new ResizeObserver((entries) => requestAnimationFrame(() => {
    for (const { target } of entries) if (target.dataset.width !== String(target.clientWidth)) draw(target);
  }));
  for (const host of hosts) { draw(host); resized.observe(host); }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => hosts.forEach(draw));
})();
`;
