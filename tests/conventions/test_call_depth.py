"""The number of our own stack frames between a tool and the HTTP client, in real calls."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp_types import TextContent
from source_files import PACKAGE

from tavus_mcp.app import App
from tavus_mcp.catalog import load_catalog
from tavus_mcp.journal.journal import Journal
from tavus_mcp.sandbox.app import build_sandbox
from tavus_mcp.sandbox.store import Store
from tavus_mcp.server.server import build_server
from tavus_mcp.server.tools import load_all_specs
from tavus_mcp.settings import TOOLSETS, Settings
from tavus_mcp.tavus_api.client import TavusApi

MAX_OWN_FRAMES = 4
HTTPX = Path(httpx2.__file__).parent
TOOLS = {spec.name: spec.function.__code__ for spec in load_all_specs() if not spec.for_view_only}
"""The code object of each tool's function, by which it is recognised on the stack; the tools of the
view send no request."""
ARGUMENTS: dict[str, dict[str, Any]] = {
    "describe_layer": {"layer": "llm"},
    "update_persona": {"greeting": "Good day."},
    "edit_prompt": {"find": "help", "replace": "listen"},
    "configure_llm": {"model": "tavus-gpt-oss"},
    "configure_tts": {"tts_engine": "cartesia"},
    "configure_stt": {"hotwords": "engine"},
    "configure_perception": {"perception_model": "raven-0"},
    "configure_conversational_flow": {"turn_taking_patience": "high"},
    "set_function_tool": {"name": "look_up", "description": "Looks it up."},
    "remove_function_tool": {"name": "greet"},
    "suggest_tuning": {"goals": ["be_more_patient"]},
    "get_conversation": {"conversation_id": "c0a1b2c3d4e5f6a7b"},
    "plan_bulk_change": {"everything": True, "values": {"/greeting": "Hi."}},
    "get_part": {"kind": "tool", "id": "end_call"},
    "save_tool": {"name": "book", "description": "Books."},
    "save_objectives": {"data": [{"objective_name": "ask", "objective_prompt": "Ask."}]},
    "save_guardrail": {"guardrail_name": "safe", "guardrail_prompt": "No advice."},
    "save_document": {"document_url": "https://example.com/menu.pdf"},
    "save_dictionary": {"name": "Names"},
    "set_skill": {"skill_id": "magic_canvas"},
    "detach_parts": {"skill": "magic_canvas"},
    "patch_persona": {"operations": [{"op": "add", "path": "/greeting", "value": "Hi"}]},
}
"""Arguments besides ``persona_id`` with which a tool sends a request."""
ADA: dict[str, Any] = {
    "name": "Ada",
    "system_prompt": "You help.",
    "default_replica_id": "rfe12d8b9597",
    "layers": {"llm": {"tools": [{"type": "function", "function": {"name": "greet"}}]}},
}


CONVERSATION: dict[str, Any] = {
    "conversation_id": "c0a1b2c3d4e5f6a7b",
    "persona_id": "p1af207b8189",
    "status": "ended",
    "created_at": "2026-11-01T10:00:00.000000+00:00",
    "events": [],
    "words": "persona",
}


@dataclass
class StackRecordingTransport(httpx2.AsyncBaseTransport):
    """Passes requests on, and records our frames between each tool and httpx2."""

    inner: httpx2.AsyncBaseTransport
    stacks_by_tool: dict[str, list[list[str]]] = field(default_factory=dict)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Record the stack, then pass the request on."""
        name, frames = list_own_frames(sys._getframe())  # noqa: SLF001 - the stack is what is measured
        self.stacks_by_tool.setdefault(name, []).append(frames)
        return await self.inner.handle_async_request(request)


def list_own_frames(frame: FrameType | None) -> tuple[str, list[str]]:
    """Return the running tool, and our frames from its function to the transports.

    The outermost frame comes first; those of transports, ours or of httpx2, are not counted.
    """
    frames: list[str] = []
    while frame is not None:
        code = frame.f_code
        is_of_httpx = Path(code.co_filename).is_relative_to(HTTPX)
        if is_of_httpx or code.co_name == httpx2.AsyncBaseTransport.handle_async_request.__name__:
            frames.clear()
        elif Path(code.co_filename).is_relative_to(PACKAGE):
            frames.insert(0, code.co_qualname)
        for name, tool_code in TOOLS.items():
            if code is tool_code:
                return name, frames
        frame = frame.f_back
    return "no tool", frames


@pytest.fixture
async def client_and_transport(
    tmp_path: Path,
) -> AsyncIterator[tuple[Client, StackRecordingTransport]]:
    store = Store.open(None)
    store.put("conversation", CONVERSATION["conversation_id"], CONVERSATION)
    transport = StackRecordingTransport(httpx2.ASGITransport(app=build_sandbox(store)))
    api = TavusApi("http://127.0.0.1/v2", "any-key-0123456789", transport=lambda: transport)
    server = build_server(
        App(api, load_catalog(), Journal(tmp_path / "journal.sqlite3")), Settings(toolsets=TOOLSETS)
    )
    async with Client(server) as client:
        yield client, transport
    store.close()


async def call_tool(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    text = "\n".join(part.text for part in result.content if isinstance(part, TextContent))
    assert not result.is_error, f"{tool}: {text}"
    return dict(result.structured_content or {})


async def build_arguments(client: Client, name: str, made: dict[str, Any]) -> dict[str, Any]:
    """Return arguments with which a tool sends a request about the persona ``made``."""
    persona = {"persona_id": made["persona_id"]}
    if name == "compare_personas":
        return {"first": made["persona_id"], "second": "p1af207b8189"}
    if name == "restore_revision":
        await call_tool(client, "update_persona", **persona, greeting="Good day.")
        return {**persona, "revision": made["revision"]}
    if name == "apply_plan":
        planned = await call_tool(client, "update_persona", **persona, greeting="Hi.", dry_run=True)
        return {"plan_id": planned["plan_id"]}
    if name in ("attach_parts", "delete_part"):
        part = await call_tool(client, "save_guardrail", **ARGUMENTS["save_guardrail"])
        part_id = part["part"]["id"]
        uses = {"kind": "guardrail", "id": part_id}
        return {**persona, "guardrails": [part_id]} if name == "attach_parts" else uses
    listed = {tool.name: tool.input_schema for tool in (await client.list_tools()).tools}
    takes_id = "persona_id" in listed[name]["properties"]
    return {**(persona if takes_id else {}), **ARGUMENTS.get(name, {})}


@pytest.mark.anyio
@pytest.mark.parametrize("name", TOOLS)
async def test_at_most_four_own_frames_separate_a_tool_from_httpx2(
    client_and_transport: tuple[Client, StackRecordingTransport], name: str
) -> None:
    """The frame of the tool itself is not counted."""
    client, transport = client_and_transport
    made = await call_tool(client, "create_persona", **ADA)
    if name != "create_persona":
        await call_tool(client, name, **await build_arguments(client, name, made))
    stacks = transport.stacks_by_tool.get(name, [])
    assert stacks or name in ("describe_layer", "list_revisions"), f"{name} sent nothing"
    deepest = max(stacks, key=len, default=[name])
    assert len(deepest) - 1 <= MAX_OWN_FRAMES, " > ".join(deepest)


@pytest.mark.anyio
async def test_reading_the_whole_account_uses_at_most_four_own_frames(
    client_and_transport: tuple[Client, StackRecordingTransport],
) -> None:
    client, transport = client_and_transport
    await call_tool(client, "list_personas", name_contains="ada")
    deepest = max(transport.stacks_by_tool["list_personas"], key=len)
    assert len(deepest) - 1 <= MAX_OWN_FRAMES, " > ".join(deepest)
