"""A host with the view open in it, connected to an MCP client of a server on the sandbox."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chromium import COMMAND_SECONDS, Browser, Event, Page, open_page
from mcp import Client
from mcp.client.extension import ClientExtension

from tavus_mcp.server.view.negotiation import EXTENSION_ID, VIEW_MIME_TYPE, VIEW_URI

HOST_PAGE = Path(__file__).with_name("host.html")
CAPABILITIES = {"serverTools": {}, "updateModelContext": {"text": {}}}


class AppsExtension(ClientExtension):
    """Declares that a client shows views."""

    identifier = EXTENSION_ID

    def settings(self) -> dict[str, Any]:
        """Return what MCP Apps defines for clients."""
        return {"mimeTypes": [VIEW_MIME_TYPE]}


@dataclass
class ViewHost:
    """A host page that shows the view; forwards its tool calls to a client."""

    page: Page
    client: Client
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    refusal: str = ""
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def open(
        self, arguments: dict[str, Any], result: Any, *, context: dict[str, Any] | None = None
    ) -> None:
        """Show the view for a call with its result, and wait until it has drawn it."""
        read = (await self.client.read_resource(VIEW_URI)).contents[0].model_dump(by_alias=True)
        options = {
            "capabilities": CAPABILITIES,
            "csp": read["_meta"]["ui"]["csp"],
            "context": context or {},
            "call": {"arguments": arguments, "result": wire(result)},
        }
        script = f"""new Promise((resolve) => {{
          frame.addEventListener("load", () => resolve(0), {{ once: true }});
          openView({json.dumps(read["text"])}, {json.dumps(options)});
        }})"""
        await self.page.evaluate(script)
        await self.wait_for("document.querySelector('main').getAttribute('aria-busy') === 'false'")

    async def deliver(self, arguments: dict[str, Any], result: Any) -> None:
        """Send another result to the open view."""
        call = {"arguments": arguments, "result": wire(result)}
        await self.page.evaluate(f"deliver({json.dumps(call)})")

    async def evaluate(self, expression: str) -> Any:
        """Evaluate JavaScript in the view."""
        return await self.page.evaluate(expression, frame=1)

    async def wait_for(self, condition: str) -> Any:
        """Wait until a condition is true in the view; return its value."""
        script = f"""new Promise((resolve) => {{
          const check = () => {{
            const value = ({condition});
            if (value) {{ observer.disconnect(); resolve(value); }}
          }};
          const observer = new MutationObserver(check);
          const all = {{ childList: true, attributes: true, characterData: true }};
          observer.observe(document, {{ subtree: true, ...all }});
          check();
        }})"""
        return await asyncio.wait_for(self.evaluate(script), COMMAND_SECONDS)

    async def text(self, selector: str = "main") -> str:
        """Return the visible text of the first element of a selector."""
        return str(
            await self.evaluate(f"document.querySelector({json.dumps(selector)})?.innerText")
        )

    async def focus(self, label: str) -> None:
        """Move the focus to the button of that label."""
        await self.evaluate(
            "[...document.querySelectorAll('button')]"
            f".find(item => item.textContent.startsWith({json.dumps(label)})).focus()"
        )

    async def press_button(self, label: str) -> None:
        """Press a button by keyboard."""
        await self.focus(label)
        await self.page.press("Enter")

    async def received(self, method: str) -> list[dict[str, Any]]:
        """Return the parameters of the view's messages of a method."""
        messages = await self.page.evaluate("received")
        return [item["params"] for item in messages if item.get("method") == method]

    def forward(self, event: Event) -> None:
        """Forward a tool call of the view to the server, in the background."""
        task = asyncio.get_running_loop().create_task(self._forward(json.loads(event["payload"])))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _forward(self, message: dict[str, Any]) -> None:
        params = message["params"]
        self.calls.append((params["name"], params["arguments"]))
        if self.refusal:
            answer: dict[str, Any] = {"error": {"code": -32000, "message": self.refusal}}
        else:
            result = await self.client.call_tool(params["name"], params["arguments"])
            answer = {"result": wire(result)}
        await self.page.evaluate(f"answer({message['id']}, {json.dumps(answer)})")


def wire(result: Any) -> dict[str, Any]:
    """Return a result as it is on the wire."""
    if isinstance(result, dict):
        return result
    return dict(result.model_dump(mode="json", by_alias=True, exclude_none=True))


@asynccontextmanager
async def open_host(browser: Browser, client: Client) -> AsyncIterator[ViewHost]:
    """Open the host page for a client."""
    page = await open_page(browser, HOST_PAGE.as_uri())
    host = ViewHost(page, client)
    browser.listeners["Runtime.bindingCalled"] = [host.forward]
    await page.command("Runtime.addBinding", name="forward")
    await page.resize(760)
    try:
        yield host
    finally:
        await page.close()
