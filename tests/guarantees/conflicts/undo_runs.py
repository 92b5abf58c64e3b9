"""Change odd personas at random, undo each change, and compare the stored documents.

The personas have nulls, mask characters in texts, unknown fields, odd names, odd values and keys,
as the dashboard or another version may have left them. What an undo does not bring back must be
reported by the receipts: keys, which are stored nowhere.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest
from mcp import Client
from mcp_client import ToolClient, build_test_app, text_of

from tavus_mcp.models.json_patch import ABSENT, get_at, is_changed, pointer_of
from tavus_mcp.sandbox.app import build_sandbox
from tavus_mcp.sandbox.persona_validation import add_empty_lists, normalize_persona
from tavus_mcp.sandbox.store import Row, Store
from tavus_mcp.sandbox.switches import Switches
from tavus_mcp.server.server import build_server
from tavus_mcp.settings import TOOLSETS, Settings

TEXTS = (
    "Hi.",
    "********",
    "Say ******** and no more.",
    "\u2022\u2022\u2022\u2022",
    "sk-...1234",
    "",
    " ",
    "line\nbreak",
    "\u00fc \u4f60 \U0001f600",
    "null",
)
NAMES = (
    "note",
    "a/b",
    "a~b",
    "",
    " ",
    "0",
    "-",
    "properties",
    "value",
    "path",
    "\u00fc",
    "line\nbreak",
    "x" * 80,
    "********",
    "tools_enabled",
    "persona_note",
)
SWITCHES = Switches(unknown_fields="accepted")
KEYS = ("sk-live-0123456789abcdef", "another-key-of-a-voice")
_SECRET = re.compile("it holds a secret|the value held a secret")
_IDENTITY = frozenset({"persona_id", "created_at", "updated_at"})


def draw_value(random: Random, depth: int = 0) -> Any:
    """Draw a JSON value."""
    kind = random.randrange(10 if depth < 2 else 7)
    if kind < 3:
        return random.choice(TEXTS)
    if kind == 3:
        return None
    if kind == 4:
        return random.choice((True, False))
    if kind == 5:
        return random.choice((0, 1, -1, 0.5, 10**15))
    if kind == 6:
        return random.choice(({}, []))
    if kind == 7:
        return [draw_value(random, depth + 1) for _ in range(random.randrange(4))]
    return {
        random.choice(NAMES): draw_value(random, depth + 1) for _ in range(random.randrange(1, 4))
    }


def draw_persona(random: Random) -> dict[str, Any]:
    """Draw a persona as it may be stored."""
    layers: dict[str, Any] = {
        "llm": {
            "model": "tavus-gpt-oss",
            "extra_body": {"temperature": 0.5, random.choice(NAMES): draw_value(random)},
            "tools": [
                {"type": "function", "function": {"name": name, "description": name}}
                for name in ("ask", "tell")
            ],
        },
        "tts": {"tts_engine": "cartesia", "voice_settings": {"speed": 1.1}},
        "stt": {"hotwords": random.choice(TEXTS)},
    }
    layer = random.choice(list(layers.values()))
    layer[random.choice(NAMES)] = draw_value(random)
    if random.random() < 0.3:
        layers["tts"]["api_key"] = random.choice(KEYS)
    if random.random() < 0.2:
        layers["llm"]["headers"] = {"X-Team": random.choice(KEYS), "accept": "text/plain"}
    persona = {
        "persona_name": random.choice(TEXTS[:3]),
        "system_prompt": random.choice(TEXTS[:3]),
        "greeting": random.choice((None, *TEXTS)),
        "context": random.choice((None, *TEXTS)),
        "document_tags": random.choice((None, [], ["a", "********"], ["b"])),
        "layers": layers,
    }
    for _ in range(random.randrange(3)):
        persona[random.choice(NAMES)] = draw_value(random)
    return normalize_persona(persona)


def list_paths(value: Any, path: str = "") -> Iterator[str]:
    """Yield the pointer of every member of objects, and of lists and their items."""
    members: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        members = list(value.items())
    elif isinstance(value, list):
        members = list(enumerate(value))
    for key, item in members:
        inner = path + pointer_of([key])
        yield inner
        yield from list_paths(item, inner)


def draw_change(random: Random, persona: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Draw a tool and its arguments."""
    kind = random.randrange(10)
    if kind == 0:
        return "delete_persona", {}
    if kind == 1:
        fields = {"greeting": random.choice(TEXTS[:5]), "context": random.choice(TEXTS[:5])}
        return "update_persona", {**fields, "unset": random.sample(["document_tags"], 1)}
    if kind == 2:
        unset = random.choice(("llm", "tts", "stt"))
        return f"configure_{unset}", {"unset": [unset]}
    if kind == 3:
        return "remove_function_tool", {"name": random.choice(("ask", "tell"))}
    if kind == 4:
        return "set_function_tool", {
            "name": random.choice(("ask", "new")),
            "description": random.choice(TEXTS[:3]),
        }
    paths = [path for path in list_paths(persona) if path.split("/")[1] not in _SERVER_NAMES]
    operations = [_draw_operation(random, paths) for _ in range(random.randint(1, 3))]
    return "patch_persona", {"patch": operations, "allow_unknown": True}


_SERVER_NAMES = frozenset({*_IDENTITY, "persona_type", "pipeline_mode"})


def _draw_operation(random: Random, paths: list[str]) -> dict[str, Any]:
    path = random.choice(paths)
    op = random.choice(("add", "replace", "remove"))
    if op == "remove":
        return {"op": op, "path": path}
    if op == "add" and random.random() < 0.4:
        path = path.rpartition("/")[0] + pointer_of([random.choice(NAMES)])
    # A key is no other value as well: it would be masked there too.
    value = random.choice(KEYS) if _is_key(path) else draw_value(random)
    return {"op": op, "path": path, "value": value}


async def run_undos(data: Path, count: int, seed: int) -> Counter[str]:
    """Undo changes until ``count`` led to the same document; return what happened in numbers.

    Raises ``AssertionError`` for a loss that is not reported.
    """
    random, figures = Random(seed), Counter[str]()  # noqa: S311 - a seed repeats the run
    async with open_odd_sandbox(data) as (client, store):
        number = 0
        while figures["undone to the same document"] < count:
            number += 1
            try:
                figures += await undo_one_change(random, client, store)
            except AssertionError as error:
                raise AssertionError(f"seed {seed}, change {number}: {error}") from error
    return figures


async def undo_one_change(random: Random, client: ToolClient, store: Store) -> Counter[str]:
    """Make a change of a new persona and undo it; return what happened in numbers."""
    persona_id = f"p{random.randrange(16**11):011x}"
    before = {"persona_id": persona_id, "persona_type": "user", **draw_persona(random)}
    store.put("persona", persona_id, before)
    tool, arguments = draw_change(random, before)
    result = await client.call(tool, persona_id=persona_id, **arguments)
    if not result.is_error and tool == "delete_persona":
        plan_id = dict(result.structured_content or {})["plan_id"]
        result = await client.call("apply_plan", plan_id=plan_id)
    receipt = dict(result.structured_content or {})
    if result.is_error or receipt["status"] == "unchanged":
        message = text_of(result)
        assert "Error executing tool" not in message, (tool, arguments, message)
        assert not find_differences(before, store.get("persona", persona_id)), message
        return Counter({"changes refused or without effect": 1})
    findings = list(receipt.get("findings", ()))
    if undo := receipt.get("undo"):
        undone = await client.call(undo["tool"], **undo["arguments"])
        assert not undone.is_error, (tool, arguments, undo, text_of(undone))
        answer = dict(undone.structured_content or {})
        findings += answer.get("findings", ())
        persona_id = str(answer["persona_id"])
    reported = {str(finding["path"]) for finding in findings}
    secret = {str(finding["path"]) for finding in findings if _SECRET.search(finding["message"])}
    lost = find_differences(before, store.get("persona", persona_id))
    silent = {
        path for path in lost if not _is_reported(path, reported if _is_key(path) else secret)
    }
    assert not silent, (tool, arguments, silent, findings)
    store.remove("persona", persona_id)
    return Counter(
        {
            "changes undone": 1,
            "undone to the same document": not lost,
            "keys or headers not restored, and reported": len(lost),
        }
    )


def find_differences(before: Row, after: Row | None) -> set[str]:
    """Return the paths at which two stored personas differ, but for their identity and times.

    Of some lists the sandbox does not tell an empty one from none.
    """
    before, after = ({"tool_ids": [], **add_empty_lists(row or {})} for row in (before, after))
    paths = {*list_paths(before), *list_paths(after)}
    different = {
        path
        for path in paths
        if path.split("/")[1] not in _IDENTITY
        and is_changed(get_at(before, path, ABSENT), get_at(after, path, ABSENT))
    }
    return {path for path in different if not any(_is_below(item, path) for item in different)}


def _is_reported(path: str, reported: set[str]) -> bool:
    """Tell whether a finding names a lost value."""
    return any(path == own or _is_below(path, own) for own in reported if own)


def _is_key(path: str) -> bool:
    """Tell whether a value is a key or a header."""
    return path.endswith("/api_key") or "/headers" in path


def _is_below(path: str, container: str) -> bool:
    return path.startswith(container + "/")


@asynccontextmanager
async def open_odd_sandbox(data: Path) -> AsyncIterator[tuple[ToolClient, Store]]:
    """Open a server on a sandbox that stores what no document knows."""
    store = Store.open(None)
    with pytest.MonkeyPatch.context() as patching:
        patching.setenv("TAVUS_MCP_DATA_DIR", str(data))
        app, transport = build_test_app(build_sandbox(store, switches=SWITCHES))
    server = build_server(app, Settings(toolsets=TOOLSETS))
    async with Client(server, mode="legacy") as client:
        yield ToolClient(client, transport, server), store
    store.close()
