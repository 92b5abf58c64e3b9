"""The toolset ``account``: what a persona can point at, filtered over the whole account."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from mcp_client import ToolClient

from tavus_mcp.sandbox.store import Store

pytestmark = pytest.mark.anyio

Row = dict[str, Any]
MADE: dict[str, tuple[str, str, str, Callable[[int], Row]]] = {
    "list_documents": (
        "document",
        "documents",
        "document_name",
        lambda n: {"document_id": f"d8-{n:012x}", "document_name": f"Doc {n}", "status": "ready"},
    ),
    "list_objectives": (
        "objectives",
        "objectives",
        "name",
        lambda n: {"objectives_id": f"o{n:012x}", "name": f"Set {n}", "data": []},
    ),
    "list_guardrails": (
        "guardrail",
        "guardrails",
        "guardrail_name",
        lambda n: {"uuid": f"g{n}", "guardrail_name": f"rule_{n}", "guardrail_prompt": "Be kind."},
    ),
    "list_registry_tools": (
        "tool",
        "registry_tools",
        "name",
        lambda n: {"tool_id": f"t{n:012x}", "name": f"tool_{n}", "description": "Looks up."},
    ),
    "list_replicas": (
        "replica",
        "replicas",
        "replica_name",
        lambda n: {
            "replica_id": f"r{n:010x}",
            "replica_name": f"Face {n}",
            "replica_type": "user",
            "status": "completed",
        },
    ),
    "list_voices": (
        "voice",
        "voices",
        "voice_name",
        lambda n: {"voice_id": f"v{n:012x}", "voice_name": f"Voice {n}"},
    ),
}
TOOLS = pytest.mark.parametrize("tool", list(MADE))


def store_rows(store: Store, tool: str, count: int) -> list[str]:
    kind, _, name, make = MADE[tool]
    rows = [make(number) for number in range(count)]
    for row in rows:
        key = next(iter(row.values()))
        extra = {"type": "user", "is_system_tool": False} if kind in ("tool",) else {}
        store.put(kind, key, row | extra)
    return [row[name] for row in rows]


async def collect_names(tool_client: ToolClient, tool: str, **arguments: Any) -> list[str]:
    """Follow the cursors to the end; return every name."""
    _, plural, name, _ = MADE[tool]
    found: list[str] = []
    cursor: dict[str, str] = {}
    for _ in range(100):
        page = await tool_client.expect_result(tool, **arguments, **cursor)
        found += [row[name] for row in page[plural]]
        if "next_cursor" not in page:
            return found
        cursor = {"cursor": page["next_cursor"]}
    raise AssertionError("the walk does not end")


@TOOLS
async def test_cursors_cover_the_whole_list_once(
    tool_client: ToolClient, store: Store, tool: str
) -> None:
    """Tavus counts some of these lists from page 0 and some from page 1."""
    names = store_rows(store, tool, 53)
    found = await collect_names(tool_client, tool, limit=10)
    assert len(found) == len(set(found))
    assert [name for name in found if name in set(names)] == names


@TOOLS
async def test_a_name_filter_searches_the_whole_account_case_insensitively(
    tool_client: ToolClient, store: Store, tool: str
) -> None:
    names = store_rows(store, tool, 130)
    assert (
        await collect_names(tool_client, tool, name_contains=names[-1].upper(), limit=1)
        == names[-1:]
    )


async def test_a_filtered_list_continues_after_its_page_was_deleted(
    tool_client: ToolClient, store: Store
) -> None:
    tool = "list_registry_tools"
    kind, plural, name, make = MADE[tool]
    names = store_rows(store, tool, 5)
    arguments = {"name_contains": names[0][:-1], "limit": 2}
    first = await tool_client.expect_result(tool, **arguments)
    for number in range(2):
        store.remove(kind, next(iter(make(number).values())))
    then = await tool_client.expect_result(tool, cursor=first["next_cursor"], **arguments)
    assert [row[name] for row in then[plural]] == names[2:4]


@TOOLS
async def test_a_wrong_limit_or_cursor_is_refused(tool_client: ToolClient, tool: str) -> None:
    assert "/limit" in await tool_client.expect_error(tool, limit=101)
    assert "/cursor" in await tool_client.expect_error(tool, cursor="nonsense")


async def test_replicas_show_type_and_status_and_can_be_filtered_by_type(
    tool_client: ToolClient, store: Store
) -> None:
    store_rows(store, "list_replicas", 2)
    system = (await tool_client.expect_result("list_replicas", replica_type="system"))["replicas"]
    user = (await tool_client.expect_result("list_replicas", replica_type="user"))["replicas"]
    assert {row["replica_type"] for row in system} == {"system"}
    assert [row["replica_name"] for row in user] == ["Face 0", "Face 1"]
    assert all(row["status"] for row in system)


async def test_single_guardrails_are_listed_and_legacy_sets_are_not(
    tool_client: ToolClient, store: Store
) -> None:
    """Tavus lists the legacy sets unless legacy=false is sent."""
    store.put("guardrails", "gs1", {"uuid": "gs1", "name": "old set", "data": []})
    store_rows(store, "list_guardrails", 1)
    page = await tool_client.expect_result("list_guardrails")
    assert [row["guardrail_name"] for row in page["guardrails"]] == ["rule_0"]
    assert all(item.url.params["legacy"] == "false" for item in tool_client.transport.requests)


async def test_listed_objects_can_be_attached_by_their_id(
    tool_client: ToolClient, store: Store
) -> None:
    for tool in MADE:
        store_rows(store, tool, 1)

    async def first(tool: str, key: str) -> str:
        return str((await tool_client.expect_result(tool))[MADE[tool][1]][0][key])

    await tool_client.create_persona(
        default_replica_id=await first("list_replicas", "replica_id"),
        documents=[await first("list_documents", "document_id")],
        objectives=await first("list_objectives", "objectives_id"),
        guardrails=[await first("list_guardrails", "uuid")],
        tool_ids=[await first("list_registry_tools", "tool_id")],
        layers={"tts": {"voice_id": await first("list_voices", "voice_id")}},
    )
