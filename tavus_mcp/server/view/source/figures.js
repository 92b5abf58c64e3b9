// Figures of calls as charts: for each a dot with its 95 % interval per side, on a common axis.

import { counted, disclosure, drawing, element, foreign, unseen } from "./dom.js";
import { pageHead } from "./page.js";
import { sortableTable } from "./table.js";

const SIGNIFICANT = "more than chance";
const MAX_SERIES = 6;
const MARGIN_PERCENT = 4;
const TRACK_HEIGHT = 20;
const NAMES = {
  response_gap_median: "Wait for an answer, median",
  response_gap_p90: "Wait for an answer, slowest tenth",
  user_gap_median: "Wait for the user, median",
  talk_ratio: "Talking time",
  agent_turn_mean: "Turn of the agent, mean",
  agent_turn_longest: "Turn of the agent, longest",
  user_turn_mean: "Turn of the user, mean",
  user_turn_longest: "Turn of the user, longest",
  agent_words_per_minute: "Pace of the agent",
  user_words_per_minute: "Pace of the user",
  long_silences: "Long silences",
  agent_over_user: "Agent talks over user",
  user_over_agent: "User talks over agent",
  call_length: "Length of a call",
};
const SECONDS = "s";

/** Build the page of metrics by revision, oldest first. */
export function metricsPage(report) {
  const revisions = [...(report.revisions ?? [])].sort((a, b) => Number(a.current) - Number(b.current) || String(a.from).localeCompare(String(b.from)));
  const drawn = revisions.slice(-MAX_SERIES);
  const series = drawn.map((row) => ({
    label: row.current ? "Now" : String(row.revision ?? "other").slice(0, 8),
    calls: row.calls,
  }));
  const names = [...new Set(drawn.flatMap((row) => (row.figures ?? []).map((figure) => figure.figure)))];
  const rows = names.map((name) => {
    const found = drawn.map((row) => (row.figures ?? []).find((figure) => figure.figure === name) ?? {});
    const points = found.map(({ value, low, high }) => ({ value, low, high }));
    return { name, unit: found.find((figure) => figure.unit)?.unit ?? "", points };
  });
  const omitted = revisions.length - drawn.length;
  return [
    pageHead({
      kind: "Measured calls",
      title: counted(drawn.reduce((sum, row) => sum + (row.calls ?? 0), 0), "call"),
      facts: [element("code", {}, foreign(report.persona_id)), counted(revisions.length, "revision")],
    }),
    figureSections({ title: "Figures by revision", series, rows, notes: [omitted > 0 && `${omitted} earlier revisions are not drawn.`, ...(report.notes ?? [])] }),
  ];
}

/** How many figures differ by more than chance, as a sentence; nothing if none was compared. */
export function provenDifferences(rows) {
  const compared = rows.filter((row) => row.verdict).length;
  const proven = rows.filter((row) => row.verdict === SIGNIFICANT).length;
  const share = proven ? `${proven} of ${counted(compared, "figure")}` : `no figure of ${compared}`;
  return compared > 0 && `${share} ${proven > 1 ? "differ" : "differs"} by more than chance`;
}

/** Build the charts: those beyond chance first, the others collapsed if there are some of the first. */
export function figureSections({ title, series, rows, notes }) {
  const significant = rows.filter((row) => row.verdict === SIGNIFICANT);
  const others = rows.filter((row) => row.verdict !== SIGNIFICANT);
  const chart = (row) => figureItem(row, series);
  const list = (part) => element("ul", { class: "figures" }, part.map(chart));
  return element(
    "section",
    { class: "part" },
    element("h2", {}, title),
    rows.length > 0 && legend(series),
    significant.length > 0 && list(significant),
    significant.length > 0 && others.length > 0
      ? disclosure(`${counted(others.length, "figure")} without a proven difference`, list(others))
      : others.length > 0 && list(others),
    rows.length > 0 && disclosure("All figures as a table", figureTable(series, rows)),
    notes.filter(Boolean).map((note) => element("p", { class: "muted note" }, foreign(note))),
  );
}

function legend(series) {
  return element(
    "p",
    { class: "legend muted" },
    series.map((item, index) =>
      element("span", {}, drawing("svg", { class: "key", "aria-hidden": "true" }, dot("50%", index, series.length)), ` ${item.label}: ${counted(item.calls ?? 0, "call")}`),
    ),
    element("span", {}, "Bars: 95 % interval"),
  );
}

function figureItem(row, series) {
  const scale = scaleOf(row.points);
  return element(
    "li",
    {},
    element(
      "div",
      { class: "figure-head" },
      element(
        "h3",
        {},
        NAMES[row.name] ?? foreign(row.name),
        row.unit && row.unit !== SECONDS && element("span", { class: "unit" }, " ", foreign(row.unit)),
      ),
      row.verdict && element("span", { class: row.verdict === SIGNIFICANT ? "tag proven" : "tag" }, verdictText(row, scale)),
    ),
    element(
      "div",
      { class: "chart" },
      row.points.map((point, index) => [
        element("span", { class: "series" }, series[index].label),
        track(point, index, row.points.length, scale),
        element("span", { class: "number" }, pointText(point, row.unit, scale)),
      ]),
      axis(scale),
    ),
  );
}

function verdictText({ difference, verdict, unit }, { digits }) {
  if (typeof difference !== "number") return verdict;
  const sign = difference > 0 ? "+" : difference < 0 ? "−" : "±";
  return `${sign}${withSeconds(Math.abs(difference).toFixed(digits), unit)}, ${verdict}`;
}

function pointText(point, unit, { digits }) {
  if (typeof point.value !== "number") return element("span", { class: "muted" }, "no data");
  const interval = `${point.low?.toFixed(digits)} to ${point.high?.toFixed(digits)}`;
  return [
    element("strong", {}, withSeconds(point.value.toFixed(digits), unit)),
    hasInterval(point) && element("span", { class: "muted" }, unseen(", interval"), ` ${interval}`),
  ];
}

/** Seconds follow the number; other units stand beside the name of the figure. */
function withSeconds(text, unit) {
  return unit === SECONDS ? `${text} s` : text;
}

function hasInterval({ low, high }) {
  return Number.isFinite(low) && Number.isFinite(high);
}

/**
 * Return the common scale of points: a function from a value to a place in percent, the round
 * values to mark, and the digits that tell the values apart.
 */
function scaleOf(points) {
  const values = points.flatMap(({ value, low, high }) => [value, low, high]).filter(Number.isFinite);
  const [least, most] = values.length ? [Math.min(...values), Math.max(...values)] : [0, 1];
  const span = most - least || Math.abs(most) * 0.2 || 1;
  const power = 10 ** Math.floor(Math.log10(span / 3));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= span / 3);
  const first = Math.floor(least / step + 1e-9);
  const last = Math.max(Math.ceil(most / step - 1e-9), first + 1);
  const ticks = Array.from({ length: last - first + 1 }, (_, index) => Number(((first + index) * step).toPrecision(12)));
  const place = (value) => MARGIN_PERCENT + ((value / step - first) / (last - first)) * (100 - 2 * MARGIN_PERCENT);
  return { place, ticks, digits: Math.min(3, Math.max(0, Math.ceil(1.25 - Math.log10(span)))) };
}

/** Draw a value with its interval. The numbers stand beside it, so it is hidden from readers. */
function track(point, index, count, { place, ticks }) {
  const middle = TRACK_HEIGHT / 2;
  const at = (value) => `${place(value).toFixed(2)}%`;
  const vertical = (value, className, reach) =>
    drawing("line", { class: className, x1: at(value), x2: at(value), y1: middle - reach, y2: middle + reach });
  const kind = sideKind(index, count);
  return drawing(
    "svg",
    { class: "track", height: TRACK_HEIGHT, "aria-hidden": "true" },
    ticks.map((tick) => vertical(tick, "grid", middle)),
    hasInterval(point) && [
      drawing("line", { class: `interval ${kind}`, x1: at(point.low), x2: at(point.high), y1: middle, y2: middle }),
      vertical(point.low, `interval ${kind}`, 4),
      vertical(point.high, `interval ${kind}`, 4),
    ],
    Number.isFinite(point.value) && dot(at(point.value), index, count),
  );
}

/** The last side is filled and coloured, the sides before it are hollow. */
function sideKind(index, count) {
  return index === count - 1 ? "last" : "earlier";
}

function dot(x, index, count) {
  return drawing("circle", { class: `dot ${sideKind(index, count)}`, cx: x, cy: TRACK_HEIGHT / 2, r: 5 });
}

function axis({ place, ticks }) {
  const labels = ticks.map((tick) =>
    drawing("text", { x: `${place(tick).toFixed(2)}%`, y: 11, "text-anchor": "middle" }, String(tick)),
  );
  return drawing("svg", { class: "axis", height: 14, "aria-hidden": "true" }, labels);
}

function figureTable(series, rows) {
  const columns = [
    {
      label: "Figure",
      key: (row) => NAMES[row.name] ?? row.name,
      cell: (row) => [foreign(NAMES[row.name] ?? row.name), row.unit !== SECONDS && element("span", { class: "unit" }, " ", foreign(row.unit))],
    },
    ...series.map(({ label }, index) => ({
      label,
      cell: (row) => pointText(row.points[index], row.unit, scaleOf(row.points)),
    })),
    rows.some((row) => row.verdict) && {
      label: "Difference",
      key: (row) => row.verdict,
      cell: (row) => verdictText(row, scaleOf(row.points)),
    },
  ];
  return element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Figures" }, sortableTable("Figures with 95 % intervals", columns.filter(Boolean), rows));
}
