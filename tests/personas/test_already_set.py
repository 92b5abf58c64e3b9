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
