"""Render docs/images/view.png: a plan in the view, from a real run on the sandbox.

Run in the checkout: ``PYTHONPATH=. python tests/view/render_image.py``. Needs Chromium.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(Path(__file__).parent)]

from chromium import find_chromium, open_browser  # noqa: E402 - found by the line above
from mcp import Client  # noqa: E402
from mcp_client import ToolClient, build_test_app  # noqa: E402
from results import PROMPT  # noqa: E402
from view_host import AppsExtension, ViewHost, open_host  # noqa: E402

from tavus_mcp.sandbox.app import build_sandbox  # noqa: E402
from tavus_mcp.sandbox.store import Store  # noqa: E402
from tavus_mcp.server.server import build_server  # noqa: E402
from tavus_mcp.settings import TOOLSETS, Settings  # noqa: E402

IMAGE = ROOT / "docs/images/view.png"
MAX_BYTES = 150_000
WIDTH, SCALE = 720, 1.4
FRAME_STYLE = (
    "document.body.style.padding = '20px'; frame.style.cssText += "
    "'border: 1px solid #d5d9e0; border-radius: 12px; background: #fff; width: calc(100% - 2px)'"
)


async def render(image: Path) -> int:
    """Plan a tuning, show it, and write the picture; return 0 if it is small enough."""
    chromium = find_chromium()
    if chromium is None:
        sys.stderr.write("Chromium is missing: install it, or name it in CHROMIUM.\n")
        return 1
    store = Store.open(None)
    app, transport = build_test_app(build_sandbox(store))
    server = build_server(app, Settings(toolsets=TOOLSETS))
    async with Client(server, extensions=[AppsExtension()]) as client:
        tool_client = ToolClient(client, transport, server)
        async with open_browser(chromium) as browser, open_host(browser, client) as host:
            await show_plan(host, tool_client)
            await host.page.screenshot(image)
    store.close()
    size = image.stat().st_size
    sys.stdout.write(f"{image}: {size} bytes\n")
    return 0 if size <= MAX_BYTES else 1


async def show_plan(host: ViewHost, tool_client: ToolClient) -> None:
    """Show the plan of a tuning in a window as high as it needs."""
    persona_id = await tool_client.create_persona(
        name="Technical Interviewer",
        system_prompt=PROMPT,
        layers={"conversational_flow": {"turn_taking_patience": "low"}},
    )
    arguments = {"persona_id": persona_id, "goals": ["sound_calmer", "interrupt_less"]}
    planned = await tool_client.call("suggest_tuning", **arguments)
    await host.page.resize(WIDTH, scale=SCALE)
    await host.page.evaluate(FRAME_STYLE)
    await host.open(arguments, planned, context={"theme": "light"})
    height = await host.evaluate("Math.ceil(document.body.getBoundingClientRect().height)")
    await host.wait_for(f"innerHeight === {height}")
    await host.page.resize(WIDTH, height + 42, SCALE)


def main() -> int:
    """Render with a data folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TAVUS_MCP_DATA_DIR"] = folder
        return asyncio.run(render(IMAGE))


if __name__ == "__main__":
    sys.exit(main())
