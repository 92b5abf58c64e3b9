"""Fields that only a read with settings returns are guarded, undone and exported where returned.

``tool_ids`` and ``skills`` come back where Tavus answers ``include_settings``; ``tool_ids`` are
then like any other field, and without that a write of them is never called applied.
"""

from __future__ import annotations

from typing import Any

import pytest
from mcp_client import ToolClient
from starlette.applications import Starlette

from tavus_mcp.sandbox.faults import Fault
from tavus_mcp.sandbox.store import Store

pytestmark = pytest.mark.anyio

SETTINGS = pytest.mark.parametrize("include_settings", ["answered", "ignored"])


@pytest.fixture(autouse=True)
def _registry_tools(store: Store) -> None:
    for tool_id in ("t1", "t2"):
        store.put("tool", tool_id, {"tool_id": tool_id, "name": f"look_up_{tool_id}"})


def put_tools(store: Store, persona_id: str, tool_ids: list[str]) -> None:
    row = store.get("persona", persona_id) or {}
    store.put("persona", persona_id, {**row, "tool_ids": tool_ids, "updated_at": "2026-11-26"})


def read_tools(store: Store, persona_id: str) -> Any:
    return (store.get("persona", persona_id) or {}).get("tool_ids")


@SETTINGS
async def test_a_write_of_tools_is_applied_only_where_it_can_be_read_back(
    tool_client: ToolClient, store: Store, include_settings: str
) -> None:
    await tool_client.set_switches(include_settings=include_settings)
    persona_id = await tool_client.create_persona()
    receipt = await tool_client.expect_result(
        "update_persona", persona_id=persona_id, tool_ids=["t1"]
    )
    is_answered = include_settings == "answered"
    assert receipt["status"] == ("applied" if is_answered else "unverified")
    assert ("undo" in receipt) is is_answered
    assert read_tools(store, persona_id) == ["t1"]


@SETTINGS
async def test_a_new_persona_with_tools_is_applied_only_where_they_can_be_read_back(
    tool_client: ToolClient, include_settings: str
) -> None:
    await tool_client.set_switches(include_settings=include_settings)
    receipt = await tool_client.expect_result(
        "create_persona",
        name="Bot",
        system_prompt="You help.",
        default_replica_id="rfe12d8b9597",
        tool_ids=["t1"],
    )
    is_answered = include_settings == "answered"
    assert receipt["status"] == ("applied" if is_answered else "unverified")
    assert ("cannot be read back" in str(receipt["findings"])) is not is_answered


async def test_a_write_of_tools_without_effect_is_not_reported_as_applied(
    tool_client: ToolClient,
) -> None:
    """The sandbox loses the write: it goes to a draft, and the answer does not say so."""
    await tool_client.set_switches(patches="draft", patch_answer="empty")
    persona_id = await tool_client.create_persona()
    message = await tool_client.expect_error(
        "update_persona", persona_id=persona_id, tool_ids=["t1"]
    )
    assert "did not take effect" in message
    assert "/tool_ids" in message


async def test_tools_are_part_of_the_revision_and_tested(
    tool_client: ToolClient, store: Store
) -> None:
    persona_id = await tool_client.create_persona()
    receipt = await tool_client.expect_result("update_persona", persona_id=persona_id, name="B")
    put_tools(store, persona_id, ["t1"])
    message = await tool_client.expect_error(
        "update_persona", persona_id=persona_id, name="C", if_revision=receipt["revision"]
    )
    assert "/tool_ids" in message
    await tool_client.expect_result("update_persona", persona_id=persona_id, tool_ids=["t2"])
    assert b'"op":"test","path":"/tool_ids"' in tool_client.transport.writes[-1].content


async def test_tools_are_undone(tool_client: ToolClient, store: Store) -> None:
    persona_id = await tool_client.create_persona()
    await tool_client.expect_result("update_persona", persona_id=persona_id, tool_ids=["t1"])
    receipt = await tool_client.expect_result(
        "update_persona", persona_id=persona_id, unset=["tool_ids"]
    )
    assert read_tools(store, persona_id) == []
    await tool_client.expect_result(receipt["undo"]["tool"], **receipt["undo"]["arguments"])
    assert read_tools(store, persona_id) == ["t1"]


@SETTINGS
async def test_restoring_a_state_without_tools_removes_only_what_was_known(
    tool_client: ToolClient, store: Store, include_settings: str
) -> None:
    await tool_client.set_switches(include_settings=include_settings)
    persona_id = await tool_client.create_persona()
    first = await tool_client.expect_result("update_persona", persona_id=persona_id, name="B")
    put_tools(store, persona_id, ["t1"])
    await tool_client.expect_result(
        "restore_revision", persona_id=persona_id, revision=first["revision"]
    )
    assert read_tools(store, persona_id) == ([] if include_settings == "answered" else ["t1"])


async def test_a_state_read_without_settings_does_not_remove_tools(
    tool_client: ToolClient, store: Store
) -> None:
    """Older versions read personas without settings: their states say nothing about tools."""
    await tool_client.set_switches(include_settings="ignored")
    persona_id = await tool_client.create_persona()
    first = await tool_client.expect_result("update_persona", persona_id=persona_id, name="B")
    await tool_client.set_switches(include_settings="answered")
    put_tools(store, persona_id, ["t1"])
    await tool_client.expect_result("update_persona", persona_id=persona_id, name="C")
    await tool_client.expect_result(
        "restore_revision", persona_id=persona_id, revision=first["revision"]
    )
    row = store.get("persona", persona_id) or {}
    assert (row["persona_name"], row["tool_ids"]) == ("B", ["t1"])


async def test_a_deleted_persona_comes_back_with_its_tools_and_description(
    tool_client: ToolClient, store: Store
) -> None:
    persona_id = await tool_client.create_persona()
    await tool_client.expect_result(
        "update_persona", persona_id=persona_id, tool_ids=["t1"], persona_description="Tutor"
    )
    receipt = await tool_client.delete_persona(persona_id)
    back = await tool_client.expect_result(receipt["undo"]["tool"], **receipt["undo"]["arguments"])
    row = store.get("persona", back["persona_id"]) or {}
    assert (row["tool_ids"], row["persona_description"]) == (["t1"], "Tutor")


async def test_a_description_is_written_read_and_undone(
    tool_client: ToolClient, store: Store
) -> None:
    persona_id = await tool_client.create_persona()
    receipt = await tool_client.expect_result(
        "update_persona", persona_id=persona_id, persona_description="Tutor"
    )
    assert receipt["status"] == "applied"
    assert (await tool_client.read_persona(persona_id))["persona_description"] == "Tutor"
    await tool_client.expect_result(receipt["undo"]["tool"], **receipt["undo"]["arguments"])
    assert "persona_description" not in (store.get("persona", persona_id) or {})


async def test_skills_are_read_guarded_and_never_removed(
    tool_client: ToolClient, store: Store
) -> None:
    persona_id = await tool_client.create_persona()
    first = await tool_client.expect_result("update_persona", persona_id=persona_id, name="B")
    attached = {"presentation": {"skill_id": "presentation", "config": {"document_ids": ["d8-1"]}}}
    store.put("persona_skills", persona_id, attached)
    persona = await tool_client.read_persona(persona_id)
    assert persona["skills"] == {"presentation": {"config": {"document_ids": ["d8-1"]}}}
    checked = await tool_client.expect_result("check_persona", persona_id=persona_id)
    assert "/skills" not in str(checked["findings"])
    message = await tool_client.expect_error(
        "update_persona", persona_id=persona_id, name="C", if_revision=first["revision"]
    )
    assert "/skills" in message
    await tool_client.expect_result(
        "restore_revision", persona_id=persona_id, revision=first["previous_revision"]
    )
    assert store.get("persona_skills", persona_id) == attached
    patch = [{"op": "remove", "path": "/skills"}]
    await tool_client.expect_error("patch_persona", persona_id=persona_id, patch=patch)


async def test_an_export_has_tools_and_description_and_no_skills(
    tool_client: ToolClient, store: Store
) -> None:
    persona_id = await tool_client.create_persona()
    exported = await tool_client.expect_result("export_persona", persona_id=persona_id)
    assert "tool_ids" not in exported["text"]
    await tool_client.expect_result(
        "update_persona", persona_id=persona_id, tool_ids=["t1"], persona_description="Tutor"
    )
    store.put("persona_skills", persona_id, {"presentation": {"config": {}}})
    exported = await tool_client.expect_result("export_persona", persona_id=persona_id)
    assert "tool_ids:" in exported["text"]
    assert "persona_description: Tutor" in exported["text"]
    assert "skills" not in exported["text"]


async def test_a_copy_has_the_tools_of_the_original(tool_client: ToolClient, store: Store) -> None:
    persona_id = await tool_client.create_persona(tool_ids=["t1"])
    copied = await tool_client.expect_result("create_persona", based_on=persona_id)
    assert copied["status"] == "applied"
    assert read_tools(store, copied["persona_id"]) == ["t1"]


async def test_a_deleted_persona_comes_back_without_tools_that_are_gone(
    tool_client: ToolClient, store: Store
) -> None:
    persona_id = await tool_client.create_persona(tool_ids=["t1"])
    receipt = await tool_client.delete_persona(persona_id)
    store.remove("tool", "t1")
    back = await tool_client.expect_result(receipt["undo"]["tool"], **receipt["undo"]["arguments"])
    assert not read_tools(store, back["persona_id"])
    assert any(item["path"] == "/tool_ids" for item in back["findings"])


async def test_a_deleted_persona_comes_back_where_a_new_one_may_have_no_description(
    tool_client: ToolClient, store: Store, sandbox: Starlette
) -> None:
    """Vendor: the description is patched, and no part of what its client creates."""
    persona_id = await tool_client.create_persona()
    await tool_client.expect_result(
        "update_persona", persona_id=persona_id, persona_description="Tutor"
    )
    receipt = await tool_client.delete_persona(persona_id)
    refusal = {"error": "Bad Request: {'persona_description': ['Unknown field.']}"}
    sandbox.state.faults.plan(Fault(kind="status", method="POST", status=400, body=refusal))
    back = await tool_client.expect_result(receipt["undo"]["tool"], **receipt["undo"]["arguments"])
    assert "persona_description" not in (store.get("persona", back["persona_id"]) or {})
    assert any(item["path"] == "/persona_description" for item in back["findings"])
