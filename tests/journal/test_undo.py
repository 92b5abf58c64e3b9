"""Following the undo of any receipt brings the earlier document back."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from mcp import Client
from mcp_client import Desk, world

from tavus_mcp.sandbox.app import build_sandbox
from tavus_mcp.sandbox.store import Store
from tavus_mcp.server.server import build_server
from tavus_mcp.settings import TOOLSETS, Settings

Change = tuple[str, dict[str, Any]]

_WORDS = st.sampled_from(["Hi.", "Ciao, a/b~c.", "x" * 300, "Zeile\nzwei"])
_SHARES = st.sampled_from([0.1, 0.5, 0.9])
_NAMES = st.sampled_from(["ask", "tell", "show"])
_QUERIES = st.lists(st.sampled_from(["Is it raining?", "Who is there?", "Any cars?"]), unique=True)


def _call(tool: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Change]:
    """Draw a call of a tool with some of its fields, at least one."""
    some = st.fixed_dictionaries({}, optional=fields).filter(bool)
    return st.tuples(st.just(tool), some)


def _unset(tool: str, *names: str) -> st.SearchStrategy[Change]:
    chosen = st.lists(st.sampled_from(names), min_size=1, unique=True)
    return st.tuples(st.just(tool), st.fixed_dictionaries({"unset": chosen}))


_ADDS_FUNCTION = st.tuples(
    st.just("set_function_tool"), st.fixed_dictionaries({"name": _NAMES, "description": _WORDS})
)
_DROPS_FUNCTION = st.tuples(
    st.just("remove_function_tool"), st.fixed_dictionaries({"name": _NAMES})
)
_FIELDS = st.one_of(
    _call("update_persona", name=_WORDS, greeting=_WORDS, context=_WORDS, system_prompt=_WORDS),
    _call("update_persona", languages=st.lists(st.sampled_from(["en", "de", "it"]), unique=True)),
    _unset("update_persona", "greeting", "context", "languages"),
    _call("configure_llm", temperature=_SHARES, top_p=_SHARES, speculative_inference=st.booleans()),
    _call("configure_llm", model=st.sampled_from(["tavus-gpt-oss", "tavus-gemma-4"])),
    _unset("configure_llm", "temperature", "top_p", "model"),
    _call("configure_stt", hotwords=_WORDS),
    _unset("configure_stt", "hotwords"),
    _call("configure_tts", tts_engine=st.sampled_from(["cartesia", "elevenlabs"])),
    _call("configure_perception", visual_awareness_queries=_QUERIES),
    _call(
        "configure_conversational_flow",
        turn_taking_patience=st.sampled_from(["low", "high"]),
        voice_isolation=st.sampled_from(["near", "off"]),
    ),
)


@dataclass(repr=False)
class Room:
    """A desk, and what the Tavus behind it stores."""

    desk: Desk
    store: Store


@asynccontextmanager
async def opened(data: Path) -> AsyncIterator[Room]:
    store = Store.open(None)
    with pytest.MonkeyPatch.context() as patching:
        patching.setenv("TAVUS_MCP_DATA_DIR", str(data))
        app, wire = world(build_sandbox(store))
    server = build_server(app, Settings(toolsets=TOOLSETS))
    async with Client(server, mode="legacy") as client:
        yield Room(Desk(client, wire, server), store)
    store.close()


@pytest.fixture(scope="module")
def portal() -> Iterator[BlockingPortal]:
    with start_blocking_portal() as opening:
        yield opening


@pytest.fixture(scope="module")
def room(portal: BlockingPortal, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    data = tmp_path_factory.mktemp("undo")
    with portal.wrap_async_context_manager(opened(data)) as made:
        yield made


def stored(store: Store, persona_id: str) -> str:
    row = store.get("persona", persona_id) or {}
    return json.dumps({key: row[key] for key in row if key != "updated_at"}, sort_keys=True)


async def done_and_undone(room: Room, changes: list[Change]) -> None:
    """Make every change, then undo the last, the one before it, and so on."""
    desk, store = room.desk, room.store
    persona_id = await desk.create(greeting="Hi.", layers={"llm": {"model": "tavus-gpt-oss"}})
    undone: list[tuple[str, dict[str, Any]]] = []
    for tool, arguments in changes:
        before = stored(store, persona_id)
        result = await desk.call(tool, persona_id=persona_id, **arguments)
        facts = result.structured_content or {}
        if result.is_error or facts["status"] != "applied":
            assert stored(store, persona_id) == before
            continue
        undone.append((before, facts["undo"]))
    for before, undo in reversed(undone):
        await desk.facts(undo["tool"], **undo["arguments"])
        assert stored(store, persona_id) == before


def undoing_brings_back(
    portal: BlockingPortal, room: Room, drawn: st.SearchStrategy[Change], count: int
) -> None:
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        derandomize=True,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(changes=st.lists(drawn, min_size=1, max_size=4))
    def play(changes: list[Change]) -> None:
        portal.call(done_and_undone, room, changes)

    play()


def test_undoing_changes_of_fields_brings_the_earlier_document_back(
    portal: BlockingPortal, room: Room
) -> None:
    undoing_brings_back(portal, room, _FIELDS, 150)


def test_undoing_changes_of_functions_brings_the_earlier_document_back(
    portal: BlockingPortal, room: Room
) -> None:
    undoing_brings_back(portal, room, st.one_of(_ADDS_FUNCTION, _DROPS_FUNCTION), 60)
