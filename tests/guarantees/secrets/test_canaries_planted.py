"""A key that was planted anywhere comes out nowhere: no answer, no resource, no byte on disk.

Required by us (design, section 6). The sandbox is in memory here, so the data folder holds what
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
    LITERAL,
    NAMED,
    TOOL_CALLS,
    everything,
    in_words,
    leaks,
    on_disk,
    resource,
)
from mcp_client import SECRET, Desk, text_of

from tavus_mcp.sandbox.store import Store

pytestmark = pytest.mark.anyio
STORED = {
    "plain": {"llm": {"headers": {"Authorization": f"Bearer {CANARY}", "X-Other": CANARY}}},
    "deep": {"llm": {"extra_body": {"auth": {"token": CANARY}, "list": [{"api_key": CANARY}]}}},
    "of a transport": {"transport": {"input_settings": {"token": CANARY}}},
    "of a meeting server": {"mcp": {"servers": [{"url": "u", "headers": {"X-Auth": CANARY}}]}},
    "object": {"llm": {"extra_body": {"credentials": {"user": "u", "value": CANARY}}}},
}


def journal() -> bytes:
    return on_disk(Path(os.environ["TAVUS_MCP_DATA_DIR"]))


async def hidden(desk: Desk, persona_id: str, *said: str) -> None:
    """Look at all that comes out: first what is asked for, then the disk."""
    out = await everything(desk, persona_id)
    out |= {f"answer {number}": told for number, told in enumerate(said)}
    assert leaks(out, CANARY, SECRET) == []
    written = journal()
    assert written.startswith(b"SQLite format 3")
    assert CANARY.encode() not in written
    assert SECRET.encode() not in written


@pytest.mark.parametrize("place", LAYERS)
async def test_a_key_in_the_layers_of_a_new_persona_comes_out_nowhere(
    desk: Desk, store: Store, place: str
) -> None:
    made = await desk.call("create_persona", system_prompt="You help.", layers=LAYERS[place])
    assert not made.is_error, text_of(made)
    persona_id = (made.structured_content or {})["persona_id"]
    kept = json.dumps(store.get("persona", persona_id))
    assert CANARY in kept or SECRET in kept
    assert NAMED not in kept
    await hidden(desk, persona_id, in_words(made))


@pytest.mark.parametrize("place", LITERAL)
async def test_a_key_in_layers_that_came_as_text_comes_out_nowhere(
    desk: Desk, store: Store, place: str
) -> None:
    layers = json.dumps(json.dumps(LAYERS[place]))
    made = await desk.call("create_persona", system_prompt="You help.", layers=layers)
    persona_id = (made.structured_content or {})["persona_id"]
    assert CANARY in json.dumps(store.get("persona", persona_id))
    await hidden(desk, persona_id, in_words(made))


@pytest.mark.parametrize("way", TOOL_CALLS)
async def test_a_key_given_to_a_tool_comes_out_nowhere(desk: Desk, store: Store, way: str) -> None:
    """Neither out of the plan of the change nor out of the change itself."""
    tool, arguments = TOOL_CALLS[way]
    persona_id, other = await desk.create(), await desk.create()
    planned = await desk.call(tool, persona_id=persona_id, **arguments, dry_run=True)
    assert not planned.is_error, text_of(planned)
    assert CANARY.encode() not in journal()
    assert SECRET.encode() not in journal()
    plan_id = (planned.structured_content or {})["plan_id"]
    applied = await desk.call("apply_plan", plan_id=plan_id)
    at_once = await desk.call(tool, persona_id=other, **arguments)
    for changed in (persona_id, other):
        kept = json.dumps(store.get("persona", changed))
        assert CANARY in kept or SECRET in kept
    await hidden(desk, persona_id, *map(in_words, (planned, applied, at_once)))


@pytest.mark.parametrize(
    "what",
    list(STORED),
)
async def test_a_key_that_was_stored_before_comes_out_nowhere(
    desk: Desk, store: Store, what: str
) -> None:
    persona_id = await desk.create()
    row = store.get("persona", persona_id) or {}
    store.put("persona", persona_id, {**row, "layers": STORED[what]})
    await hidden(desk, persona_id)


@pytest.mark.parametrize("place", ["llm.api_key", "an unknown header", "a name in a query"])
async def test_a_key_of_a_persona_that_is_copied_comes_out_nowhere(
    desk: Desk, store: Store, place: str
) -> None:
    persona_id = await desk.create(layers=LAYERS[place])
    over = {} if "key" not in place else {"layers": {"llm": {"api_key_ref": "openai"}}}
    copied = await desk.call("create_persona", based_on=persona_id, **over)
    assert not copied.is_error, text_of(copied)
    await hidden(desk, (copied.structured_content or {})["persona_id"], in_words(copied))


async def test_a_key_survives_neither_deletion_nor_return(desk: Desk) -> None:
    persona_id = await desk.create(layers=LAYERS["headers"])
    planned = await desk.facts("delete_persona", persona_id=persona_id)
    gone = await desk.facts("apply_plan", plan_id=planned["plan_id"])
    back = await desk.call(gone["undo"]["tool"], **gone["undo"]["arguments"])
    assert CANARY not in json.dumps([planned, gone]) + in_words(back)
    assert CANARY not in await resource(desk, f"tavus://personas/{persona_id}")
    assert CANARY.encode() not in journal()


async def test_a_secret_that_begins_like_another_is_hidden_whole(
    desk: Desk,
) -> None:
    """The longer one must not be left with its end showing."""
    keys = {f"k{n}": f"sk-{n:06d}" for n in range(20)}
    keys |= {f"long{n}": f"sk-{n:06d}-tail-{n:06d}" for n in range(20)}
    for secret in keys.values():
        desk.server.app.masker.learn(secret)
    prompt = " ".join(keys[f"long{n}"] for n in range(20))
    persona_id = await desk.create(system_prompt=prompt)
    assert "-tail-" not in in_words(
        await desk.call("get_persona", persona_id=persona_id, full_prompt=True)
    )
