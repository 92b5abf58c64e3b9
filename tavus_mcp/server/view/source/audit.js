// The audit of an account: one row for each rule that personas break.

import { counted, disclosure, element, foreign } from "./dom.js";
import { nextPartBar } from "./actions.js";
import { severityTag } from "./changes.js";
import { pageHead } from "./page.js";
import { sortableTable } from "./table.js";

const SEVERITIES = ["error", "warning", "info"];

/**
 * Build the page of an audit. `input` are the arguments of the call, `show(result, input)` replaces
 * the page by that of another result.
 */
export function auditPage(report, input, show) {
  const names = report.names ?? {};
  const groups = report.groups ?? [];
  return [
    pageHead({ kind: "Audit", title: titleOf(report), facts: [summaryOf(report)] }),
    report.stopped && element("p", { class: "notice warning" }, foreign(report.stopped)),
    groups.length > 0 && sortableTable("Findings by rule", columnsOf(names), groups, { sortedBy: 0, stacks: true }),
    failures(report),
    report.next_cursor && nextPartBar("audit_personas", { ...input, cursor: report.next_cursor }, show),
  ];
}

function titleOf(report) {
  const counts = SEVERITIES.filter((severity) => report.counts?.[severity]).map((severity) =>
    severity === "info" ? `${report.counts.info} info` : counted(report.counts[severity], severity),
  );
  return counts.length ? counts.join(", ") : "Nothing to report";
}

function summaryOf(report) {
  const all = report.total_count === undefined || report.total_count === report.checked;
  const checked = counted(report.checked, "persona");
  if (report.complete) return `${checked} checked`;
  return all ? `${checked} checked, not complete` : `${report.checked} of ${counted(report.total_count, "persona")} checked`;
}

function columnsOf(names) {
  return [
    { label: "Severity", key: (row) => SEVERITIES.indexOf(row.severity), cell: (row) => severityTag(row.severity) },
    { label: "Finding", key: (row) => row.rule ?? row.message, cell: (row) => finding(row, names) },
    { label: "Personas", key: (row) => row.personas, descending: true, numeric: true, cell: (row) => String(row.personas) },
  ];
}

function finding(row, names) {
  const ids = row.persona_ids ?? [];
  const more = row.personas - ids.length;
  return [
    row.message && element("p", {}, foreign(row.message)),
    row.rule && element("p", { class: "muted" }, element("code", {}, foreign(row.rule))),
    (row.hint || ids.length > 0) && disclosure(
      "Personas and fix",
      ids.length > 0 && element(
        "ul",
        { class: "names" },
        ids.map((id) => element("li", {}, foreign(names[id] ?? id), " ", element("code", { class: "muted" }, foreign(id)))),
        more > 0 && element("li", { class: "muted" }, `and ${more} more`),
      ),
      row.hint && element("p", { class: "muted" }, foreign(row.hint)),
    ),
  ];
}

function failures(report) {
  if (!report.failed?.length) return null;
  return element(
    "section",
    { class: "part" },
    element("h2", {}, `${counted(report.unread ?? report.failed.length, "persona")} could not be read`),
    element("ul", {}, report.failed.map((row) => element("li", {}, foreign(Object.values(row).join(": "))))),
  );
}
