// The conversation with the host: JSON-RPC over postMessage, as MCP Apps (SEP-1865) defines it.

const PROTOCOL_VERSION = "2026-01-26";
const UNKNOWN_METHOD = -32601;

/** What the host said about itself: its capabilities, and the context that it updates. */
export const host = { capabilities: {}, context: {} };

const waiting = new Map();
let nextId = 1;

function post(message) {
  window.parent.postMessage({ jsonrpc: "2.0", ...message }, "*");
}

/** Send a request; the promise ends with its result, or fails with the host's error. */
export function request(method, params) {
  const id = nextId++;
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject });
    post({ id, method, params });
  });
}

/** Send a notification. */
export function notify(method, params = {}) {
  post({ method, params });
}

/** Call a tool of the server through the host; return its result, also one that is an error. */
export function callTool(name, toolArguments) {
  return request("tools/call", { name, arguments: toolArguments });
}

/** Tell the assistant what the person did here, if the host passes that on. */
export function informModel(text) {
  if (!host.capabilities.updateModelContext) return;
  request("ui/update-model-context", { content: [{ type: "text", text }] }).catch(() => {});
}

/** Return the text of a tool's result. */
export function textOf(result) {
  const parts = Array.isArray(result?.content) ? result.content : [];
  return parts.filter((part) => part?.type === "text").map((part) => part.text).join("\n");
}

/** Connect to the host; `handlers` are called with the parameters of its notifications. */
export async function connect(version, handlers) {
  window.addEventListener("message", (event) => {
    if (event.source === window.parent && event.data?.jsonrpc === "2.0") receive(event.data, handlers);
  });
  const answer = await request("ui/initialize", {
    protocolVersion: PROTOCOL_VERSION,
    appInfo: { name: "tavus-mcp", version },
    appCapabilities: { availableDisplayModes: ["inline", "fullscreen"] },
  });
  host.capabilities = answer?.hostCapabilities ?? {};
  changeContext(answer?.hostContext ?? {});
  notify("ui/notifications/initialized");
  reportSize();
}

function receive(message, handlers) {
  if (message.method === undefined) settle(message);
  else if (message.id === undefined) {
    if (message.method === "ui/notifications/host-context-changed") changeContext(message.params ?? {});
    else handlers[message.method]?.(message.params ?? {});
  } else answerRequest(message);
}

function settle(message) {
  const entry = waiting.get(message.id);
  waiting.delete(message.id);
  if (message.error) entry?.reject(new Error(message.error.message ?? "no reason given"));
  else entry?.resolve(message.result);
}

function answerRequest({ id, method }) {
  if (method === "ping" || method === "ui/resource-teardown") post({ id, result: {} });
  else post({ id, error: { code: UNKNOWN_METHOD, message: `Not supported: ${method}` } });
}

/** Merge what changed in the host's context, and follow its theme. */
function changeContext(change) {
  Object.assign(host.context, change);
  const root = document.documentElement;
  const theme = host.context.theme;
  root.style.colorScheme = theme === "dark" || theme === "light" ? theme : "";
  for (const [name, value] of Object.entries(change.styles?.variables ?? {})) {
    // A value with an address would make a request, which this document never does.
    if (name.startsWith("--") && typeof value === "string" && !/url\(/i.test(value)) {
      root.style.setProperty(name, value);
    }
  }
  const insets = host.context.safeAreaInsets;
  if (insets) {
    const sides = [insets.top, insets.right, insets.bottom, insets.left];
    document.body.style.padding = sides.map((side) => `${16 + (Number(side) || 0)}px`).join(" ");
  }
}

/** Report the height of the content now and whenever it changes. */
function reportSize() {
  let reported = "";
  const report = () => {
    const width = Math.ceil(document.documentElement.clientWidth);
    const height = Math.ceil(document.body.getBoundingClientRect().height);
    if (reported === `${width} ${height}`) return;
    reported = `${width} ${height}`;
    notify("ui/notifications/size-changed", { width, height });
  };
  new ResizeObserver(report).observe(document.body);
  report();
}
