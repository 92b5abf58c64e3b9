"""The undo call of any receipt restores the earlier document."""

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
from mcp_client import ToolClient, build_test_app
from property_examples import examples

from tavus_mcp.sandbox.app import build_sandbox
from tavus_mcp.sandbox.store import Store
from tavus_mcp.server.server import build_server
from tavus_mcp.settings import TOOLSETS, Settings

Change = tuple[str, dict[str, Any]]

_WORDS = st.sampled_from(["Hi.", "Ciao, a/b~c.", "x" * 300, "Zeile\nzwei"])
_SHARES = st.sampled_from([0.1, 0.5, 0.9])
_NAMES = st.sampled_from(["ask", "tell", "show"])
_QUERIES = st.lists(st.sampled_from(["Is it raining?", "Who is there?", "Any cars?"]), unique=True)


def _draw_call(tool: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Change]:
    """Draw a call of a tool with some of its fields, at least one."""
    some = st.fixed_dictionaries({}, optional=fields).filter(bool)
    return st.tuples(st.just(tool), some)


def _draw_unset(tool: str, *names: str) -> st.SearchStrategy[Change]:
    chosen = st.lists(st.sampled_from(names), min_size=1, unique=True)
    return st.tuples(st.just(tool), st.fixed_dictionaries({"unset": chosen}))


_ADDS_FUNCTION = st.tuples(
    st.just("set_function_tool"), st.fixed_dictionaries({"name": _NAMES, "description": _WORDS})
)
_DROPS_FUNCTION = st.tuples(
    st.just("remove_function_tool"), st.fixed_dictionaries({"name": _NAMES})
)
_FIELDS = st.one_of(
    _draw_call(
        "update_persona", name=_WORDS, greeting=_WORDS, context=_WORDS, system_prompt=_WORDS
    ),
    _draw_call(
        "update_persona", languages=st.lists(st.sampled_from(["en", "de", "it"]), unique=True)
    ),
    _draw_unset("update_persona", "greeting", "context", "languages"),
    _draw_call(
        "configure_llm", temperature=_SHARES, top_p=_SHARES, speculative_inference=st.booleans()
    ),
    _draw_call("configure_llm", model=st.sampled_from(["tavus-gpt-oss", "tavus-gemma-4"])),
    _draw_unset("configure_llm", "temperature", "top_p", "model"),
    _draw_call("configure_stt", hotwords=_WORDS),
    _draw_unset("configure_stt", "hotwords"),
    _draw_call("configure_tts", tts_engine=st.sampled_from(["cartesia", "elevenlabs"])),
    _draw_call("configure_perception", visual_awareness_queries=_QUERIES),
    _draw_call(
        "configure_conversational_flow",
        turn_taking_patience=st.sampled_from(["low", "high"]),
        voice_isolation=st.sampled_from(["near", "off"]),
    ),
)


@dataclass(repr=False)
class ServerAndStore:
    """A client of the server, and the store of its sandbox."""

    tool_client: ToolClient
    store: Store


@asynccontextmanager
async def open_server_and_store(data: Path) -> AsyncIterator[ServerAndStore]:
    store = Store.open(None)
    with pytest.MonkeyPatch.context() as patching:
        patching.setenv("TAVUS_MCP_DATA_DIR", str(data))
        app, transport = build_test_app(build_sandbox(store))
    server = build_server(app, Settings(toolsets=TOOLSETS))
    async with Client(server, mode="legacy") as client:
        yield ServerAndStore(ToolClient(client, transport, server), store)
    store.close()


@pytest.fixture(scope="module")
def portal() -> Iterator[BlockingPortal]:
    with start_blocking_portal() as opening:
        yield opening


@pytest.fixture(scope="module")
def server_and_store(
    portal: BlockingPortal, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerAndStore]:
    data = tmp_path_factory.mktemp("undo")
    with portal.wrap_async_context_manager(open_server_and_store(data)) as made:
        yield made


def render_stored_persona(store: Store, persona_id: str) -> str:
    row = store.get("persona", persona_id) or {}
    return json.dumps({key: row[key] for key in row if key != "updated_at"}, sort_keys=True)


async def apply_and_undo_changes(server_and_store: ServerAndStore, changes: list[Change]) -> None:
    """Make every change, then undo the last, the one before it, and so on."""
    tool_client, store = server_and_store.tool_client, server_and_store.store
    persona_id = await tool_client.create_persona(
        greeting="Hi.", layers={"llm": {"model": "tavus-gpt-oss"}}
    )
    undone: list[tuple[str, dict[str, Any]]] = []
    for tool, arguments in changes:
        before = render_stored_persona(store, persona_id)
        result = await tool_client.call(tool, persona_id=persona_id, **arguments)
        facts = result.structured_content or {}
        if result.is_error or facts["status"] != "applied":
            assert render_stored_persona(store, persona_id) == before
            continue
        undone.append((before, facts["undo"]))
    for before, undo in reversed(undone):
        await tool_client.expect_result(undo["tool"], **undo["arguments"])
        assert render_stored_persona(store, persona_id) == before


def check_undo_restores(
    portal: BlockingPortal,
    server_and_store: ServerAndStore,
    drawn: st.SearchStrategy[Change],
    count: int,
) -> None:
    @settings(
        max_examples=examples(count),
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(changes=st.lists(drawn, min_size=1, max_size=4))
    def play(changes: list[Change]) -> None:
        portal.call(apply_and_undo_changes, server_and_store, changes)

    play()


@pytest.mark.generated
def test_undoing_field_changes_restores_the_earlier_document(
    portal: BlockingPortal, server_and_store: ServerAndStore
) -> None:
    check_undo_restores(portal, server_and_store, _FIELDS, 150)


@pytest.mark.generated
def test_undoing_function_changes_restores_the_earlier_document(
    portal: BlockingPortal, server_and_store: ServerAndStore
) -> None:
    check_undo_restores(portal, server_and_store, st.one_of(_ADDS_FUNCTION, _DROPS_FUNCTION), 60)
