// Show a change of one field: the old value, the new one, and which words differ.

import { element, unseen } from "./dom.js";

const MAX_COMPARED_WORDS = 400;
const MIN_COMMON_WORDS = 4;
const MIN_COMMON_SHARE = { ofLonger: 0.3, ofShorter: 0.6 };

/** Return a value as text; a text that looks like another kind of value gets quotes. */
export function valueText(value) {
  if (typeof value !== "string") return JSON.stringify(value, null, 2);
  const looksLikeJson = /^(?:true|false|null|-?\d[\d.eE+-]*|[[{"].*)$/s.test(value);
  return value === "" || value !== value.trim() || looksLikeJson ? JSON.stringify(value) : value;
}

/** Split two texts into runs of words; `changed` marks the runs that the other text lacks. */
export function compareWords(first, second) {
  const [a, b] = [first, second].map((text) => text.match(/\s+|[^\s]+/g) ?? []);
  if (a.length > MAX_COMPARED_WORDS || b.length > MAX_COMPARED_WORDS) return null;
  const common = lengthsOfCommonWords(a, b);
  if (!haveMuchInCommon(common[0][0], countWords(a), countWords(b))) return null;
  const runs = [[], []];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      addRun(runs[0], a[i++], false);
      addRun(runs[1], b[j++], false);
    } else if (j >= b.length || (i < a.length && common[i + 1][j] >= common[i][j + 1])) {
      addRun(runs[0], a[i++], true);
    } else addRun(runs[1], b[j++], true);
  }
  return runs;
}

/** Tell whether marks say something: not if nearly every word would be marked. */
function haveMuchInCommon(common, first, second) {
  const [shorter, longer] = [Math.min(first, second), Math.max(first, second)];
  const isLargePart = common >= MIN_COMMON_SHARE.ofLonger * longer;
  return isLargePart || (common >= MIN_COMMON_WORDS && common >= MIN_COMMON_SHARE.ofShorter * shorter);
}

function countWords(parts) {
  return parts.filter((part) => part.trim() !== "").length;
}

/** The length of the longest common sequence of the rests that begin at each pair of words. */
function lengthsOfCommonWords(a, b) {
  const lengths = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      const same = a[i] === b[j] && a[i].trim() !== "";
      lengths[i][j] = a[i] === b[j]
        ? lengths[i + 1][j + 1] + (same ? 1 : 0)
        : Math.max(lengths[i + 1][j], lengths[i][j + 1]);
    }
  }
  return lengths;
}

function addRun(runs, text, changed) {
  const last = runs.at(-1);
  if (last && last.changed === changed) last.text += text;
  else runs.push({ text, changed });
}

/**
 * Build the lines of a change. Of the sides, `names` are the members of the change, `labels` what
 * screen readers say before each value, `signs` what is drawn there; `neutral` sides are equals.
 */
export function diffLines(change, { names, labels, signs, neutral }) {
  const [oldName, newName] = names;
  const hasOld = oldName in change;
  const hasNew = newName in change;
  const words = hasOld && hasNew && [change[oldName], change[newName]].every(isText)
    ? compareWords(change[oldName], change[newName])
    : null;
  const lines = [];
  if (hasOld) lines.push(line("old", change[oldName], words?.[0], change, labels[0], signs[0]));
  if (hasNew) lines.push(line("new", change[newName], words?.[1], change, labels[1], signs[1]));
  if (change.default !== undefined && hasOld !== hasNew) {
    if (hasNew) lines.unshift(defaultLine(change, newName, labels[0]));
    else lines.push(defaultLine(change, oldName, labels[1]));
  }
  return element("div", { class: neutral ? "diff neutral" : "diff" }, lines);
}

function isText(value) {
  return typeof value === "string";
}

function line(side, value, runs, change, label, sign) {
  const isSummary = "personas" in change && /^\(\d+ different values\)$/.test(value);
  const text = runs
    ? runs.map((run) => (run.changed ? element("mark", {}, run.text) : run.text))
    : valueText(value);
  const isDefault = change.default !== undefined && sameValue(value, change.default);
  return element(
    side === "old" ? "del" : "ins",
    { class: `line ${side}` },
    element("span", { class: "sign", "aria-hidden": "true" }, sign),
    unseen(`${label}: `),
    element("bdi", { class: isSummary ? "value muted" : "value" }, text),
    isDefault && element("span", { class: "tag" }, "default"),
  );
}

function sameValue(first, second) {
  return JSON.stringify(first) === JSON.stringify(second);
}

/** The default that is in effect on the side that has no value; none if it equals the other side. */
function defaultLine(change, presentName, label) {
  if (sameValue(change[presentName], change.default)) return null;
  return element(
    "div",
    { class: "line default" },
    element("span", { class: "sign", "aria-hidden": "true" }, "="),
    unseen(`${label}: `),
    element("bdi", { class: "value" }, valueText(change.default)),
    element("span", { class: "tag" }, "default"),
  );
}
