// Choose the page for a result by its members, and follow the host's notifications.

import { announce, element, foreign } from "./dom.js";
import { auditPage } from "./audit.js";
import { comparisonPage } from "./comparison.js";
import { metricsPage } from "./figures.js";
import { connect, textOf } from "./host.js";
import { notice } from "./page.js";
import { planPage } from "./plan.js";

const VERSION = "{version}";
const page = document.getElementById("page");
let input = {};

/** Show a result; with `isAnswer`, one that the person caused here, the focus goes to its title. */
function show(result, { isAnswer = false } = {}) {
  page.setAttribute("aria-busy", "false");
  page.replaceChildren(...[contentOf(result)].flat(Infinity).filter((node) => node instanceof Node));
  const title = page.querySelector("h1");
  if (isAnswer) title?.focus();
  announce([title?.textContent, page.querySelector(".status")?.textContent].filter(Boolean).join(": "));
}

function contentOf(result) {
  const data = result.structuredContent;
  const plain = textOf(result);
  if (result.isError) return notice("error", foreign(plain || "The call failed."));
  try {
    return pageOf(data) ?? element("pre", {}, foreign(plain));
  } catch (error) {
    console.error(error);
    return element("pre", {}, foreign(plain));
  }
}

function pageOf(data) {
  if (!data || typeof data !== "object") return null;
  if (Array.isArray(data.differences)) return comparisonPage(data);
  if (Array.isArray(data.groups)) return auditPage(data, input, showAnswer);
  if (typeof data.status === "string") return planPage(data, input, showAnswer);
  if (Array.isArray(data.revisions)) return metricsPage(data);
  return null;
}

function showAnswer(result, callArguments = {}) {
  input = callArguments;
  show(result, { isAnswer: true });
}

connect(VERSION, {
  "ui/notifications/tool-input": (params) => (input = params.arguments ?? {}),
  "ui/notifications/tool-result": (params) => show(params),
  "ui/notifications/tool-cancelled": (params) => {
    const reason = params.reason ? [" ", foreign(params.reason)] : [];
    page.setAttribute("aria-busy", "false");
    page.replaceChildren(notice("neutral", "The call was cancelled.", ...reason));
  },
});
