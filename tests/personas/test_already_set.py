"""A plan or receipt names the values that a persona has already."""

from __future__ import annotations

from typing import Any

import pytest
from mcp_client import ToolClient

pytestmark = pytest.mark.anyio


def already_set(receipt: dict[str, Any]) -> dict[str, str]:
    """Return the messages on values that are set already, by path."""
    return {
        item["path"]: item["message"]
        for item in receipt["findings"]
        if item["message"].startswith("Already ")
    }


@pytest.mark.parametrize("dry_run", [True, False])
async def test_a_value_that_is_set_is_named_beside_the_change(
    tool_client: ToolClient, dry_run: bool
) -> None:
    persona_id = await tool_client.create_persona(name="Ada")
    receipt = await tool_client.expect_result(
        "update_persona", persona_id=persona_id, name="Ada", greeting="Hi!", dry_run=dry_run
    )
    assert [item["path"] for item in receipt["changes"]] == ["/greeting"]
    assert already_set(receipt) == {"/persona_name": "Already set to this value."}


async def test_a_field_that_is_not_set_is_named_when_it_is_removed(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona()
    receipt = await tool_client.expect_result(
        "update_persona", persona_id=persona_id, name="Eve", unset=["greeting"]
    )
    assert already_set(receipt) == {"/greeting": "Already not set."}


async def test_members_of_an_object_are_named_one_by_one(tool_client: ToolClient) -> None:
    layers = {"llm": {"model": "tavus-gpt-oss", "extra_body": {"temperature": 0.5}}}
    persona_id = await tool_client.create_persona(layers=layers)
    receipt = await tool_client.expect_result(
        "configure_llm", persona_id=persona_id, extra_body={"temperature": 0.5, "top_p": 0.9}
    )
    assert list(already_set(receipt)) == ["/layers/llm/extra_body/temperature"]


async def test_an_operation_of_a_patch_that_changes_nothing_is_named(
    tool_client: ToolClient,
) -> None:
    persona_id = await tool_client.create_persona(name="Ada")
    patch = [
        {"op": "replace", "path": "/persona_name", "value": "Ada"},
        {"op": "add", "path": "/greeting", "value": "Hi!"},
    ]
    receipt = await tool_client.expect_result("patch_persona", persona_id=persona_id, patch=patch)
    assert list(already_set(receipt)) == ["/persona_name"]


async def test_a_change_of_nothing_names_what_is_set(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona(name="Ada")
    receipt = await tool_client.expect_result("update_persona", persona_id=persona_id, name="Ada")
    assert receipt["status"] == "unchanged"
    assert list(already_set(receipt)) == ["/persona_name"]


async def test_a_call_that_gives_no_field_says_so(tool_client: ToolClient) -> None:
    """A null for a field means "not given", which a model may take for its removal."""
    persona_id = await tool_client.create_persona(greeting="Hi!")
    for arguments in ({}, {"greeting": None}, {"name": ""}):
        receipt = await tool_client.expect_result(
            "update_persona", persona_id=persona_id, **arguments
        )
        assert receipt["status"] == "unchanged"
        assert (
            "null, or an empty name, id or choice, is not given"
            in receipt["findings"][0]["message"]
        )
    receipt = await tool_client.expect_result("configure_stt", persona_id=persona_id, hotwords="")
    assert already_set(receipt) == {"/layers/stt/hotwords": "Already not set."}


async def test_an_empty_value_that_is_stored_is_not_called_not_set(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona()
    patch = [{"op": "add", "path": "/greeting", "value": ""}]
    receipt = await tool_client.expect_result("patch_persona", persona_id=persona_id, patch=patch)
    assert receipt["changes"] == [{"path": "/greeting", "after": ""}]
    assert already_set(receipt) == {}
    receipt = await tool_client.expect_result(
        "configure_llm", persona_id=persona_id, default_query={"of": {}, "note": ""}
    )
    assert {row["path"] for row in receipt["changes"]} == {
        "/layers/llm/default_query/of",
        "/layers/llm/default_query/note",
    }
    assert already_set(receipt) == {}


async def test_a_field_that_is_both_set_and_removed_is_refused(tool_client: ToolClient) -> None:
    """The value was dropped without a word."""
    persona_id = await tool_client.create_persona(greeting="Hi!")
    for tool, arguments in (
        ("update_persona", {"greeting": "Hello!", "unset": ["name", "greeting"]}),
        ("configure_tts", {"speed": 1.1, "unset": ["stability", "voice_settings"]}),
    ):
        message = await tool_client.expect_error(tool, persona_id=persona_id, **arguments)
        assert "/unset/1: " in message
        assert "is set in this call as well" in message
    values = {"values": {"/greeting": "Hello!"}, "unset": ["/greeting"]}
    message = await tool_client.expect_error("plan_bulk_change", everything=True, **values)
    assert "/unset/0: /greeting is set in this call as well" in message
    part = {"guardrail_name": "g", "guardrail_prompt": "Never.", "tags": ["a"], "unset": ["tags"]}
    message = await tool_client.expect_error("save_guardrail", **part)
    assert "/unset/0: /tags is set in this call as well" in message


@pytest.mark.parametrize("value", [0.2, None])
async def test_a_setting_that_is_given_twice_with_two_values_is_refused(
    tool_client: ToolClient, value: float | None
) -> None:
    """One of the values was dropped without a word."""
    persona_id = await tool_client.create_persona()
    both = {"extra_body": {"temperature": value}, "temperature": 0.9}
    message = await tool_client.expect_error("configure_llm", persona_id=persona_id, **both)
    assert "/layers/llm/extra_body/temperature is given twice" in message
    same = {"extra_body": {"temperature": 0.9, "top_p": 0.5}, "temperature": 0.9}
    receipt = await tool_client.expect_result("configure_llm", persona_id=persona_id, **same)
    assert [row["after"] for row in receipt["changes"]] == [0.9, 0.5]
    bulk = {"/layers/llm": {"model": "tavus-gemma-4"}, "/layers/llm/model": "tavus-gpt-oss"}
    message = await tool_client.expect_error("plan_bulk_change", everything=True, values=bulk)
    assert "/layers/llm/model is given twice" in message


async def test_a_null_removes_nothing_where_there_is_nothing(tool_client: ToolClient) -> None:
    """It was stored, and called "already not set"."""
    persona_id = await tool_client.create_persona(layers={"llm": {"extra_body": {"seed": 1}}})
    receipt = await tool_client.expect_result(
        "configure_llm", persona_id=persona_id, extra_body={"a": {"b": None}, "seed": None}
    )
    assert receipt["changes"] == [{"path": "/layers/llm/extra_body/seed", "before": 1}]
    receipt = await tool_client.expect_result(
        "configure_llm", persona_id=persona_id, default_query={"a": {"b": None}}
    )
    assert receipt["status"] == "unchanged"


async def test_a_null_that_is_written_or_removed_is_a_change_with_a_value(
    tool_client: ToolClient,
) -> None:
    """The change had a path alone, which said neither."""
    await tool_client.set_switches(unknown_fields="accepted")
    persona_id = await tool_client.create_persona()
    patch = [{"op": "add", "path": "/notes", "value": None}]
    written = await tool_client.expect_result(
        "patch_persona", persona_id=persona_id, patch=patch, allow_unknown=True
    )
    assert written["changes"] == [{"path": "/notes", "after": "(null)"}]
    undone = await tool_client.expect_result(
        written["undo"]["tool"], **written["undo"]["arguments"]
    )
    assert undone["changes"] == [{"path": "/notes", "before": "(null)"}]
