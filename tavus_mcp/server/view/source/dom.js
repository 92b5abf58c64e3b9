// Build elements. Texts become text nodes, never markup: most of them were written by other people.

const SVG = "http://www.w3.org/2000/svg";

/** Build an element; a function among the attributes listens to the event of that name. */
export function element(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** Build an SVG element. */
export function drawing(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name, value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== undefined && value !== null && value !== false) node.setAttribute(name, value);
  }
  node.append(...children.flat(Infinity).filter(isChild));
  return node;
}

function isChild(child) {
  return child !== undefined && child !== null && child !== false && child !== "";
}

/** A text that other people wrote, isolated from the direction of the text around it. */
export function foreign(text) {
  return element("bdi", {}, String(text));
}

/** A text that only screen readers say. */
export function unseen(text) {
  return element("span", { class: "visually-hidden" }, text);
}

/** A collapsed part with a summary. */
export function disclosure(summary, ...children) {
  return element("details", {}, element("summary", {}, summary), ...children);
}

/** Let screen readers say a text, without moving the focus. */
export function announce(text) {
  document.getElementById("announcer").textContent = text;
}

/** "1 change", "2 changes". */
export function counted(count, noun) {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
