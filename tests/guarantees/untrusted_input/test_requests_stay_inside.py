"""No id, patch or document makes a request leave /v2/<resource>/<one id>.

Ids match a strict pattern, each path segment is encoded, and
requests go to the configured host only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import anyio
import httpx2
import pytest
from anyio.from_thread import start_blocking_portal
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcp.shared.exceptions import MCPError
from mcp_client import ToolClient
from property_examples import examples

from tavus_mcp.errors import TavusError
from tavus_mcp.models.base import parse_id
from tavus_mcp.sandbox.store import Store
from tavus_mcp.tavus_api.client import TavusApi
from tavus_mcp.tavus_api.endpoints import PERSONA_ENDPOINT

if TYPE_CHECKING:
    from conftest import ToolClientFactory

ALLOWED = re.compile(r"/v2/(personas|pals)(/[A-Za-z0-9][A-Za-z0-9_-]{0,63})?")
QUIET = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large]
SETTINGS: dict[str, Any] = {"deadline": None, "database": None}
TRICKS = (
    "..",
    ".",
    "../replicas",
    "p1/../../v1/x",
    "p1%2f..%2f",
    "p1/documents",
    "p1?force=true",
    "p1#x",
    "p1;x",
    "\\..\\x",
    "//evil.example.net/x",
    "https://evil.example.net/",
    "@evil.example.net",
    "p1\r\nHost: evil",
    "p1\n",
    "\np1",
    "p1\u0000",
    " p1",
    "p1 ",
    "p\u00e9",
    "\uff501",
    "p\u200b1",
    "p\u202e1",
    "p" * 65,
    "",
    "-p1",
    "_p1",
    "p1\u2028",
)
SHORT = st.text(st.sampled_from("pP19-_/.%?#\\@:;&= \n\r\t\0\u200b\uff50é"), max_size=12)
IDS = st.one_of(
    st.sampled_from(TRICKS), SHORT, st.text(max_size=70), st.from_regex(ALLOWED, fullmatch=True)
)
PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", re.ASCII)


class NotFoundTransport(httpx2.AsyncBaseTransport):
    """Responds to each request with 404, and records its URL."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.seen.append(str(request.url))
        return httpx2.Response(404, stream=httpx2.ByteStream(b'{"message": "Not Found"}'))


@settings(max_examples=examples(400), suppress_health_check=QUIET, **SETTINGS)
@given(st.lists(IDS, min_size=20, max_size=20))
def test_only_plain_ids_are_accepted(texts: list[str]) -> None:
    for text in texts:
        if PLAIN.fullmatch(text):
            assert parse_id(text) == text
        else:
            with pytest.raises(ValueError, match="not an id"):
                parse_id(text)


@settings(max_examples=examples(100), suppress_health_check=QUIET, **SETTINGS)
@given(st.lists(IDS, min_size=20, max_size=20))
def test_no_id_redirects_a_request_to_another_path(texts: list[str]) -> None:
    wire = NotFoundTransport()

    async def ask() -> None:
        api = TavusApi("http://127.0.0.1/v2", "key-0123456", transport=lambda: wire)
        for text in texts:
            for requested in (
                api.get_persona(text),
                api.delete_object(PERSONA_ENDPOINT, text),
            ):
                try:
                    await requested
                except (TavusError, ValueError):
                    continue
        await api.aclose()

    anyio.run(ask)
    plain = {text for text in texts if PLAIN.fullmatch(text)}
    places = {f"http://127.0.0.1/v2/{kind}/{it}" for it in plain for kind in ("personas", "pals")}
    assert {url.partition("?")[0] for url in wire.seen} <= places


class CheckedToolClient:
    """A tool client for property tests: one client, many calls."""

    def __init__(self, portal: Any, tool_client: ToolClient) -> None:
        self.portal, self.tool_client = portal, tool_client

    def call(self, tool: str, **arguments: Any) -> None:
        self.portal.call(self._call, tool, arguments)
        places = [request.url for request in self.tool_client.transport.requests]
        self.tool_client.transport.requests.clear()
        for url in places:
            assert url.host == "127.0.0.1"
            assert ALLOWED.fullmatch(url.raw_path.decode().partition("?")[0]), url

    async def _call(self, tool: str, arguments: dict[str, Any]) -> None:
        await self.tool_client.call(tool, **arguments)


@pytest.fixture
def checked_client(
    open_tool_client: ToolClientFactory, store: Store
) -> Iterator[CheckedToolClient]:
    row = store.get("persona", "p1af207b8189") or {}
    store.put("persona", "p1", {**row, "persona_id": "p1", "persona_type": "user"})
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(open_tool_client()) as tool_client,
    ):
        yield CheckedToolClient(portal, tool_client)


BY_ID: tuple[tuple[str, dict[str, Any]], ...] = (
    ("get_persona", {}),
    ("check_persona", {}),
    ("list_revisions", {}),
    ("update_persona", {"name": "x"}),
    ("configure_llm", {"model": "tavus-gpt-oss"}),
    ("delete_persona", {}),
    ("restore_revision", {"revision": "x"}),
    ("remove_function_tool", {"name": "x"}),
    ("patch_persona", {"patch": {"greeting": "x"}}),
)


@pytest.mark.generated
def test_no_tool_sends_an_id_to_another_path(checked_client: CheckedToolClient) -> None:
    @settings(max_examples=examples(60), suppress_health_check=QUIET, **SETTINGS)
    @given(st.one_of(st.sampled_from(TRICKS), SHORT), st.sampled_from(BY_ID))
    def holds(text: str, tool: tuple[str, dict[str, Any]]) -> None:
        checked_client.call(tool[0], persona_id=text, **tool[1])
        checked_client.call("compare_personas", first=text, second=f"{text}@x")
        checked_client.call("create_persona", based_on=text)
        checked_client.call("apply_plan", plan_id=text)
        checked_client.call("list_personas", name_contains=text, cursor=text)

    holds()


def test_every_malicious_id_is_refused_by_every_tool_before_a_request(
    checked_client: CheckedToolClient,
) -> None:
    for trick in TRICKS:
        for tool, more in BY_ID:
            checked_client.portal.call(checked_client._call, tool, {"persona_id": trick, **more})  # noqa: SLF001
    assert checked_client.tool_client.transport.requests == []


def test_no_resource_uri_redirects_a_request_to_another_path(
    checked_client: CheckedToolClient,
) -> None:
    async def read(uri: str) -> None:
        with suppress(MCPError):  # whatever is said, only where it went matters
            await checked_client.tool_client.client.read_resource(uri)

    for trick in TRICKS:
        for form in ("tavus://personas/{}", "tavus://personas/{}/layers/llm"):
            checked_client.portal.call(read, form.format(trick))
            checked_client.portal.call(read, form.format(trick.replace("/", "%2F")))
    for request in checked_client.tool_client.transport.requests:
        assert ALLOWED.fullmatch(request.url.raw_path.decode().partition("?")[0])


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
FIELDS = ("persona_id", "persona_name", "pal_id", "layers", "greeting", "uuid", "document_ids")
POINTERS = st.one_of(
    st.sampled_from([f"/{name}" for name in FIELDS]),
    st.sampled_from(["", "/", "/layers/llm/model", "/layers/llm/tools/-", "/a~1b", "/~2", "x"]),
    st.text(max_size=12).map(lambda text: "/" + text),
)
OPERATIONS = st.fixed_dictionaries(
    {"op": st.sampled_from(["add", "remove", "replace", "copy", "move", "test", "x"])},
    optional={"path": POINTERS, "from": POINTERS, "value": JSON, "persona_id": st.text(max_size=4)},
)
DOCUMENTS = st.dictionaries(st.one_of(st.sampled_from(FIELDS), st.text(max_size=6)), JSON)


@pytest.mark.generated
def test_no_patch_redirects_a_request_to_another_path(checked_client: CheckedToolClient) -> None:
    @settings(max_examples=examples(120), suppress_health_check=QUIET, **SETTINGS)
    @given(st.one_of(st.lists(OPERATIONS, max_size=4), DOCUMENTS), st.booleans())
    def holds(patch: Any, unknown: bool) -> None:
        checked_client.call("patch_persona", persona_id="p1", patch=patch, allow_unknown=unknown)

    holds()


@pytest.mark.generated
def test_no_document_redirects_a_request_to_another_path(checked_client: CheckedToolClient) -> None:
    @settings(max_examples=examples(80), suppress_health_check=QUIET, **SETTINGS)
    @given(DOCUMENTS, JSON)
    def holds(document: dict[str, Any], layers: Any) -> None:
        checked_client.call("create_persona", name="x", system_prompt="x", layers=layers)
        checked_client.call("create_persona", **{**document, "system_prompt": "x"})
        checked_client.call("check_persona", document=document)

    holds()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("where", ["http://evil.example.net/v2/personas/p1", "/v1/other", "//x.y"])
@pytest.mark.anyio
async def test_a_redirect_is_reported_and_never_followed(
    open_tool_client: ToolClientFactory, status: int, where: str
) -> None:
    async def elsewhere(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"location", where.encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    async with open_tool_client(elsewhere) as tool_client:
        message = await tool_client.expect_error("get_persona", persona_id="p1")
        assert "redirect" in message
        assert {request.url.host for request in tool_client.transport.requests} == {"127.0.0.1"}
        assert set(tool_client.transport.request_lines) <= {
            "GET /v2/personas/p1",
            "GET /v2/pals/p1",
        }


@pytest.mark.parametrize("persona_id", ["../replicas", "p1/../x", "https://evil.example.net"])
@pytest.mark.anyio
async def test_an_id_returned_by_tavus_is_validated(
    open_tool_client: ToolClientFactory, persona_id: str
) -> None:
    """A reply is other people's text too: its id is no way to another place."""

    async def lying(scope: Any, receive: Any, send: Any) -> None:
        body = f'{{"persona_id": "{persona_id}", "persona_name": "x"}}'.encode()
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async with open_tool_client(lying) as tool_client:
        await tool_client.call("create_persona", system_prompt="x")
        await tool_client.call("delete_persona", persona_id="p1")
        await tool_client.call("update_persona", persona_id="p1", name="y")
        for request in tool_client.transport.requests:
            assert ALLOWED.fullmatch(request.url.raw_path.decode().partition("?")[0])
