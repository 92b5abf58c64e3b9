// The list of changes of a plan, a receipt or a comparison, by part of the persona.

import { counted, disclosure, element, foreign } from "./dom.js";
import { diffLines } from "./diff.js";

const PARTS = {
  llm: "Language model",
  tts: "Voice",
  stt: "Speech recognition",
  perception: "Perception",
  conversational_flow: "Turn-taking",
};
const MORE = [["effect", "Effect"], ["source", "Source"], ["confidence", "Confidence"]];

/** How the two sides of a change are named: the members that hold them, their labels and signs. */
export const CHANGE = { names: ["before", "after"], labels: ["Before", "After"], signs: ["−", "+"] };
export const REVISIONS = { ...CHANGE, names: ["first", "second"] };
export const PERSONAS = { names: ["first", "second"], labels: ["A", "B"], signs: ["A", "B"], neutral: true };

/**
 * Build the changes, grouped by layer, in the order in which the layers first occur. `whole` is the
 * title of what is in no layer.
 */
export function changeSections(changes, sides, whole = "Persona") {
  const groups = new Map();
  for (const change of changes) {
    const [part, field] = splitPath(change.path ?? "", whole);
    if (!groups.has(part)) groups.set(part, []);
    groups.get(part).push(changeItem(change, field, sides));
  }
  return [...groups].map(([part, items]) =>
    element("section", { class: "part" }, element("h2", {}, part), element("ul", { class: "changes" }, items)),
  );
}

/** Return the title of the part that a JSON Pointer is in, and the rest of the pointer. */
function splitPath(path, whole) {
  const layer = /^\/layers\/([^/]+)(?:\/(.*))?$/s.exec(path);
  if (layer && Object.hasOwn(PARTS, layer[1])) return [PARTS[layer[1]], layer[2] ?? `${layer[1]} (whole layer)`];
  if (layer) return ["Other layers", path.slice("/layers/".length)];
  return [whole, path === "" ? `whole ${whole.toLowerCase()}` : path.slice(1)];
}

function changeItem(change, field, sides) {
  const [oldName, newName] = sides.names;
  const kind = !(oldName in change) ? "new" : newName in change ? "" : "removed";
  return element(
    "li",
    {},
    element(
      "p",
      { class: "field" },
      element("code", {}, foreign(field)),
      !sides.neutral && kind && element("span", { class: "tag" }, kind),
      "personas" in change && element("span", { class: "tag" }, counted(change.personas, "persona")),
      change.goal && element("span", { class: "tag goal" }, foreign(change.goal.replaceAll("_", " "))),
    ),
    diffLines(change, sides),
    change.reason && element("p", { class: "reason" }, foreign(change.reason)),
    change.trade_off && element("p", {}, element("strong", {}, "Trade-off: "), foreign(change.trade_off)),
    moreAbout(change),
  );
}

function moreAbout(change) {
  const rows = MORE.filter(([name]) => change[name]).map(([name, label]) => [
    element("dt", {}, label),
    element("dd", {}, foreign(change[name])),
  ]);
  if (!change.reason || !rows.length) return null;
  return disclosure("Effect and source", element("dl", {}, rows));
}

/** Build the findings of a result, most severe first, as the server orders them. */
export function findingList(findings) {
  if (!findings?.length) return null;
  return element(
    "section",
    { class: "part" },
    element("h2", {}, "Findings"),
    element("ul", { class: "findings" }, findings.map(findingItem)),
  );
}

function findingItem(finding) {
  return element(
    "li",
    {},
    severityTag(finding.severity),
    element(
      "div",
      {},
      element("p", {}, foreign(finding.message)),
      finding.path && element("p", { class: "muted" }, element("code", {}, foreign(finding.path))),
      finding.hint && element("p", { class: "muted" }, foreign(finding.hint)),
    ),
  );
}

/** The severity of a finding as a word, with a colour that adds nothing to it. */
export function severityTag(severity) {
  const known = ["error", "warning", "info"].includes(severity) ? severity : "info";
  return element("span", { class: `severity ${known}` }, foreign(severity));
}
