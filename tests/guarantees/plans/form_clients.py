"""Clients that answer confirmation forms, a manual clock, and a client for raw JSON-RPC."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
from mcp import Client
from mcp.client._memory import InMemoryTransport
from mcp.shared.message import SessionMessage
from mcp_types import ElicitRequestFormParams, ElicitResult, jsonrpc_message_adapter

LEGACY_MODE, CURRENT_REVISION = "legacy", "2026-07-28"
PROTOCOL_MODES = (LEGACY_MODE, CURRENT_REVISION)
ELICITATION_METHOD = "elicitation/create"


class ManualClock:
    """A clock that only tests advance."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def advance(self, **by: float) -> None:
        """Advance the clock by a ``timedelta`` of these arguments."""
        self.time += timedelta(**by)


@dataclass
class FormUser:
    """Answers forms with an action and a typed name, after some seconds of the clock."""

    clock: ManualClock
    action: str = "accept"
    typed_name: Any = None
    answer_seconds: float = 5.0
    content: Any = None
    forms: list[ElicitRequestFormParams] = field(default_factory=list)

    async def __call__(self, _: object, params: Any) -> ElicitResult:
        self.forms.append(params)
        self.clock.advance(seconds=self.answer_seconds)
        content = self.content
        if self.typed_name is not None:
            content = {"persona_name": self.typed_name}
        return ElicitResult(action=self.action, content=content)  # type: ignore[arg-type]


class RawClient:
    """A client that sends exactly the given messages, over streams in this process."""

    def __init__(self, read: Any, write: Any, era: str, capabilities: dict[str, Any]) -> None:
        self._read, self._write = read, write
        self.protocol_mode, self.capabilities = era, capabilities
        self.elicitations: list[dict[str, Any]] = []
        self._last = 0

    async def send(self, message: dict[str, Any]) -> None:
        """Send one message."""
        parsed = jsonrpc_message_adapter.validate_python({"jsonrpc": "2.0", **message})
        await self._write.send(SessionMessage(parsed))

    async def receive(self) -> dict[str, Any]:
        """Return the next message."""
        with anyio.fail_after(30):
            item = await self._read.receive()
        return dict(json.loads(item.message.model_dump_json(by_alias=True, exclude_unset=True)))

    async def initialize(self) -> None:
        """Initialize the session, if the protocol revision requires it."""
        if self.protocol_mode != CURRENT_REVISION:
            parameters = {"protocolVersion": self.protocol_mode, "capabilities": self.capabilities}
            await self.send_request(
                "initialize", **parameters, clientInfo={"name": "raw", "version": "1"}
            )
            assert "result" in await self.receive()
            await self.send({"method": "notifications/initialized"})

    async def send_request(self, method: str, **params: Any) -> int:
        """Send a request; return its id."""
        self._last += 1
        if self.protocol_mode == CURRENT_REVISION:
            params["_meta"] = {
                "io.modelcontextprotocol/protocolVersion": self.protocol_mode,
                "io.modelcontextprotocol/clientInfo": {"name": "raw", "version": "1"},
                "io.modelcontextprotocol/clientCapabilities": self.capabilities,
            }
        await self.send({"id": self._last, "method": method, "params": params})
        return self._last

    async def call_delete_persona(self, persona_id: str, **more: Any) -> dict[str, Any]:
        """Call ``delete_persona``; return the next message, answer or question."""
        await self.send_request(
            "tools/call", name="delete_persona", arguments={"persona_id": persona_id}, **more
        )
        return await self.receive()


@asynccontextmanager
async def open_raw_client(
    server: Any, protocol_mode: str, capabilities: dict[str, Any]
) -> AsyncIterator[RawClient]:
    """Talk to a server in a revision, with exactly these capabilities."""
    async with InMemoryTransport(server) as (read, write):
        raw_client = RawClient(read, write, protocol_mode, capabilities)
        await raw_client.initialize()
        yield raw_client


async def call_delete_unanswered(client: Client, persona_id: str, **options: Any) -> Any:
    """Call ``delete_persona`` in the new era without answering what it asks."""
    return await client.session.call_tool(
        "delete_persona", {"persona_id": persona_id}, allow_input_required=True, **options
    )
