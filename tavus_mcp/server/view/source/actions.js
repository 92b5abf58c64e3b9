// The buttons of a plan or receipt, and what they do through the host.

import { announce, element, foreign } from "./dom.js";
import { callTool, informModel, textOf } from "./host.js";
import { notice } from "./page.js";

const MINUTE = 60_000;
const UPDATE_INTERVAL = 15_000;

/** Build the bar with which a person applies or discards a plan. */
export function decisionBar(plan, show) {
  const expiry = element("span", { class: "muted" });
  const apply = button(plan.verb, plan.isDeletion ? "primary danger" : "primary");
  const discard = button("Discard");
  const bar = actionBar("Decide about this plan", [apply, discard, expiry]);
  const carryOut = () =>
    perform(bar, "Applying…", () => callTool("apply_plan", { plan_id: plan.planId }), (result) => {
      informModel(`The person applied ${plan.planId} in the view. ${textOf(result)}`);
      show(result);
    });
  apply.addEventListener("click", () => (plan.isDeletion ? confirmDeletion(bar, apply, carryOut) : carryOut()));
  discard.addEventListener("click", () => discardPlan(bar, plan));
  watchExpiry(plan.expiresAt, expiry, apply);
  return bar;
}

/** Build the bar that undoes a change. */
export function undoBar(undo, show) {
  const press = button("Undo");
  const bar = actionBar("Undo this change", [press]);
  press.addEventListener("click", () =>
    perform(bar, "Undoing…", () => callTool(undo.tool, undo.arguments), (result) => {
      informModel(`The person pressed undo in the view. ${textOf(result)}`);
      show(result, undo.arguments);
    }),
  );
  return bar;
}

/** Build the bar that goes on where a result ended: the same call with the cursor of that result. */
export function nextPartBar(tool, callArguments, show) {
  const press = button("Continue with the other personas");
  const bar = actionBar("The rest", [press]);
  press.addEventListener("click", () =>
    perform(bar, "Reading…", () => callTool(tool, callArguments), (result) => show(result, callArguments)),
  );
  return bar;
}

function button(label, kind = "") {
  return element("button", { type: "button", class: `action ${kind}` }, label);
}

function actionBar(label, children) {
  const errors = element("div", { class: "errors" });
  return element("div", { class: "actions", role: "group", "aria-label": label }, errors, children);
}

/** Run a call while the buttons are off; go on with its result, or show why it failed and return false. */
async function perform(bar, progress, call, proceed) {
  const errors = bar.querySelector(".errors");
  errors.replaceChildren();
  const restore = disableButtons(bar);
  bar.setAttribute("aria-busy", "true");
  announce(progress);
  try {
    const result = await call();
    if (!result.isError) {
      proceed(result);
      return true;
    }
    errors.append(notice("error", foreign(textOf(result) || "The call failed.")));
  } catch (error) {
    errors.append(notice("error", "The host did not pass the call on: ", foreign(error.message)));
  } finally {
    bar.removeAttribute("aria-busy");
  }
  restore();
  return false;
}

/** Turn the buttons off; the returned function turns them on again and gives the focus back. */
function disableButtons(bar) {
  const focused = document.activeElement;
  const buttons = [...bar.querySelectorAll("button:not(:disabled)")];
  buttons.forEach((item) => (item.disabled = true));
  return () => {
    buttons.forEach((item) => (item.disabled = false));
    if (buttons.includes(focused)) focused.focus();
  };
}

/** Ask once more before a deletion; the focus goes to the harmless answer. */
function confirmDeletion(bar, opener, carryOut) {
  const yes = button("Yes, delete", "primary danger");
  const no = button("Cancel");
  const question = element("div", { class: "question", role: "group", "aria-label": "Really delete?" }, element("strong", {}, "Really delete?"), yes, no);
  const close = () => {
    question.remove();
    opener.hidden = false;
    opener.focus();
  };
  no.addEventListener("click", close);
  question.addEventListener("keydown", (event) => event.key === "Escape" && close());
  yes.addEventListener("click", carryOut);
  opener.hidden = true;
  opener.after(question);
  no.focus();
}

/** Discard a plan on the server, so that nobody can apply it any more. */
async function discardPlan(bar, plan) {
  const call = () => callTool("discard_plan", { plan_id: plan.planId });
  const isDone = await perform(bar, "Discarding…", call, (result) => {
    informModel(`The person discarded ${plan.planId} in the view; do not apply it. ${textOf(result)}`);
    const done = element("div", { class: "notice neutral", tabindex: "-1" }, "Discarded. Nothing was changed, and this plan cannot be applied any more.");
    bar.replaceWith(done);
    done.focus();
    announce("Discarded.");
  });
  if (isDone) return;
  informModel(`The person wants to discard ${plan.planId}; do not apply it.`);
  const rest = "The plan was not discarded. Nothing was changed; the plan expires by itself.";
  bar.querySelector(".errors").append(notice("neutral", rest));
}

/** Keep the remaining time up to date, and turn the button off when it is over. */
function watchExpiry(expiresAt, output, apply) {
  const end = Date.parse(expiresAt);
  if (!Number.isFinite(end)) return;
  const update = () => {
    const left = end - Date.now();
    if (left > 0) {
      output.textContent = left < MINUTE ? "Expires in less than a minute" : `Expires in ${Math.round(left / MINUTE)} min`;
      if (output.isConnected || !timer) return;
    } else {
      output.textContent = "This plan has expired: ask for it again.";
      apply.disabled = true;
    }
    clearInterval(timer);
  };
  let timer = 0;
  update();
  timer = setInterval(update, UPDATE_INTERVAL);
}
