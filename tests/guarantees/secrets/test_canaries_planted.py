"""A key that was stored in any place appears in no answer, no resource and no file.

The sandbox is in memory here, so the data folder holds what
this server writes and nothing that Tavus stores.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from canaries import (
    CANARY,
    LAYERS,
    LITERAL_LAYERS,
    SECRET_REFERENCE,
    TOOL_CALLS,
    collect_outputs,
    find_leaks,
    read_folder,
    read_resource_text,
    render_result,
)
from mcp_client import SECRET, ToolClient, text_of

from tavus_mcp.sandbox.store import Store

pytestmark = pytest.mark.anyio
STORED = {
    "plain": {"llm": {"headers": {"Authorization": f"Bearer {CANARY}", "X-Other": CANARY}}},
    "deep": {"llm": {"extra_body": {"auth": {"token": CANARY}, "list": [{"api_key": CANARY}]}}},
    "of a transport": {"transport": {"input_settings": {"token": CANARY}}},
    "of a meeting server": {"mcp": {"servers": [{"url": "u", "headers": {"X-Auth": CANARY}}]}},
    "object": {"llm": {"extra_body": {"credentials": {"user": "u", "value": CANARY}}}},
}


def read_data_folder() -> bytes:
    return read_folder(Path(os.environ["TAVUS_MCP_DATA_DIR"]))


async def check_keys_stay_hidden(tool_client: ToolClient, persona_id: str, *answers: str) -> None:
    """Search every answer and then every file on disk for the keys."""
    out = await collect_outputs(tool_client, persona_id)
    out |= {f"answer {number}": text for number, text in enumerate(answers)}
    assert find_leaks(out, CANARY, SECRET) == []
    written = read_data_folder()
    assert written.startswith(b"SQLite format 3")
    assert CANARY.encode() not in written
    assert SECRET.encode() not in written


@pytest.mark.parametrize("place", LAYERS)
async def test_a_key_in_the_layers_of_a_new_persona_is_never_revealed(
    tool_client: ToolClient, store: Store, place: str
) -> None:
    made = await tool_client.call("create_persona", system_prompt="You help.", layers=LAYERS[place])
    assert not made.is_error, text_of(made)
    persona_id = (made.structured_content or {})["persona_id"]
    stored = json.dumps(store.get("persona", persona_id))
    assert CANARY in stored or SECRET in stored
    assert SECRET_REFERENCE not in stored
    await check_keys_stay_hidden(tool_client, persona_id, render_result(made))


@pytest.mark.parametrize("place", LITERAL_LAYERS)
async def test_a_key_in_layers_given_as_text_is_never_revealed(
    tool_client: ToolClient, store: Store, place: str
) -> None:
    layers = json.dumps(json.dumps(LAYERS[place]))
    made = await tool_client.call("create_persona", system_prompt="You help.", layers=layers)
    persona_id = (made.structured_content or {})["persona_id"]
    assert CANARY in json.dumps(store.get("persona", persona_id))
    await check_keys_stay_hidden(tool_client, persona_id, render_result(made))


@pytest.mark.parametrize("way", TOOL_CALLS)
async def test_a_key_given_to_a_tool_is_never_revealed(
    tool_client: ToolClient, store: Store, way: str
) -> None:
    """Neither out of the plan of the change nor out of the change itself."""
    tool, arguments = TOOL_CALLS[way]
    persona_id, other = await tool_client.create_persona(), await tool_client.create_persona()
    planned = await tool_client.call(tool, persona_id=persona_id, **arguments, dry_run=True)
    assert not planned.is_error, text_of(planned)
    assert CANARY.encode() not in read_data_folder()
    assert SECRET.encode() not in read_data_folder()
    plan_id = (planned.structured_content or {})["plan_id"]
    applied = await tool_client.call("apply_plan", plan_id=plan_id)
    at_once = await tool_client.call(tool, persona_id=other, **arguments)
    for changed in (persona_id, other):
        stored = json.dumps(store.get("persona", changed))
        assert CANARY in stored or SECRET in stored
    await check_keys_stay_hidden(
        tool_client, persona_id, *map(render_result, (planned, applied, at_once))
    )


@pytest.mark.parametrize(
    "what",
    list(STORED),
)
async def test_a_previously_stored_key_is_never_revealed(
    tool_client: ToolClient, store: Store, what: str
) -> None:
    persona_id = await tool_client.create_persona()
    row = store.get("persona", persona_id) or {}
    store.put("persona", persona_id, {**row, "layers": STORED[what]})
    await check_keys_stay_hidden(tool_client, persona_id)


@pytest.mark.parametrize("place", ["llm.api_key", "an unknown header", "a name in a query"])
async def test_a_key_of_a_copied_persona_is_never_revealed(
    tool_client: ToolClient, store: Store, place: str
) -> None:
    persona_id = await tool_client.create_persona(layers=LAYERS[place])
    over = {} if "key" not in place else {"layers": {"llm": {"api_key_ref": "openai"}}}
    copied = await tool_client.call("create_persona", based_on=persona_id, **over)
    assert not copied.is_error, text_of(copied)
    await check_keys_stay_hidden(
        tool_client, (copied.structured_content or {})["persona_id"], render_result(copied)
    )


async def test_a_key_is_not_restored_with_a_deleted_persona(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona(layers=LAYERS["headers"])
    planned = await tool_client.expect_result("delete_persona", persona_id=persona_id)
    gone = await tool_client.expect_result("apply_plan", plan_id=planned["plan_id"])
    back = await tool_client.call(gone["undo"]["tool"], **gone["undo"]["arguments"])
    assert CANARY not in json.dumps([planned, gone]) + render_result(back)
    assert CANARY not in await read_resource_text(tool_client, f"tavus://personas/{persona_id}")
    assert CANARY.encode() not in read_data_folder()


async def test_a_secret_that_starts_like_another_is_masked_completely(
    tool_client: ToolClient,
) -> None:
    """Masking the shorter one first would leave the end of the longer one visible."""
    keys = {f"k{n}": f"sk-{n:06d}" for n in range(20)}
    keys |= {f"long{n}": f"sk-{n:06d}-tail-{n:06d}" for n in range(20)}
    for secret in keys.values():
        tool_client.server.app.masker.add_secret(secret)
    prompt = " ".join(keys[f"long{n}"] for n in range(20))
    persona_id = await tool_client.create_persona(system_prompt=prompt)
    assert "-tail-" not in render_result(
        await tool_client.call("get_persona", persona_id=persona_id, full_prompt=True)
    )
