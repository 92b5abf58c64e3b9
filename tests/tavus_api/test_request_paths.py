"""An id becomes one path segment, or no request is sent."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from mcp.shared.exceptions import MCPError
from mcp_client import ToolClient
from property_examples import examples

pytestmark = pytest.mark.anyio

CALLS: list[tuple[str, str, dict[str, Any]]] = [
    ("get_persona", "persona_id", {}),
    ("create_persona", "based_on", {}),
    ("update_persona", "persona_id", {"name": "B"}),
    ("edit_prompt", "persona_id", {"find": "a", "replace": "b"}),
    ("delete_persona", "persona_id", {}),
    ("list_revisions", "persona_id", {}),
    ("restore_revision", "persona_id", {"revision": "x"}),
    ("configure_llm", "persona_id", {"model": "tavus-gpt-oss"}),
    ("configure_tts", "persona_id", {"tts_engine": "cartesia"}),
    ("configure_stt", "persona_id", {"hotwords": "a"}),
    ("configure_perception", "persona_id", {"perception_model": "off"}),
    ("configure_conversational_flow", "persona_id", {"voice_isolation": "off"}),
    ("set_function_tool", "persona_id", {"name": "a"}),
    ("remove_function_tool", "persona_id", {"name": "a"}),
    ("check_persona", "persona_id", {}),
    ("publish_persona", "persona_id", {}),
    ("patch_persona", "persona_id", {"patch": {"greeting": "x"}}),
    ("suggest_tuning", "persona_id", {"goals": ["be_smarter"]}),
    ("export_persona", "persona_id", {}),
    ("list_conversations", "persona_id", {}),
    ("get_conversation", "conversation_id", {}),
    ("measure_conversations", "persona_id", {}),
]
PART_KINDS = ("tool", "objectives", "guardrail", "document", "dictionary")
PART_CALLS: list[tuple[str, str, dict[str, Any]]] = [
    ("attach_parts", "persona_id", {"tools": ["t1"]}),
    ("detach_parts", "persona_id", {"tools": ["t1"]}),
    ("set_skill", "persona_id", {"skill_id": "presentation"}),
    *(("get_part", "id", {"kind": kind}) for kind in PART_KINDS),
    *(("delete_part", "id", {"kind": kind}) for kind in PART_KINDS),
]
INVALID_IDS = [
    "../conversations/c1/end?x=",
    "p1/../../documents/d1",
    "p1/tools",
    "",
    " ",
    ".",
    "..",
    "p1?force=true",
    "p1#x",
    "p1%2f..",
    "%2e%2e",
    "%2e%2e%2fdocuments",
    "p1\n",
    "p1\r\nx-api-key: stolen",
    "p1\x00",
    "p 1",
    "p" + "1" * 10_000,
    "\u043f1",
    "p\u202e1",
    "p1\u0661",
    "\uff501",
    "-p1",
    "_p1",
    "\\..\\documents",
    "http://elsewhere.example/",
    "//elsewhere.example",
    "p1;x",
    "p1@elsewhere.example",
    "p1:80",
]
LIST_REQUEST = re.compile(r"/v2/conversations\?limit=100(&page=\d+)?")
"""Reading the list of conversations, which is filtered by persona in our server."""
ONE_PERSONA = re.compile(r"/v2/personas/[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
QUERY_OF_ONE = {"personas": "include_settings=true", "conversations": "verbose=true"}
TEXTS = st.one_of(
    st.text(max_size=20),
    st.text("./\\%2efp1?#&=;:@ \n\t", max_size=12),
    st.from_regex(r"[A-Za-z0-9_-]{1,80}", fullmatch=True),
    st.sampled_from(INVALID_IDS),
)


async def test_the_cases_cover_every_tool_that_takes_an_id(tool_client: ToolClient) -> None:
    taking = {
        tool.name
        for tool in (await tool_client.client.list_tools()).tools
        if {"persona_id", "based_on", "conversation_id"} & tool.input_schema["properties"].keys()
    }
    assert taking == {tool for tool, argument, _ in CALLS + PART_CALLS if argument != "id"}


async def requires(tool_client: ToolClient, name: str, argument: str) -> bool:
    """Return True if a tool requires an argument."""
    tools = {tool.name: tool for tool in (await tool_client.client.list_tools()).tools}
    return argument in tools[name].input_schema.get("required", ())


@pytest.mark.parametrize(
    "tool", CALLS + PART_CALLS, ids=lambda tool: f"{tool[0]} {tool[2].get('kind', '')}".strip()
)
async def test_an_invalid_id_sends_no_request(
    tool_client: ToolClient, tool: tuple[str, str, dict[str, Any]]
) -> None:
    name, argument, more = tool
    required = await requires(tool_client, name, argument)
    for invalid_id in INVALID_IDS:
        if not (required or invalid_id.strip()):
            continue  # an empty id that may be omitted means not given
        message = await tool_client.expect_error(name, **{argument: invalid_id}, **more)
        assert f"/{argument}: " in message, invalid_id
        assert len(message) < 600, invalid_id
    assert tool_client.transport.requests == []


@pytest.mark.parametrize("value", [None, 5, ["p1"], {"id": "p1"}, True])
async def test_an_id_that_is_not_a_string_sends_no_request(
    tool_client: ToolClient, value: Any
) -> None:
    message = await tool_client.expect_error("get_persona", persona_id=value)
    assert "/persona_id" in message
    assert tool_client.transport.requests == []


@given(text=TEXTS, tool=st.sampled_from(CALLS))
@example(text="p1af207b8189", tool=CALLS[0])
@settings(
    max_examples=examples(120),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
async def test_no_id_redirects_a_request_away_from_its_persona(
    tool_client: ToolClient, text: str, tool: tuple[str, str, dict[str, Any]]
) -> None:
    """Each path segment is a checked id."""
    name, argument, more = tool
    assume(text.strip() or await requires(tool_client, name, argument))
    tool_client.transport.requests.clear()
    await tool_client.call(name, **{argument: text}, **more)
    resource = "conversations" if argument == "conversation_id" else "personas"
    for request in tool_client.transport.requests:
        assert request.url.host == "127.0.0.1"
        if name.endswith("_conversations") and LIST_REQUEST.fullmatch(
            request.url.raw_path.decode()
        ):
            continue
        path, _, query = request.url.raw_path.decode().partition("?")
        assert ONE_PERSONA.fullmatch(path.replace(resource, "personas")), request.url
        assert path == f"/v2/{resource}/{text.partition('@')[0]}"
        assert query == QUERY_OF_ONE[resource]


URIS = ["tavus://personas/{}", "tavus://personas/{}/layers/llm"]


async def try_reading_resource(tool_client: ToolClient, uri: str) -> None:
    with suppress(MCPError, ValueError):  # only the sent requests matter
        await tool_client.client.read_resource(uri)


@pytest.mark.parametrize("uri", URIS)
async def test_a_resource_with_an_invalid_id_sends_no_request_for_it(
    tool_client: ToolClient, uri: str
) -> None:
    for invalid_id in INVALID_IDS:
        await try_reading_resource(tool_client, uri.format(invalid_id))
    for request in tool_client.transport.requests:
        path = request.url.raw_path.decode().removesuffix("?include_settings=true")
        assert ONE_PERSONA.fullmatch(path) or path.startswith("/v2/personas?limit="), path
        assert request.method == "GET"


@given(text=TEXTS, uri=st.sampled_from(URIS))
@settings(
    max_examples=examples(80),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
async def test_no_resource_uri_redirects_a_request_away_from_its_persona(
    tool_client: ToolClient, text: str, uri: str
) -> None:
    tool_client.transport.requests.clear()
    await try_reading_resource(tool_client, uri.format(text))
    for request in tool_client.transport.requests:
        path = request.url.raw_path.decode().removesuffix("?include_settings=true")
        assert ONE_PERSONA.fullmatch(path) or path.startswith("/v2/personas?limit="), path
        assert request.method == "GET"


async def test_a_filter_or_cursor_never_becomes_part_of_the_path(tool_client: ToolClient) -> None:
    for invalid_id in INVALID_IDS:
        await tool_client.call("list_personas", name_contains=invalid_id)
        await tool_client.call("list_personas", cursor=invalid_id)
        await tool_client.call("describe_layer", layer=invalid_id)
    assert {request.url.path for request in tool_client.transport.requests} == {"/v2/personas"}
