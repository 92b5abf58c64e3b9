"""Every failure of the API becomes an error with its explanation and what to do next."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from mcp_client import ToolClient, build_test_app
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tavus_mcp.errors import (
    InvalidKey,
    NotConfigured,
    NotFound,
    OutOfCredits,
    RateLimited,
    RequestRejected,
    TavusError,
    Unavailable,
)

if TYPE_CHECKING:
    from conftest import ToolClientFactory

pytestmark = pytest.mark.anyio
PERSONA = {"persona_id": "p1", "persona_name": "One", "system_prompt": "x", "layers": {}}


def build_app_answering(
    status: int,
    body: bytes | str | dict[str, Any] | list[Any] = b"",
    *,
    only: str | None = None,
    headers: dict[str, str] | None = None,
) -> ASGIApp:
    """Return an API with one response, and no wait before a retry.

    With ``only``, requests of other methods get a valid persona.
    """
    content = json.dumps(body) if isinstance(body, (dict, list)) else body
    media = "application/json" if isinstance(body, (dict, list)) else "text/html"

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        if only is None or request.method == only:
            answer = Response(content, status, {"retry-after": "0", **(headers or {})}, media)
        else:
            answer = Response(json.dumps(PERSONA), 200, media_type="application/json")
        await answer(scope, receive, send)

    return app


@pytest.mark.parametrize(
    ("status", "body", "error_type", "text"),
    [
        (400, {"error": "Invalid replica_uuid"}, RequestRejected, "Invalid replica_uuid"),
        (400, {"error": "Invalid persona_id"}, NotFound, "list_personas"),
        (400, {"message": "Invalid persona_id"}, NotFound, "Invalid persona_id"),
        (
            400,
            {"error": "languages is not open to you"},
            RequestRejected,
            "languages is not open to you",
        ),
        (400, {"message": "limit too large"}, RequestRejected, "limit too large"),
        (401, {"message": "Invalid access token"}, InvalidKey, "TAVUS_API_KEY"),
        (401, {"message": "Invalid access token"}, InvalidKey, "Invalid access token"),
        (402, {"message": "Payment required"}, OutOfCredits, "has no credits left"),
        (403, {"error": "not yours"}, InvalidKey, "not yours"),
        (404, {"error": "Guardrails not found"}, NotFound, "Guardrails not found"),
        (
            409,
            {"message": "unpublished", "conflict": "maker_changes"},
            RequestRejected,
            "unpublished",
        ),
        (
            422,
            {"message": "Invalid JSON patch format"},
            RequestRejected,
            "Invalid JSON patch format",
        ),
        (429, {"error": "Crawl document limit reached (100)"}, RateLimited, "limit reached (100)"),
        (500, {"error": "model unknown"}, Unavailable, "model unknown"),
        (502, "<html><body><h1>Bad Gateway</h1></body></html>", Unavailable, "Bad Gateway"),
        (503, "", Unavailable, "503"),
        (504, "upstream timed out", Unavailable, "upstream timed out"),
        (
            418,
            {"errors": {"name": ["too short", "too odd"]}},
            RequestRejected,
            "name: too short; too odd",
        ),
        (400, {"error": {"layers": {"llm": "bad"}}}, RequestRejected, "layers: llm: bad"),
        (400, ["one", "two"], RequestRejected, "one; two"),
        (400, {"error": "", "message": "second"}, RequestRejected, "second"),
    ],
)
async def test_a_status_maps_to_its_error_with_the_message_of_tavus(
    status: int, body: Any, error_type: type[TavusError], text: str
) -> None:
    """Tavus: an error is explained under error, or message, or as text (section 7)."""
    app, _ = build_test_app(build_app_answering(status, body))
    with pytest.raises(TavusError) as caught:
        await app.api.get_persona("p1")
    assert type(caught.value) is error_type
    assert caught.value.status == status
    assert text in str(caught.value)
    assert str(status) in str(caught.value)


async def test_the_tool_error_contains_the_message_of_tavus(
    open_tool_client: ToolClientFactory,
) -> None:
    async with open_tool_client(build_app_answering(400, {"error": "the moon is full"})) as client:
        assert "the moon is full" in await client.expect_error("get_persona", persona_id="p1")
        assert "the moon is full" in await client.expect_error("list_personas")


async def test_an_html_body_is_reported_as_text_and_a_long_body_is_truncated(
    open_tool_client: ToolClientFactory,
) -> None:
    page = "<html><head><title>Oops</title></head><body>" + "x " * 5_000 + "</body></html>"
    async with open_tool_client(build_app_answering(500, page)) as client:
        message = await client.expect_error("get_persona", persona_id="p1")
    assert "Oops" in message
    assert "<" not in message
    assert len(message) < 800


@pytest.mark.parametrize(
    "body", [b"", b'{"persona_id": "p1", "pers', b"<html>hello</html>", b"null", b"[]", b"5", b"{}"]
)
async def test_a_successful_answer_without_a_persona_is_reported_as_an_error(
    open_tool_client: ToolClientFactory, body: bytes
) -> None:
    async with open_tool_client(build_app_answering(200, body)) as client:
        message = await client.expect_error("get_persona", persona_id="p1")
    assert "200" in message
    assert "persona 'p1'" in message


@pytest.mark.parametrize(
    "body",
    [b"", b'{"data": [{"per', b"<html>hello</html>", b"null", b'{"status": "ok"}', b'{"data": {}}'],
)
async def test_a_successful_answer_without_a_list_is_reported_as_an_error(
    open_tool_client: ToolClientFactory, body: bytes
) -> None:
    async with open_tool_client(build_app_answering(200, body)) as client:
        assert "200" in await client.expect_error("list_personas")


@pytest.mark.parametrize("status", [200, 400])
async def test_a_deeply_nested_body_is_reported_as_an_error(
    open_tool_client: ToolClientFactory, status: int
) -> None:
    async with open_tool_client(build_app_answering(status, b"[" * 100_000)) as client:
        message = await client.expect_error("get_persona", persona_id="p1")
    assert str(status) in message
    assert "Error executing tool" not in message


@pytest.mark.parametrize("status", [302, 308])
@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
async def test_redirects_are_not_followed(
    open_tool_client: ToolClientFactory, status: int, method: str
) -> None:
    """The key is sent to the configured host only."""
    headers = {"location": "https://elsewhere.example/v2/personas/p1"}
    async with open_tool_client(
        build_app_answering(status, only=method, headers=headers)
    ) as client:
        if method == "DELETE":
            planned = await client.expect_result("delete_persona", persona_id="p1")
            message = await client.expect_error("apply_plan", plan_id=planned["plan_id"])
        elif method == "PATCH":
            message = await client.expect_error("update_persona", persona_id="p1", name="Two")
        else:
            message = await client.expect_error("get_persona", persona_id="p1")
        assert {request.url.host for request in client.transport.requests} == {"127.0.0.1"}
    assert "redirect" in message
    assert "TAVUS_BASE_URL" in message


async def test_a_304_answer_to_a_read_is_reported_as_an_error(
    open_tool_client: ToolClientFactory,
) -> None:
    async with open_tool_client(build_app_answering(304)) as client:
        message = await client.expect_error("get_persona", persona_id="p1")
    assert "304" in message


@pytest.mark.parametrize("status", [200, 204])
async def test_a_write_with_an_empty_answer_succeeds_when_it_took_effect(
    open_tool_client: ToolClientFactory, sandbox: ASGIApp, status: int
) -> None:
    """Tavus: the body of a PATCH is undocumented; a client must not require JSON."""
    async with open_tool_client(build_app_without_response_bodies(sandbox, status)) as client:
        persona_id = await client.create_persona()
        receipt = await client.expect_result("update_persona", persona_id=persona_id, name="Two")
        gone = await client.delete_persona(persona_id)
    assert receipt["status"] == gone["status"] == "applied"


@pytest.mark.parametrize("status", [200, 204])
@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
async def test_a_success_status_is_rejected_when_the_write_had_no_effect(
    open_tool_client: ToolClientFactory, status: int, method: str
) -> None:
    """After every write the document is read back."""
    async with open_tool_client(build_app_answering(status, only=method)) as client:
        if method == "PATCH":
            message = await client.expect_error("update_persona", persona_id="p1", name="Two")
        else:
            planned = await client.expect_result("delete_persona", persona_id="p1")
            message = await client.expect_error("apply_plan", plan_id=planned["plan_id"])
    assert "did not take effect" in message or "still there" in message


def build_app_without_response_bodies(app: ASGIApp, status: int) -> ASGIApp:
    """Execute every write, and respond with a status without a body."""

    async def app_without_bodies(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_without_body(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "status": status, "headers": []}
            await send({**message, "body": b""} if "body" in message else message)

        is_write = scope.get("method") in ("PATCH", "DELETE")
        await app(scope, receive, send_without_body if is_write else send)

    return app_without_bodies


CREATE = {"name": "One", "system_prompt": "x"}


@pytest.mark.parametrize("body", [b"", b'{"persona_id": "p'])
async def test_a_creation_with_an_unreadable_answer_does_not_advise_a_retry(
    open_tool_client: ToolClientFactory, body: bytes
) -> None:
    """A retry would create a second persona."""
    async with open_tool_client(build_app_answering(200, body, only="POST")) as client:
        message = await client.expect_error("create_persona", **CREATE)
        assert len(client.transport.writes) == 1
    assert "rying again may help" not in message
    assert "not known" in message


async def test_a_creation_answered_without_an_id_does_not_report_the_id_none(
    open_tool_client: ToolClientFactory,
) -> None:
    async with open_tool_client(build_app_answering(200, {}, only="POST")) as client:
        result = await client.call("create_persona", **CREATE)
        assert all(not item.url.path.endswith("/None") for item in client.transport.requests)
    assert '"None"' not in json.dumps(result.structured_content)


@pytest.mark.parametrize("status", [500, 502, 504])
async def test_a_creation_lost_at_a_gateway_does_not_advise_a_retry(
    open_tool_client: ToolClientFactory, status: int
) -> None:
    """It is unknown whether Tavus executed the request."""
    async with open_tool_client(build_app_answering(status, only="POST")) as client:
        message = await client.expect_error("create_persona", **CREATE)
        assert len(client.transport.writes) == 1
    assert "rying again may help" not in message


@pytest.mark.parametrize(
    "error", [httpx2.ReadError("cut"), httpx2.ReadTimeout("slow"), httpx2.RemoteProtocolError("x")]
)
@pytest.mark.parametrize(
    ("tool", "arguments"),
    [("create_persona", CREATE), ("update_persona", {"persona_id": "p1", "name": "Two"})],
)
async def test_a_write_with_a_lost_answer_reports_an_unknown_outcome(
    open_tool_client: ToolClientFactory,
    error: httpx2.TransportError,
    tool: str,
    arguments: dict[str, Any],
) -> None:
    fine = build_app_answering(200, PERSONA)

    async def breaking(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "GET":
            raise error
        await fine(scope, receive, send)

    async with open_tool_client(breaking) as client:
        message = await client.expect_error(tool, **arguments)
        assert len(client.transport.writes) == 1
    assert "not known whether" in message
    assert type(error).__name__ in message


async def test_a_connection_failure_reports_that_nothing_was_changed(
    open_tool_client: ToolClientFactory,
) -> None:
    async def down(scope: Scope, receive: Receive, send: Send) -> None:
        raise httpx2.ConnectError("refused")

    async with open_tool_client(down) as client:
        message = await client.expect_error("create_persona", **CREATE)
        assert "Nothing was changed" in message
        assert "ConnectError" in await client.expect_error("get_persona", persona_id="p1")


async def test_a_call_without_an_api_key_names_the_variable_to_set(tool_client: ToolClient) -> None:
    """The server starts without a key."""
    from tavus_mcp.tavus_api.client import TavusApi

    api = TavusApi("http://127.0.0.1/v2", None, transport=lambda: tool_client.transport)
    with pytest.raises(NotConfigured, match=r"TAVUS_API_KEY.*--sandbox"):
        await api.get_persona("p1")
    assert tool_client.transport.requests == []


async def test_a_request_carries_the_api_key_and_the_user_agent(tool_client: ToolClient) -> None:
    await tool_client.expect_result("list_personas")
    (request,) = tool_client.transport.requests
    assert request.headers["x-api-key"] == "test-key-0123456789"
    assert request.headers["user-agent"].startswith("tavus-mcp-unofficial/")
    assert str(request.url).startswith("http://127.0.0.1/v2/")
