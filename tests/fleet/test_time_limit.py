"""A call on many personas ends in time, with what it has and a cursor for the rest."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from account import (
    CURRENT_MODEL,
    RETIRED_MODEL,
    ObservedApp,
    build_model_layers,
    build_persona_row,
    store_equal_personas,
    store_personas,
)
from mcp import Client
from mcp_client import ToolClient, build_test_app
from starlette.applications import Starlette

from tavus_mcp.deadlines import CallLimits
from tavus_mcp.sandbox.store import Store
from tavus_mcp.server.server import build_server
from tavus_mcp.settings import TOOLSETS, Settings

pytestmark = pytest.mark.anyio

COUNT = 60
READS_PER_CALL = 20


@dataclass(frozen=True)
class LimitsByReads(CallLimits):
    """Limits under which the time for more is over after some reads of personas in one call."""

    reads: list[str] = field(default_factory=list)

    @property
    def verification_seconds(self) -> float:
        return 0.0 if len(self.reads) < READS_PER_CALL else self.seconds


@dataclass
class LimitedClient(ToolClient):
    """A client whose calls each begin with all their time."""

    reads: list[str] = field(default_factory=list)

    async def expect_result(self, tool: str, **arguments: Any) -> dict[str, Any]:
        self.reads.clear()
        return await super().expect_result(tool, **arguments)


@asynccontextmanager
async def open_limited_client(sandbox: Starlette) -> AsyncIterator[LimitedClient]:
    limits = LimitsByReads()

    async def note_read(_: str, path: str) -> None:
        if path.startswith("/v2/personas/"):
            limits.reads.append(path)

    app, transport = build_test_app(ObservedApp(sandbox, note_read), limits=limits)
    server = build_server(app, Settings(toolsets=TOOLSETS))
    async with Client(server, mode="legacy") as client:
        yield LimitedClient(client, transport, server, limits.reads)


async def collect(tool_client: ToolClient, tool: str, **arguments: Any) -> list[dict[str, Any]]:
    """Call a tool until there is no cursor; return the answers."""
    answers, cursor = [], None
    while cursor is not None or not answers:
        more = {} if cursor is None else {"cursor": cursor}
        answers.append(await tool_client.expect_result(tool, **arguments, **more))
        assert len(answers) < COUNT, "the walk does not end"
        cursor = answers[-1].get("next_cursor")
    return answers


async def test_an_audit_is_continued_by_its_cursor_until_each_persona_was_checked_once(
    sandbox: Starlette, store: Store
) -> None:
    store_equal_personas(store, COUNT, layers=build_model_layers(RETIRED_MODEL))
    async with open_limited_client(sandbox) as tool_client:
        answers = await collect(tool_client, "audit_personas")
    assert len(answers) > 2
    assert "cursor" in answers[0]["stopped"]
    assert "stopped" not in answers[-1]
    assert sum(answer["checked"] for answer in answers) == COUNT
    assert not any(answer["complete"] for answer in answers)


async def test_a_search_by_finding_is_continued_by_its_cursor(
    sandbox: Starlette, store: Store
) -> None:
    ids = store_equal_personas(store, COUNT, layers=build_model_layers(RETIRED_MODEL))
    async with open_limited_client(sandbox) as tool_client:
        answers = await collect(
            tool_client, "list_personas", finding="llm-model-retired", limit=100
        )
    assert len(answers) > 1
    found = [row["persona_id"] for answer in answers for row in answer["personas"]]
    assert found == ids


@dataclass(frozen=True)
class LimitsByPages(CallLimits):
    """Limits under which the time for more is over after two pages of the list in one call."""

    pages: list[str] = field(default_factory=list)

    @property
    def verification_seconds(self) -> float:
        return 0.0 if len(self.pages) < 2 else self.seconds


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("list_personas", {"text_contains": "needle", "limit": 100}),
        ("audit_personas", {"name_contains": "needle"}),
        ("plan_bulk_change", {"name_contains": "needle", "values": {"/greeting": "Hi."}}),
    ],
)
async def test_a_list_that_is_read_slowly_is_continued_where_it_was_left(
    sandbox: Starlette, store: Store, tool: str, arguments: dict[str, Any]
) -> None:
    rows = [build_persona_row(number, persona_name=f"P {number}") for number in range(450)]
    for number in (10, 440):
        rows[number]["persona_name"] = "A needle"
    ids = store_personas(store, *rows)
    limits = LimitsByPages()

    async def note_page(_: str, path: str) -> None:
        if path == "/v2/personas":
            limits.pages.append(path)

    app, transport = build_test_app(ObservedApp(sandbox, note_page), limits=limits)
    async with Client(build_server(app, Settings(toolsets=TOOLSETS)), mode="legacy") as client:
        tool_client = LimitedClient(client, transport, reads=limits.pages)
        answers = await collect(tool_client, tool, **arguments)
    assert len(answers) > 2
    assert all("cursor" in answer["stopped"] for answer in answers[:-1])
    if tool == "audit_personas":
        assert sum(answer["checked"] for answer in answers) == 2
        return
    found = [row["persona_id"] for answer in answers for row in answer["personas"]]
    assert found == [ids[10], ids[440]]


async def test_a_bulk_plan_is_continued_by_its_cursor(sandbox: Starlette, store: Store) -> None:
    ids = store_equal_personas(store, COUNT, layers=build_model_layers(RETIRED_MODEL))
    arguments = {"everything": True, "values": {"/layers/llm/model": CURRENT_MODEL}}
    async with open_limited_client(sandbox) as tool_client:
        answers = await collect(tool_client, "plan_bulk_change", **arguments)
    assert len(answers) > 1
    assert [row["persona_id"] for answer in answers for row in answer["personas"]] == ids
    assert len({answer["plan_id"] for answer in answers}) == len(answers)


async def test_the_cursor_of_a_limit_continues_after_it_even_when_the_last_one_was_deleted(
    tool_client: ToolClient, store: Store
) -> None:
    ids = store_equal_personas(store, 12)
    arguments = {"everything": True, "values": {"/greeting": "Hi."}, "limit": 5}
    first = await tool_client.expect_result("plan_bulk_change", **arguments)
    store.remove("persona", ids[4])
    then = await tool_client.expect_result(
        "plan_bulk_change", cursor=first["next_cursor"], **arguments
    )
    planned = [row["persona_id"] for answer in (first, then) for row in answer["personas"]]
    assert planned == ids[:10]


@pytest.mark.parametrize("deleted", [0, 5])
async def test_deleting_page_by_page_with_cursors_leaves_none(
    tool_client: ToolClient, store: Store, deleted: int
) -> None:
    """Also when the row after the page was deleted meanwhile, so that no row tells the place."""
    ids = store_equal_personas(store, 12)
    arguments: dict[str, Any] = {"name_contains": "Persona", "delete": True, "limit": 5}
    plan = await tool_client.expect_result("plan_bulk_change", **arguments)
    for _ in range(3):
        await tool_client.expect_result("apply_plan", plan_id=plan["plan_id"])
        if cursor := plan.get("next_cursor"):
            if deleted:
                store.remove("persona", ids[deleted])
            plan = await tool_client.expect_result("plan_bulk_change", cursor=cursor, **arguments)
    found = await tool_client.expect_result("list_personas", name_contains="Persona ")
    assert found["personas"] == []


async def test_a_search_continues_after_its_page_was_deleted(
    tool_client: ToolClient, store: Store
) -> None:
    ids = store_equal_personas(store, 9)
    arguments: dict[str, Any] = {"name_contains": "Persona ", "limit": 4}
    first = await tool_client.expect_result("list_personas", **arguments)
    for row in first["personas"]:
        store.remove("persona", row["persona_id"])
    then = await tool_client.expect_result(
        "list_personas", cursor=first["next_cursor"], **arguments
    )
    assert [row["persona_id"] for row in then["personas"]] == ids[4:8]


async def test_a_plan_that_is_not_done_in_time_is_continued_by_applying_it_again(
    sandbox: Starlette, store: Store
) -> None:
    ids = store_equal_personas(store, COUNT)
    async with open_limited_client(sandbox) as tool_client:
        plan = await tool_client.expect_result(
            "plan_bulk_change", persona_ids=ids[:15], values={"/greeting": "Hi."}
        )
        first = await tool_client.expect_result("apply_plan", plan_id=plan["plan_id"])
        calls = 1
        last = first
        while last["status"] == "partial":
            last = await tool_client.expect_result("apply_plan", plan_id=plan["plan_id"])
            calls += 1
    assert first["totals"]["left"] > 0
    assert "apply_plan" in first["findings"][0]["hint"]
    assert 1 < calls < 10
    assert all((store.get("persona", item) or {})["greeting"] == "Hi." for item in ids[:15])
