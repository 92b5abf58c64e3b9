// What all pages share: their head, and notices.

import { element, foreign } from "./dom.js";

/**
 * Build the head of a page: what kind of page it is, its title, a status, and facts in one line.
 * `status` is [words, tone]. Title and facts may be other people's texts.
 */
export function pageHead({ kind, title, status, facts = [] }) {
  return element(
    "header",
    {},
    element(
      "p",
      { class: "kind" },
      kind,
      status && element("span", { class: `status ${status[1]}` }, status[0]),
    ),
    element("h1", { tabindex: "-1" }, foreign(title)),
    element("p", { class: "facts" }, facts.filter(Boolean).map((fact) => element("span", {}, fact))),
  );
}

/** Build a notice; a screen reader says an error at once. */
export function notice(tone, ...children) {
  return element("div", { class: `notice ${tone}`, role: tone === "error" ? "alert" : null }, ...children);
}
