"""Render ``server/surface.json``, from which a server takes schemas and early answers.

The answers are those that a server gives in both eras of the protocol. That server is built without
the file, so that it derives the schemas of its tools anew.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

import anyio
from mcp.shared.message import SessionMessage
from mcp_types.version import (
    HANDSHAKE_PROTOCOL_VERSIONS,
    LATEST_HANDSHAKE_VERSION,
    LATEST_MODERN_VERSION,
    MODERN_PROTOCOL_VERSIONS,
)

from tavus_mcp.models.base import JsonObject
from tavus_mcp.server.message_input import parse_message
from tavus_mcp.server.server import INSTRUCTIONS, TavusServer
from tavus_mcp.server.stdio import dump_message
from tavus_mcp.server.surface import ENVELOPE, HANDSHAKE
from tavus_mcp.server.view.negotiation import EXTENSION_ID, VIEW_MIME_TYPE
from tavus_mcp.text import render_compact_json

_LIST_METHODS = ("tools/list", "resources/list", "resources/templates/list", "prompts/list")
EARLY_METHODS = {
    HANDSHAKE: ("initialize", "ping", *_LIST_METHODS),
    ENVELOPE: ("server/discover", *_LIST_METHODS),
}
"""What is answered early, by era; only sessions with a handshake have ``ping``."""
_UNCHANGED_LISTS = ("resources", "resourceTemplates", "prompts")
_EMPTY_MEMBERS: JsonObject = {
    **{name: [] for name in ("tools", *_UNCHANGED_LISTS)},
    "protocolVersion": "",
    "instructions": "",
}
"""Members of results that are filled in when they are given as early answers."""
_CLIENT = {"name": "manifest", "version": "1"}
APPS = {"extensions": {EXTENSION_ID: {"mimeTypes": [VIEW_MIME_TYPE]}}}
"""The capabilities of a client that gets to see the view of results."""


async def render_surface_file(server: TavusServer) -> str:
    """Return the text of the file for a server with every tool, one line for each entry."""
    results = {era: await _read_results(server, era) for era in EARLY_METHODS}
    listed = {key: rows for result in results[HANDSHAKE].values() for key, rows in result.items()}
    sections = {
        "revisions": {
            HANDSHAKE: HANDSHAKE_PROTOCOL_VERSIONS,
            ENVELOPE: MODERN_PROTOCOL_VERSIONS,
        },
        "answers": {
            era: {method: _without_filled_in(result) for method, result in by_method.items()}
            for era, by_method in results.items()
        },
        "instructions": _pair_lines_with_tools(INSTRUCTIONS, server.specs),
        "tools": {
            tool["name"]: {"toolset": server.specs[tool["name"]].toolset, "listed": tool}
            for tool in listed["tools"]
        },
        **{name: listed[name] for name in _UNCHANGED_LISTS},
    }
    lines = (f"{json.dumps(name)}: {_render_section(value)}" for name, value in sections.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


async def exchange(server: TavusServer, lines: Sequence[bytes]) -> list[bytes]:
    """Send lines to a server, one after the other; return its answers as lines."""
    to_server, from_client = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    to_client, from_server = anyio.create_memory_object_stream[SessionMessage](0)
    answers = []
    async with to_server, from_server, anyio.create_task_group() as tasks:
        tasks.start_soon(server.serve, (from_client, to_client))
        for line in lines:
            message = parse_message(line)
            await to_server.send(SessionMessage(message))
            if hasattr(message, "id"):
                answer = await from_server.receive()
                answers.append(dump_message(answer.message).encode() + b"\n")
        await to_server.aclose()
    return answers


def build_request(
    era: str,
    method: str,
    revision: str = LATEST_HANDSHAKE_VERSION,
    capabilities: JsonObject | None = None,
) -> JsonObject:
    """Return a request of an era; ``revision`` is that of the handshake.

    ``capabilities`` are those of the client, by default none.
    """
    request: JsonObject = {"jsonrpc": "2.0", "id": 1, "method": method}
    if era == ENVELOPE:
        prefix = "io.modelcontextprotocol"
        meta = {
            f"{prefix}/protocolVersion": LATEST_MODERN_VERSION,
            f"{prefix}/clientInfo": _CLIENT,
            f"{prefix}/clientCapabilities": capabilities or {},
        }
        return {**request, "params": {"_meta": meta}}
    if method == "initialize":
        params: JsonObject = {"protocolVersion": revision, "clientInfo": _CLIENT}
        params["capabilities"] = capabilities or {}
        return {**request, "params": params}
    return request


async def _read_results(server: TavusServer, era: str) -> dict[str, JsonObject]:
    methods = EARLY_METHODS[era]
    requests = [
        json.dumps(build_request(era, method, capabilities=APPS)).encode() for method in methods
    ]
    answers = [json.loads(line) for line in await exchange(server, requests)]
    return {method: answer["result"] for method, answer in zip(methods, answers, strict=True)}


def _without_filled_in(result: JsonObject) -> JsonObject:
    return {key: _EMPTY_MEMBERS.get(key, value) for key, value in result.items()}


def _pair_lines_with_tools(text: str, names: Iterable[str]) -> list[tuple[str, list[str]]]:
    """Return each line of a text with the tools that it names."""
    pattern = re.compile(rf"\b(?:{'|'.join(sorted(names, key=len, reverse=True))})\b")
    return [(line, sorted({*pattern.findall(line)})) for line in text.splitlines(keepends=True)]


def _render_section(value: Any) -> str:
    if isinstance(value, dict):
        entries = (
            f"{json.dumps(name)}: {render_compact_json(item)}" for name, item in value.items()
        )
        return "{\n" + ",\n".join(entries) + "\n}"
    return "[\n" + ",\n".join(map(render_compact_json, value)) + "\n]"
