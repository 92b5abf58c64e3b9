// Tables with a caption, whose columns are sorted by buttons in their heads.

import { announce, element } from "./dom.js";

/**
 * Build a table. A column has a `label`, `cell(row)` and optionally `key(row)` by which it is
 * sorted, `numeric`, and `descending`, the direction of the first press. With `stacks`, the cells
 * of a row are one below the other on narrow screens; the roles are there for this case, because
 * browsers forget them with the layout of a table.
 */
export function sortableTable(caption, columns, rows, { sortedBy = -1, stacks = false } = {}) {
  const body = element("tbody", { role: "rowgroup" });
  const heads = columns.map((column, index) => headCell(column, () => sort(index)));
  let current = { index: sortedBy, descending: false };

  function sort(index) {
    const descending = current.index === index ? !current.descending : Boolean(columns[index].descending);
    current = { index, descending };
    draw();
    announce(`Sorted by ${columns[index].label}, ${descending ? "descending" : "ascending"}.`);
  }

  function draw() {
    const ordered = [...rows];
    const key = columns[current.index]?.key;
    if (key) ordered.sort((a, b) => compareKeys(key(a), key(b)) * (current.descending ? -1 : 1));
    heads.forEach((head, index) => markHead(head, index === current.index, current.descending));
    body.replaceChildren(...ordered.map((row) => bodyRow(columns, row)));
  }

  draw();
  return element(
    "table",
    { role: "table", class: stacks && "stacks" },
    element("caption", {}, caption),
    element("thead", { role: "rowgroup" }, element("tr", { role: "row" }, heads)),
    body,
  );
}

function headCell(column, sort) {
  const label = column.key
    ? element("button", { type: "button", class: "sort", click: sort }, column.label, element("span", { class: "arrow", "aria-hidden": "true" }))
    : column.label;
  return element("th", { scope: "col", role: "columnheader", class: column.numeric && "numeric" }, label);
}

function markHead(head, isSorted, descending) {
  const button = head.querySelector("button");
  if (!button) return;
  head.setAttribute("aria-sort", isSorted ? (descending ? "descending" : "ascending") : "none");
  button.querySelector(".arrow").textContent = isSorted ? (descending ? "▼" : "▲") : "↕";
}

function bodyRow(columns, row) {
  const cells = columns.map((column, index) => {
    const attributes = { class: column.numeric && "numeric", "data-label": column.label };
    if (index === 0) return element("th", { scope: "row", role: "rowheader", ...attributes }, column.cell(row));
    return element("td", { role: "cell", ...attributes }, column.cell(row));
  });
  return element("tr", { role: "row" }, cells);
}

function compareKeys(a, b) {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a ?? "").localeCompare(String(b ?? ""), "en", { numeric: true });
}
