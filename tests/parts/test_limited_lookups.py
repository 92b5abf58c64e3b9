"""Ids of a change are looked up in a small share of a call; the write goes on without an answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import anyio
import pytest
from mcp import Client
from mcp_client import ToolClient, build_test_app
from part_requests import create_part, create_persona
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from tavus_mcp.deadlines import CallLimits
from tavus_mcp.server.server import build_server
from tavus_mcp.settings import TOOLSETS, Settings

pytestmark = pytest.mark.anyio

HANGS, ROUTE_MISSING = 0, 404


@dataclass
class LimitedTavus:
    """The sandbox, whose reads of one tool are answered with a status, or never."""

    sandbox: Starlette
    status: int = 200
    lookups: int = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.status != 200 and scope["path"].startswith("/v2/tools/"):
            self.lookups += 1
            if self.status == HANGS:
                await anyio.sleep_forever()
            answer = JSONResponse({"error": "Route not found"}, self.status, {"retry-after": "5"})
            await answer(scope, receive, send)
        else:
            await self.sandbox(scope, receive, send)


@asynccontextmanager
async def open_client(tavus: LimitedTavus) -> AsyncIterator[ToolClient]:
    app, transport = build_test_app(tavus, limits=CallLimits(lookup_seconds=0.01))
    server = build_server(app, Settings(toolsets=TOOLSETS))
    async with Client(server, mode="legacy") as client:
        yield ToolClient(client, transport, server)


@pytest.mark.parametrize("status", [HANGS, 429, 401, 403, 400, ROUTE_MISSING, 500])
async def test_ids_that_cannot_be_looked_up_are_sent(sandbox: Starlette, status: int) -> None:
    """Found in use: 24 ids, each looked up in 2 s, left no time for the change itself."""
    tavus = LimitedTavus(sandbox)
    async with open_client(tavus) as tool_client:
        persona_id = await create_persona(tool_client, "Ada")
        tools = [await create_part(tool_client, "tool", name=f"tool_{n}") for n in range(6)]
        tavus.status, target = status, {"persona_id": persona_id, "tool_ids": tools}
        plan = await tool_client.expect_result("update_persona", **target, dry_run=True)
        assert plan["status"] == "planned"
        tavus.lookups = 0
        receipt = await tool_client.expect_result("update_persona", **target)
    assert receipt["status"] == "applied"
    if status in (HANGS, 429):
        assert tavus.lookups <= 8  # those at once, of their existence and of their names
