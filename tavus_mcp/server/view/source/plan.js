// A plan with its buttons, or the receipt of a change with the button that undoes it.

import { counted, disclosure, element, foreign } from "./dom.js";
import { decisionBar, undoBar } from "./actions.js";
import { CHANGE, changeSections, findingList } from "./changes.js";
import { valueText } from "./diff.js";
import { pageHead } from "./page.js";
import { sortableTable } from "./table.js";

const STATUSES = {
  planned: ["Not applied yet", "pending"],
  applied: ["Applied", "success"],
  unchanged: ["Nothing to change", "neutral"],
  drafted: ["Saved as a draft, not live", "warning"],
  unverified: ["Sent, could not be read back", "warning"],
  declined: ["Declined, nothing sent", "neutral"],
  partial: ["Partly applied", "warning"],
};
const OPEN_STATUSES = ["planned", "drafted", "partial"];

/**
 * Build the page of a plan or receipt. `input` are the arguments of the tool call, `show(result)`
 * replaces the page by that of another result.
 */
export function planPage(result, input, show) {
  const plan = describePlan(result, input);
  const changes = plan.isWholePersona ? [] : (result.changes ?? []);
  return [
    pageHead({
      kind: plan.kind,
      title: plan.title,
      status: STATUSES[result.status] ?? [String(result.status), "neutral"],
      facts: factsOf(result, changes),
    }),
    plan.isDeletion && result.status === "planned" && element("p", { class: "notice warning" }, deletionText(plan)),
    changes.length > 0 && changeSections(changes, CHANGE, plan.noun),
    result.omitted_changes && element("p", { class: "muted" }, `and ${counted(result.omitted_changes, "further change")}`),
    result.matches?.length > 0 && matchList(result.matches),
    plan.isBulk && personaTable(result),
    findingList(result.findings),
    alreadyMet(result),
    result.stopped && element("p", { class: "notice warning" }, foreign(result.stopped)),
    result.next_cursor && element("p", { class: "notice warning" }, "Not all personas were looked at. The assistant can plan for the others."),
    OPEN_STATUSES.includes(result.status) && result.plan_id && decisionBar(plan, show),
    result.undo && undoBar(result.undo, show),
  ];
}

/** Tell what the buttons and the head need to know about a plan. */
function describePlan(result, input) {
  const isBulk = Array.isArray(result.personas);
  const whole = wholeObject(result);
  const isDeletion = isBulk ? Boolean(input.delete) : Boolean(whole && "before" in whole && !("after" in whole));
  const { id, name, noun } = objectOf(result);
  const isCreation = !isBulk && !id && result.status === "planned";
  const isRevival = Boolean(whole && "after" in whole && !("before" in whole) && !isCreation);
  const title = isBulk ? counted(personaCount(result), "persona") : name || id || noun;
  const count = isBulk ? personaCount(result) : (result.changes?.length ?? 0);
  return {
    planId: result.plan_id,
    expiresAt: result.expires_at,
    isBulk,
    isDeletion,
    isWholePersona: Boolean(whole && isDeletion),
    title,
    noun,
    kind: kindOf({ isBulk, isDeletion, isCreation, isRevival, noun, status: result.status }),
    verb: verbOf({ isBulk, isDeletion, isCreation, isRevival, noun, status: result.status, title, count }),
  };
}

/** Return the change that stands for a whole object, deleted or restored, or null. */
function wholeObject(result) {
  const [change, ...others] = result.changes ?? [];
  return change?.path === "" && !others.length ? change : null;
}

/** Return what a plan of one object is about: a persona, or a part that personas refer to. */
function objectOf(result) {
  const { id, name, kind } = result.part ?? { id: result.persona_id, name: result.persona_name, kind: "persona" };
  const words = String(kind ?? "part").replaceAll("_", " ");
  return { id, name, noun: words.charAt(0).toUpperCase() + words.slice(1) };
}

function kindOf({ isBulk, isDeletion, isCreation, isRevival, noun, status }) {
  if (isRevival) return "Restoration";
  if (isDeletion) return "Deletion";
  if (isCreation) return `New ${noun.toLowerCase()}`;
  if (isBulk) return status === "planned" ? "Planned bulk change" : "Bulk change";
  return status === "planned" ? "Planned change" : "Change";
}

function verbOf({ isBulk, isDeletion, isCreation, isRevival, noun, status, title, count }) {
  if (isRevival) return `Restore ${noun.toLowerCase()}`;
  if (isDeletion) return isBulk ? `Delete ${title}` : `Delete ${noun.toLowerCase()}`;
  if (isCreation) return `Create ${noun.toLowerCase()}`;
  if (status === "drafted") return "Publish the draft";
  if (status === "partial") return "Apply the rest";
  return isBulk ? `Apply to ${title}` : count ? `Apply ${counted(count, "change")}` : "Apply";
}

function personaCount(result) {
  return result.totals?.planned ?? result.personas.length;
}

function deletionText({ isBulk, title }) {
  return ["This deletes ", isBulk ? title : foreign(title), ". Nothing has been deleted yet."];
}

function factsOf(result, changes) {
  const count = result.totals?.changes ?? changes.length;
  return [
    objectOf(result).id && element("code", {}, foreign(objectOf(result).id)),
    count > 0 && counted(count, "change"),
    result.revision && ["revision ", element("code", {}, foreign(result.revision))],
    ...totalsOf(result.totals),
  ];
}

function totalsOf(totals) {
  return Object.entries(totals ?? {})
    .filter(([name]) => name !== "planned" && name !== "changes")
    .map(([name, count]) => foreign(`${count} ${name.replaceAll("_", " ")}`));
}

function personaTable(result) {
  const rows = [...result.personas, ...(result.skipped ?? []).map((row) => ({ ...row, status: "skipped" }))];
  const hasStatus = rows.some((row) => row.status || row.error || row.reason);
  const columns = [
    {
      label: "Persona",
      key: (row) => row.persona_name || row.persona_id,
      cell: (row) => [
        row.persona_name && element("span", { class: "name" }, foreign(row.persona_name)),
        element("code", { class: "muted" }, foreign(row.persona_id)),
      ],
    },
    hasStatus && {
      label: "Result",
      key: (row) => row.status,
      cell: (row) => [
        row.status && foreign(row.status),
        (row.error || row.reason) && element("p", { class: "muted" }, foreign(row.error || row.reason)),
      ],
    },
    { label: "Revision", cell: (row) => row.revision && element("code", {}, foreign(row.revision)) },
  ];
  const listed = counted(result.personas.length, "persona");
  return sortableTable(`${listed} of this plan`, columns.filter(Boolean), rows, { sortedBy: 0, stacks: true });
}

function matchList(matches) {
  return element(
    "section",
    { class: "part" },
    element("h2", {}, "Found"),
    element(
      "ul",
      {},
      matches.map((match) =>
        element("li", {}, element("code", {}, foreign(match.path ?? "")), " ", foreign(valueText({ ...match, path: undefined }))),
      ),
    ),
  );
}

/** What a tuning plan left as it is: goals that are met, and fields for which goals conflict. */
function alreadyMet(result) {
  const settled = (result.settled ?? []).map((row) =>
    element("li", {}, element("code", {}, foreign(row.path)), " ", foreign(valueText(row.chosen)), ": ", foreign(row.why)),
  );
  const met = (result.already ?? []).map((row) =>
    element("li", {}, element("code", {}, foreign(row.path)), " is ", foreign(valueText(row.value)), row.default === undefined ? " already" : " already (default)"),
  );
  if (!settled.length && !met.length) return null;
  const summary = settled.length ? "Where goals conflict, and what is left as it is" : "Already as it should be";
  return disclosure(summary, element("ul", {}, settled, met));
}
