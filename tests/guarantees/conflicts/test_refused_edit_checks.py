"""Changes where Tavus refuses the operations that check for edits by others."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from patches import find_test_values, patch_persona, sent_patches
from scheduler import AppWithHook, AppWithoutTestOperations
from starlette.types import ASGIApp

from tavus_mcp.sandbox.store import Store

pytestmark = pytest.mark.anyio


async def test_a_patch_refused_for_its_test_operations_becomes_a_plan_that_says_so(
    open_tool_client: Any, sandbox: ASGIApp
) -> None:
    async with open_tool_client(AppWithoutTestOperations(sandbox)) as tool_client:
        persona_id = await tool_client.create_persona(greeting="Hi.")
        planned = await tool_client.expect_result(
            "update_persona", persona_id=persona_id, greeting="Hello."
        )
        assert planned["status"] == "planned"
        assert "op 'test' is not supported" in planned["findings"][0]["message"]
        assert "Nothing was written" in planned["findings"][0]["message"]
        assert (await tool_client.read_persona(persona_id))["greeting"] == "Hi."
        receipt = await tool_client.expect_result("apply_plan", plan_id=planned["plan_id"])
        assert receipt["status"] == "applied"
        assert (await tool_client.read_persona(persona_id))["greeting"] == "Hello."
        first, tests_alone, last = sent_patches(tool_client)
        assert [*find_test_values(first)] == ["/greeting"]
        assert [item["op"] for item in tests_alone] == ["test"]
        assert last == [item for item in first if item["op"] != "test"]
        for answer in (planned, receipt):
            text = " ".join(item["message"] for item in answer["findings"])
            assert "between the last read and the write is overwritten, and cannot be shown" in text


async def test_a_plan_without_test_operations_does_not_overwrite_a_field_edited_since(
    open_tool_client: Any, sandbox: ASGIApp, dashboard_client: httpx2.AsyncClient
) -> None:
    async with open_tool_client(AppWithoutTestOperations(sandbox)) as tool_client:
        persona_id = await tool_client.create_persona(greeting="Hi.")
        planned = await tool_client.expect_result(
            "update_persona", persona_id=persona_id, greeting="Hello."
        )
        await patch_persona(dashboard_client, persona_id, "/greeting", "Ciao.")
        error = await tool_client.expect_error("apply_plan", plan_id=planned["plan_id"])
        assert '~ /greeting: "Hi." -> "Ciao."' in error
        assert (await tool_client.read_persona(persona_id))["greeting"] == "Ciao."


async def test_an_edit_just_before_a_plan_without_test_operations_is_sent_is_a_conflict(
    open_tool_client: Any, sandbox: ASGIApp, store: Store
) -> None:
    between = AppWithHook(AppWithoutTestOperations(sandbox))
    async with open_tool_client(between) as tool_client:
        persona_id = await tool_client.create_persona(greeting="Hi.")
        planned = await tool_client.expect_result(
            "update_persona", persona_id=persona_id, greeting="Hello."
        )
        requests = iter(range(9))

        def edit_before_the_second_request() -> None:
            if next(requests) == 1:
                row = store.get("persona", persona_id) or {}
                store.put("persona", persona_id, row | {"greeting": "Ciao."})

        between.before_request = edit_before_the_second_request
        error = await tool_client.expect_error("apply_plan", plan_id=planned["plan_id"])
        assert "while it was being applied" in error
        assert '-> "Ciao."' in error
        assert (store.get("persona", persona_id) or {})["greeting"] == "Ciao."


async def test_an_edit_of_other_fields_too_shows_that_values_may_have_been_overwritten(
    open_tool_client: Any, sandbox: ASGIApp, store: Store
) -> None:
    between = AppWithHook(AppWithoutTestOperations(sandbox))
    async with open_tool_client(between) as tool_client:
        persona_id = await tool_client.create_persona(greeting="Hi.")
        planned = await tool_client.expect_result(
            "update_persona", persona_id=persona_id, greeting="Hello."
        )
        requests = iter(range(9))

        def edit_before_the_write() -> None:
            if next(requests) == 2:
                row = store.get("persona", persona_id) or {}
                store.put("persona", persona_id, row | {"greeting": "Ciao.", "context": "New."})

        between.before_request = edit_before_the_write
        receipt = await tool_client.expect_result("apply_plan", plan_id=planned["plan_id"])
        (finding,) = [item for item in receipt["findings"] if item["path"] == "/context"]
        assert "edited elsewhere in the same moment" in finding["message"]
        assert "it was overwritten there" in finding["message"]


async def test_a_patch_refused_for_its_test_operations_is_not_resent_after_another_edit(
    open_tool_client: Any, sandbox: ASGIApp, store: Store
) -> None:
    persona_id = ""

    def edited_meanwhile() -> None:
        row = store.get("persona", persona_id) or {}
        store.put("persona", persona_id, row | {"persona_name": "Eva"})

    async with open_tool_client(AppWithoutTestOperations(sandbox, edited_meanwhile)) as tool_client:
        persona_id = await tool_client.create_persona(greeting="Hi.")
        error = await tool_client.expect_error(
            "update_persona", persona_id=persona_id, greeting="Hello."
        )
        assert '~ /persona_name: "Bot" -> "Eva"' in error
        assert len(sent_patches(tool_client)) == 1
        assert (store.get("persona", persona_id) or {})["greeting"] == "Hi."
