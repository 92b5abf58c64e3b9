"""Personas in the sandbox, and an API that can intervene between requests."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from mcp_client import ToolClient
from starlette.types import ASGIApp, Receive, Scope, Send

from tavus_mcp.sandbox.store import Row, Store

RETIRED_MODEL, DEPRECATED_MODEL, CURRENT_MODEL = "tavus-llama", "tavus-gpt-4o", "tavus-gpt-oss"
TIMESTAMP = "2026-11-01T10:00:00.000000+00:00"


def build_persona_row(number: int, **fields: Any) -> Row:
    """Return the stored form of a persona without findings, with some fields replaced."""
    row = {
        "persona_id": f"p{number:011x}",
        "persona_name": f"Persona {number}",
        "persona_type": "user",
        "pipeline_mode": "full",
        "system_prompt": "You help people.",
        "default_replica_id": "rfe12d8b9597",
        "layers": {"llm": {"model": CURRENT_MODEL}},
        "created_at": TIMESTAMP,
        "updated_at": TIMESTAMP,
    }
    return {**row, **fields}


def store_personas(store: Store, *rows: Row) -> list[str]:
    """Store personas; return their ids in the order of the list."""
    for row in rows:
        store.put("persona", row["persona_id"], row)
    return [row["persona_id"] for row in rows]


def store_equal_personas(store: Store, count: int, **fields: Any) -> list[str]:
    """Store ``count`` personas that differ only in id and name; return their ids."""
    return store_personas(store, *(build_persona_row(number, **fields) for number in range(count)))


def build_model_layers(name: str) -> dict[str, Any]:
    """Return layers with a language model."""
    return {"llm": {"model": name}}


def read_stored_personas(store: Store, *ids: str) -> list[Row]:
    """Return personas as they are stored, without the time of their last change."""
    rows = [store.get("persona", persona_id) or {} for persona_id in ids]
    return [{key: row[key] for key in row if key != "updated_at"} for row in rows]


@dataclass
class ObservedApp:
    """Passes requests on to the sandbox, after calling ``meanwhile(method, path)``."""

    app: ASGIApp
    before_request: Callable[[str, str], Awaitable[None]] | None = None
    concurrent_requests: int = 0
    max_concurrent_requests: int = 0
    request_lines: list[str] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.request_lines.append(f"{scope['method']} {scope['path']}")
        self.concurrent_requests += 1
        self.max_concurrent_requests = max(self.max_concurrent_requests, self.concurrent_requests)
        try:
            if self.before_request is not None:
                await self.before_request(scope["method"], scope["path"])
            await self.app(scope, receive, send)
        finally:
            self.concurrent_requests -= 1


async def create_bulk_plan(tool_client: ToolClient, **arguments: Any) -> dict[str, Any]:
    """Create a bulk plan, which must not be empty."""
    plan = await tool_client.expect_result("plan_bulk_change", **arguments)
    assert plan["status"] == "planned", plan
    return plan


def statuses(answer: dict[str, Any]) -> list[str]:
    """Return the status of each persona in a result."""
    return [row["status"] for row in answer["personas"]]


def count_bytes(answer: dict[str, Any]) -> int:
    """Return the size of a result as JSON."""
    return len(json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode())
