// The comparison of two revisions or personas: differences, and figures of their calls if measured.

import { counted, element, foreign } from "./dom.js";
import { changeSections, PERSONAS, REVISIONS } from "./changes.js";
import { figureSections, provenDifferences } from "./figures.js";
import { pageHead } from "./page.js";

/** Build the page of a comparison. */
export function comparisonPage(comparison) {
  const [first, second] = [comparison.first, comparison.second].map(personaOf);
  const isOfRevisions = first === second;
  const sides = isOfRevisions ? REVISIONS : PERSONAS;
  const differences = comparison.differences ?? [];
  const figures = comparison.figures;
  const rows = (figures?.figures ?? []).map(figureRow);
  return [
    pageHead({
      kind: isOfRevisions ? "Comparison of revisions" : "Comparison of personas",
      title: differences.length ? counted(differences.length, "difference") : "No difference",
      facts: [
        sideName(sides.signs[0], comparison.first),
        sideName(sides.signs[1], comparison.second),
        provenDifferences(rows),
      ],
    }),
    changeSections(differences, sides),
    figures && figureSections({
      title: "Calls",
      series: seriesOf(figures, isOfRevisions ? ["Before", "After"] : ["A", "B"]),
      rows,
      notes: [figures.verdict, figures.note],
    }),
  ];
}

/** Return the id in ID or ID@REVISION. */
function personaOf(reference) {
  return String(reference).split("@")[0];
}

function sideName(sign, reference) {
  return [element("span", { class: "sign" }, sign), " ", element("code", {}, foreign(reference))];
}

function seriesOf(figures, labels) {
  return labels.map((label, index) => ({ label, calls: figures[index ? "second" : "first"]?.calls }));
}

function figureRow(row) {
  const points = ["first", "second"].map((side) => ({
    value: row[side],
    low: row[`${side}_low`],
    high: row[`${side}_high`],
  }));
  return { name: row.figure, unit: row.unit, verdict: row.verdict, difference: row.difference, points };
}
