"""TAVUS_MCP_PROTECTED=1: every write answers a plan, and only apply_plan writes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import pytest
from mcp_client import ToolClient

from tavus_mcp.settings import from_environment

if TYPE_CHECKING:
    from conftest import ToolClientFactory

pytestmark = pytest.mark.anyio

WRITES: list[tuple[str, dict[str, Any]]] = [
    ("create_persona", {"name": "New", "system_prompt": "You help."}),
    ("update_persona", {"persona_id": "", "name": "B"}),
    ("edit_prompt", {"persona_id": "", "find": "help", "replace": "serve"}),
    ("delete_persona", {"persona_id": ""}),
    ("configure_llm", {"persona_id": "", "model": "tavus-gpt-oss"}),
    ("configure_tts", {"persona_id": "", "tts_engine": "elevenlabs", "external_voice_id": "v"}),
    ("configure_stt", {"persona_id": "", "hotwords": "Tavus"}),
    ("configure_perception", {"persona_id": "", "visual_awareness_queries": ["Is it dark?"]}),
    ("configure_conversational_flow", {"persona_id": "", "turn_taking_patience": "high"}),
    ("set_function_tool", {"persona_id": "", "name": "book", "description": "Book a table."}),
    ("patch_persona", {"persona_id": "", "patch": {"greeting": "Hi!"}}),
    ("restore_revision", {"persona_id": "", "revision": ""}),
    ("publish_persona", {"persona_id": ""}),
    ("plan_bulk_change", {"persona_ids": [], "values": {"/greeting": "Hi!"}}),
]


@pytest.fixture
async def protected_client(open_tool_client: ToolClientFactory) -> AsyncIterator[ToolClient]:
    async with open_tool_client(protected=True) as opened:
        yield opened


async def create_with_history(open_tool_client: ToolClientFactory) -> tuple[str, str]:
    """Create and change a persona with an unprotected server; return its id and first revision."""
    async with open_tool_client() as opened:
        persona_id = await opened.create_persona()
        receipt = await opened.expect_result("update_persona", persona_id=persona_id, name="Then")
    return persona_id, receipt["previous_revision"]


@pytest.mark.parametrize(("tool", "arguments"), WRITES, ids=[tool for tool, _ in WRITES])
async def test_a_write_answers_a_plan_that_apply_plan_carries_out(
    open_tool_client: ToolClientFactory,
    protected_client: ToolClient,
    tool: str,
    arguments: dict[str, Any],
) -> None:
    persona_id, revision = await create_with_history(open_tool_client)
    known = {"persona_id": persona_id, "revision": revision, "persona_ids": [persona_id]}
    given = {name: value or known.get(name) for name, value in arguments.items()}
    planned = await protected_client.expect_result(tool, **given)
    assert planned["status"] == "planned"
    assert "apply_plan" in str(planned)
    assert protected_client.transport.writes == []
    applied = await protected_client.expect_result("apply_plan", plan_id=planned["plan_id"])
    assert applied["status"] == ("unchanged" if tool == "publish_persona" else "applied")
    assert len(protected_client.transport.writes) == 1


async def test_the_receipt_names_the_setting(protected_client: ToolClient) -> None:
    planned = await protected_client.expect_result(
        "create_persona", name="New", system_prompt="You help."
    )
    assert "TAVUS_MCP_PROTECTED=1" in str(planned["findings"])


async def test_a_deletion_asks_no_form_and_answers_a_plan(
    open_tool_client: ToolClientFactory,
) -> None:
    async def answer(*_: Any) -> Any:
        raise AssertionError("no form is sent while the server is protected")

    persona_id, _ = await create_with_history(open_tool_client)
    client = {"elicitation_callback": answer}
    async with open_tool_client(protected=True, client=client) as opened:
        receipt = await opened.expect_result("delete_persona", persona_id=persona_id)
    assert receipt["status"] == "planned"


def test_the_setting_is_read_and_a_wrong_value_protects() -> None:
    assert not from_environment({}).protected
    assert from_environment({"TAVUS_MCP_PROTECTED": "1"}).protected
    wrong = from_environment({"TAVUS_MCP_PROTECTED": "please"})
    assert wrong.protected
    assert any("TAVUS_MCP_PROTECTED" in line for line in wrong.problems)


@pytest.mark.parametrize("tool", ["update_persona", "publish_persona", "delete_persona"])
async def test_a_plan_that_was_applied_is_used_up(
    open_tool_client: ToolClientFactory, protected_client: ToolClient, tool: str
) -> None:
    persona_id, _ = await create_with_history(open_tool_client)
    change = {"name": "B"} if tool == "update_persona" else {}
    planned = await protected_client.expect_result(tool, persona_id=persona_id, **change)
    await protected_client.expect_result("apply_plan", plan_id=planned["plan_id"])
    message = await protected_client.expect_error("apply_plan", plan_id=planned["plan_id"])
    assert "used once" in message
