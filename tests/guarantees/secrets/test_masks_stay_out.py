"""The mask that stands for a key is shown, and never written back in place of the key."""

from __future__ import annotations

import json
from typing import Any

import pytest
from canaries import CANARY, LLM, TTS
from mcp_client import SECRET, ToolClient

from tavus_mcp.sandbox.store import Store

pytestmark = pytest.mark.anyio
STARS = "********"
MASKS = [STARS, "sk-1********", "***", "\u2022" * 8, "sk-****abcd", "sk-...1234"]


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize(
    ("tool", "field"),
    [
        ("configure_llm", {"api_key": "?", "model": "m"}),
        ("configure_llm", {"headers": {"X-Auth": "?"}}),
        ("configure_llm", {"extra_body": {"deep": {"token": "?"}}}),
        ("configure_tts", {"api_key": "?"}),
        ("patch_persona", {"patch": {"layers": {"tts": {"api_key": "?"}}}}),
        ("patch_persona", {"patch": [{"op": "add", "path": "/layers/tts/api_key", "value": "?"}]}),
        ("create_persona", {"system_prompt": "x", "layers": {"tts": {**TTS, "api_key": "?"}}}),
    ],
)
@pytest.mark.parametrize("dry_run", [False, True])
async def test_a_mask_is_refused_in_every_key_field(
    tool_client: ToolClient, tool: str, field: dict[str, Any], mask: str, dry_run: bool
) -> None:
    persona_id = await tool_client.create_persona(layers={"tts": TTS})
    target = {} if tool == "create_persona" else {"persona_id": persona_id}
    arguments = json.loads(json.dumps(field).replace('"?"', json.dumps(mask)))
    message = await tool_client.expect_error(tool, **target, **arguments, dry_run=dry_run)
    assert "mask" in message
    assert len(tool_client.transport.writes) == 1


async def test_writing_back_a_read_layer_preserves_its_key(
    tool_client: ToolClient, store: Store
) -> None:
    """Reading, changing one field and patching everything is what programs do."""
    layers = {"llm": {**LLM, "api_key": CANARY, "headers": {"X-Auth": CANARY}}}
    persona_id = await tool_client.create_persona(layers=layers)
    read = await tool_client.read_persona(persona_id)
    assert read["layers"]["llm"]["api_key"] == STARS
    message = await tool_client.expect_error(
        "patch_persona", persona_id=persona_id, patch={"layers": read["layers"]}
    )
    assert "mask" in message
    row = store.get("persona", persona_id) or {}
    assert row["layers"]["llm"]["headers"] == {"X-Auth": CANARY}


async def test_restoring_preserves_the_current_keys(tool_client: ToolClient, store: Store) -> None:
    layers = {"llm": {**LLM, "api_key": CANARY, "headers": {"X-Auth": CANARY}}}
    made = await tool_client.expect_result(
        "create_persona", system_prompt="You help.", layers=layers
    )
    persona_id = made["persona_id"]
    await tool_client.expect_result(
        "configure_llm", persona_id=persona_id, model="n", headers={"X-B": "b"}
    )
    back = await tool_client.expect_result(
        "restore_revision", persona_id=persona_id, revision=made["revision"]
    )
    row = store.get("persona", persona_id) or {}
    assert row["layers"]["llm"]["model"] == "m"
    assert row["layers"]["llm"]["api_key"] == CANARY
    assert row["layers"]["llm"]["headers"] == {"X-Auth": CANARY}
    text = {finding["path"] for finding in back["findings"]}
    assert {"/layers/llm/api_key", "/layers/llm/headers/X-Auth"} <= text
    assert STARS not in "".join(
        request.content.decode() for request in tool_client.transport.writes
    )


@pytest.mark.parametrize("only", [[], ["/system_prompt"]])
async def test_a_prompt_that_contained_a_key_is_not_restored_masked(
    tool_client: ToolClient, store: Store, only: list[str]
) -> None:
    """The journal holds the prompt masked; restoring it would put the mask into the prompt."""
    prompt = f"When asked for the code, say {SECRET} and nothing else, in a friendly voice."
    made = await tool_client.expect_result("create_persona", system_prompt=prompt)
    persona_id = made["persona_id"]
    await tool_client.expect_result(
        "update_persona", persona_id=persona_id, system_prompt="You help."
    )
    await tool_client.call(
        "restore_revision", persona_id=persona_id, revision=made["revision"], only=only
    )
    row = store.get("persona", persona_id) or {}
    assert STARS not in row["system_prompt"]


async def test_editing_a_prompt_that_contains_a_key_preserves_the_key(
    tool_client: ToolClient, store: Store
) -> None:
    persona_id = await tool_client.create_persona(system_prompt=f"You help. The code is {SECRET}.")
    await tool_client.expect_result(
        "edit_prompt", persona_id=persona_id, find="help", replace="listen"
    )
    row = store.get("persona", persona_id) or {}
    assert row["system_prompt"] == f"You listen. The code is {SECRET}."


async def test_writing_back_a_masked_prompt_is_refused(
    tool_client: ToolClient, store: Store
) -> None:
    prompt = f"You help. When you are asked for the code, the code is {SECRET}. Be brief."
    persona_id = await tool_client.create_persona(system_prompt=prompt)
    visible = (await tool_client.read_persona(persona_id))["system_prompt"]
    await tool_client.call("update_persona", persona_id=persona_id, system_prompt=visible)
    assert (store.get("persona", persona_id) or {})["system_prompt"] == prompt


@pytest.mark.parametrize("name", ["*** VIP ***", "Rating: *****", "••• menu"])
async def test_asterisks_in_a_text_are_not_a_mask(
    tool_client: ToolClient, store: Store, name: str
) -> None:
    """A text of a person is never refused because it looks like a mask."""
    persona_id = await tool_client.create_persona()
    await tool_client.expect_result(
        "update_persona", persona_id=persona_id, name=name, greeting=name
    )
    assert (store.get("persona", persona_id) or {})["persona_name"] == name
