"""An MCP client for tests, the server that it calls, and the transport to the sandbox."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest
from journal_databases import build_journal_of_test
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, TextContent
from starlette.types import ASGIApp

from tavus_mcp.app import App
from tavus_mcp.catalog import load_catalog
from tavus_mcp.models.masking import Masker
from tavus_mcp.tavus_api.client import TavusApi

SECRET = "sk-test-4f9d2c7ab1e8"
"""The value of TAVUS_SECRET_OPENAI in tests, which no output may contain."""


@dataclass
class RecordingTransport(httpx2.AsyncBaseTransport):
    """Passes every request on to an ASGI application, and records it."""

    app: ASGIApp
    requests: list[httpx2.Request] = field(default_factory=list)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        return await httpx2.ASGITransport(app=self.app).handle_async_request(request)

    @property
    def request_lines(self) -> list[str]:
        """Return the requests as ``METHOD /path``."""
        return [f"{request.method} {request.url.path}" for request in self.requests]

    @property
    def writes(self) -> list[httpx2.Request]:
        """Return the requests that are not reads."""
        return [request for request in self.requests if request.method != "GET"]


@dataclass
class ToolClient:
    """An MCP client that calls tools and reads their answers."""

    client: Client
    transport: RecordingTransport
    server: Any = None

    async def call(self, tool: str, **arguments: Any) -> CallToolResult:
        """Call a tool; return its answer or its error."""
        return await self.client.call_tool(tool, arguments)

    async def expect_result(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool that must succeed; return its structured answer."""
        result = await self.call(tool, **arguments)
        assert not result.is_error, text_of(result)
        assert result.structured_content is not None
        return dict(result.structured_content)

    async def expect_error(self, tool: str, **arguments: Any) -> str:
        """Call a tool that must fail; return the text of the error."""
        result = await self.call(tool, **arguments)
        assert result.is_error, text_of(result)
        return text_of(result)

    async def expect_protocol_error(self, tool: str, **arguments: Any) -> str:
        """Call a tool where the protocol has an error; return the text of the error."""
        with pytest.raises(MCPError) as caught:
            await self.call(tool, **arguments)
        return caught.value.error.message

    async def read_persona(self, persona_id: str) -> dict[str, Any]:
        """Return a persona as the server returns it, with the whole prompt."""
        read = await self.expect_result("get_persona", persona_id=persona_id, full_prompt=True)
        return dict(read["persona"])

    async def delete_persona(self, persona_id: str) -> dict[str, Any]:
        """Delete a persona by applying its plan, as after a confirmation."""
        planned = await self.expect_result("delete_persona", persona_id=persona_id)
        return await self.expect_result("apply_plan", plan_id=planned["plan_id"])

    async def create_persona(self, **fields: Any) -> str:
        """Create a valid persona with these fields besides the required ones; return its id."""
        body = {"name": "Bot", "system_prompt": "You help.", "default_replica_id": "rfe12d8b9597"}
        receipt = await self.expect_result("create_persona", **{**body, **fields})
        return str(receipt["persona_id"])

    async def control_sandbox(self, method: str, path: str, body: Any = None) -> None:
        """Send a request to the controls of the sandbox, unrecorded."""
        async with open_api_client(self.transport.app, "http://sandbox/_sandbox") as control:
            answer = await control.request(method, path, json=body)
        assert answer.is_success, answer.text

    async def set_switches(self, **switches: str) -> None:
        """Choose how the sandbox behaves where Tavus is not known (``sandbox.switches``)."""
        await self.control_sandbox("PATCH", "/switches", switches)

    async def edit_in_dashboard(
        self, persona_id: str, pointer: str, value: Any, *, saved: str = "live"
    ) -> None:
        """Set a field as a person does in the dashboard: live, or saved as a draft."""
        patch = [{"op": "add", "path": pointer, "value": value}]
        path = f"/dashboard_edits/{persona_id}"
        await self.control_sandbox("POST", path, {"patch": patch, "saved": saved})


def open_api_client(app: ASGIApp, base_url: str = "http://127.0.0.1") -> httpx2.AsyncClient:
    """Return an HTTP client of an application like Tavus, as of another program than the server."""
    transport = httpx2.ASGITransport(app=app)
    return httpx2.AsyncClient(transport=transport, base_url=base_url, headers={"x-api-key": "any"})


def patch_operations(request: httpx2.Request) -> list[dict[str, Any]]:
    """Return the operations of a PATCH request, without its ``test`` operations."""
    return [item for item in json.loads(request.content) if item["op"] != "test"]


def text_of(result: CallToolResult) -> str:
    """Return the text of a result."""
    return "\n".join(part.text for part in result.content if isinstance(part, TextContent))


def build_test_app(
    app: ASGIApp,
    *,
    base_url: str = "http://127.0.0.1/v2",
    key: str = "test-key-0123456789",
    **more: Any,
) -> tuple[App, RecordingTransport]:
    """Return an App whose API is this ASGI application, and the transport between them.

    Each test has a journal of its own.
    """
    transport = RecordingTransport(app)
    api = TavusApi(base_url, key, transport=lambda: transport)
    secrets = {"openai": SECRET}
    journal = build_journal_of_test()
    return App(api, load_catalog(), journal, Masker(secrets.values()), secrets, **more), transport
