"""Hostile answers of Tavus neither use up a plan nor lose a write, and later calls work."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from mcp_client import ToolClient
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tavus_mcp.sandbox.store import Store

if TYPE_CHECKING:
    from conftest import ToolClientFactory

pytestmark = pytest.mark.anyio
UNREADABLE = {
    "half a document": b'{"persona_id": "p1", "layers": ',
    "too deep": b"[" * 50_000 + b"]" * 50_000,
    "no utf-8": b'{"persona_id": "\xff"}',
    "a list": b"[1, 2]",
    "another type": b'{"persona_id": {"a": 1}}',
    "a huge number": b'{"persona_id": %s}' % (b"9" * 10_000),
}
PLANS: dict[str, dict[str, Any]] = {
    "update_persona": {"greeting": "Hi", "dry_run": True},
    "delete_persona": {},
    "configure_llm": {"model": "tavus-gpt-oss", "dry_run": True},
}


@dataclass
class ReplacedAnswers:
    """A sandbox of which the answers to some requests are replaced by a body."""

    app: ASGIApp
    body: bytes | None = None
    is_replaced: Callable[[str], bool] = lambda _method: True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.body is None or not self.is_replaced(scope["method"]):
            await self.app(scope, receive, send)
            return
        await self.app(scope, receive, _discard)
        await Response(self.body, media_type="application/json")(scope, receive, send)


async def _discard(_message: Message) -> None:
    """Drop the real answer."""


@asynccontextmanager
async def open_replaced(
    open_tool_client: ToolClientFactory, sandbox: ASGIApp
) -> AsyncIterator[tuple[ToolClient, ReplacedAnswers]]:
    tavus = ReplacedAnswers(sandbox)
    async with open_tool_client(tavus) as tool_client:
        yield tool_client, tavus


@pytest.mark.parametrize("tool", PLANS)
@pytest.mark.parametrize("body", UNREADABLE)
async def test_a_plan_survives_an_unreadable_persona(
    open_tool_client: ToolClientFactory, sandbox: ASGIApp, tool: str, body: str
) -> None:
    async with open_replaced(open_tool_client, sandbox) as (tool_client, tavus):
        persona_id = await tool_client.create_persona()
        plan = await tool_client.expect_result(tool, persona_id=persona_id, **PLANS[tool])
        tavus.body = UNREADABLE[body]
        await tool_client.expect_error("apply_plan", plan_id=plan["plan_id"])
        tavus.body = None
        receipt = await tool_client.expect_result("apply_plan", plan_id=plan["plan_id"])
        assert receipt["status"] == "applied"


@pytest.mark.parametrize("body", UNREADABLE)
async def test_a_creation_with_an_unreadable_answer_is_found(
    open_tool_client: ToolClientFactory, sandbox: ASGIApp, store: Store, body: str
) -> None:
    async with open_replaced(open_tool_client, sandbox) as (tool_client, tavus):
        tavus.body, tavus.is_replaced = UNREADABLE[body], lambda method: method == "POST"
        receipt = await tool_client.expect_result(
            "create_persona", name="Once", system_prompt="You help."
        )
    rows = [row for row in store.all("persona") if row["persona_name"] == "Once"]
    assert [row["persona_id"] for row in rows] == [receipt["persona_id"]]
