"""Fixtures: a browser for all tests of the view, and a host with the view for each."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from chromium import Browser, find_chromium, open_browser
from mcp_client import ToolClient
from view_host import AppsExtension, ViewHost, open_host


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """One event loop for all these tests, because the browser belongs to it."""
    return "asyncio"


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """A headless browser."""
    path = find_chromium()
    if path is None:
        pytest.skip("Chromium is missing: install it, or name it in the variable CHROMIUM")
    async with open_browser(path) as opened:
        yield opened


@pytest.fixture
async def apps_client(open_tool_client: Any) -> AsyncIterator[ToolClient]:
    """A client that declares MCP Apps."""
    async with open_tool_client(client={"extensions": [AppsExtension()]}) as opened:
        yield opened


@pytest.fixture
async def view_host(browser: Browser, apps_client: ToolClient) -> AsyncIterator[ViewHost]:
    """A host page in the browser, for the client that declares MCP Apps."""
    async with open_host(browser, apps_client.client) as opened:
        yield opened
