"""Errors say what is wrong and never what was sent: ours, the SDK's and those of Tavus."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from canaries import (
    CANARY,
    ENDPOINT_URL,
    LITERAL_LAYERS,
    SECRET_REFERENCE,
    TOOL_CALLS,
    read_resource_text,
    render_result,
)
from echoing_asgi_app import build_echoing_app
from mcp.shared.exceptions import MCPError
from mcp_client import SECRET, ToolClient, text_of
from mcp_types import ResourceTemplateReference
from starlette.responses import HTMLResponse, JSONResponse
from starlette.types import ASGIApp

from tavus_mcp.sandbox.store import Store

if TYPE_CHECKING:
    from conftest import ToolClientFactory

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("way", TOOL_CALLS)
async def test_a_change_repeated_in_a_tavus_error_is_masked(
    open_tool_client: ToolClientFactory, sandbox: ASGIApp, store: Store, way: str
) -> None:
    tool, arguments = TOOL_CALLS[way]
    row = store.get("persona", "p1af207b8189") or {}
    row |= {"persona_id": "p1", "persona_type": "user", "system_prompt": "You help.", "layers": {}}
    store.put("persona", "p1", row)
    async with open_tool_client(build_echoing_app(sandbox)) as tool_client:
        message = await tool_client.expect_error(tool, persona_id="p1", **arguments)
        planned = await tool_client.expect_result(tool, persona_id="p1", **arguments, dry_run=True)
        message += await tool_client.expect_error("apply_plan", plan_id=planned["plan_id"])
    assert message.count("cannot take") >= 2
    assert CANARY not in message
    assert SECRET not in message


@pytest.mark.parametrize("place", LITERAL_LAYERS)
@pytest.mark.parametrize("form", ["object", "text"])
async def test_a_new_persona_repeated_in_a_tavus_error_is_masked(
    open_tool_client: ToolClientFactory, sandbox: ASGIApp, place: str, form: str
) -> None:
    layers = LITERAL_LAYERS[place] if form == "object" else json.dumps(LITERAL_LAYERS[place])
    async with open_tool_client(build_echoing_app(sandbox)) as tool_client:
        message = await tool_client.expect_error(
            "create_persona", system_prompt="You help.", layers=layers
        )
    assert "cannot take" in message
    assert CANARY not in message


async def test_a_key_is_masked_in_the_leaf_of_a_raw_patch_that_tavus_repeats(
    open_tool_client: ToolClientFactory, sandbox: ASGIApp, store: Store
) -> None:
    row = store.get("persona", "p1af207b8189") or {}
    mine = {"persona_id": "p1", "persona_type": "user", "layers": {"tts": {}}}
    store.put("persona", "p1", {**row, **mine})
    patch = [{"op": "add", "path": "/layers/tts/api_key", "value": CANARY}]
    async with open_tool_client(build_echoing_app(sandbox)) as tool_client:
        message = await tool_client.expect_error("patch_persona", persona_id="p1", patch=patch)
    assert "cannot take" in message
    assert CANARY not in message


@pytest.mark.parametrize("form", ["error", "html"])
async def test_a_key_in_a_tavus_error_is_masked_before_truncation(
    open_tool_client: ToolClientFactory, sandbox: ASGIApp, form: str
) -> None:
    """Found by an attack: of a key across the cut, the first half was shown."""
    words = "x" * 385 + " " + CANARY

    async def wordy(scope: Any, receive: Any, send: Any) -> None:
        if scope["method"] == "GET":
            await sandbox(scope, receive, send)
            return
        reply = JSONResponse({"error": words}, 400) if form == "error" else HTMLResponse(words, 400)
        await reply(scope, receive, send)

    async with open_tool_client(wordy) as tool_client:
        body = {"system_prompt": "x", "layers": {"tts": {"api_key": CANARY}}}
        message = await tool_client.expect_error("create_persona", **body)
    assert "xxx ***" in message
    assert CANARY[:6] not in message


def build_malformed_values(word: str) -> list[Any]:
    """Return a word in every form in which a host may send it."""
    return [word, [word], {"key": word}, {"a": [{"b": word}]}, json.dumps({"zz": word})]


async def find_echoed_arguments(tool_client: ToolClient) -> set[str]:
    """Spoil every argument of every tool; return which were repeated."""
    persona_id = await tool_client.create_persona()
    found = set()
    for tool in (await tool_client.client.list_tools()).tools:
        needed = dict.fromkeys(tool.input_schema.get("required", []), persona_id)
        for name in tool.input_schema["properties"]:
            for value in build_malformed_values(f"canary {tool.name} {name}!"):
                result = await tool_client.call(
                    tool.name, **{**_dry_run_argument(tool), **needed, name: value}
                )
                if result.is_error and "canary " in render_result(result):
                    found.add(f"{tool.name} {name}")
    return found


async def test_a_refused_value_is_not_repeated(tool_client: ToolClient) -> None:
    """People paste keys into the wrong place. Every argument of every tool."""
    assert sorted(await find_echoed_arguments(tool_client)) == []


def _dry_run_argument(tool: Any) -> dict[str, bool]:
    return {"dry_run": True} if "dry_run" in tool.input_schema["properties"] else {}


LAYER_FAULTS: list[Any] = [
    {"llm": {"api_key": 7, "api_ky": CANARY}},
    {"llm": {"headers": [CANARY]}},
    {"llm": {"headers": {"Authorization": {"deep": CANARY}}}},
    {"llm": {"api_key": {"value": CANARY}}},
    {"llm": CANARY},
    {"tts": {"tts_engine": CANARY, "api_key": CANARY}},
    {"nope": {"api_key": CANARY}},
    [{"api_key": CANARY}],
]


@pytest.mark.parametrize("layers", LAYER_FAULTS)
@pytest.mark.parametrize("encode", [copy.copy, json.dumps], ids=["JSON", "JSON as text"])
async def test_errors_in_layers_are_reported_without_their_values(
    tool_client: ToolClient, layers: Any, encode: Any
) -> None:
    sent = encode(layers)
    message = await tool_client.expect_error("create_persona", system_prompt="x", layers=sent)
    assert CANARY not in message


@pytest.mark.parametrize("layers", LAYER_FAULTS)
async def test_findings_in_layers_are_reported_without_their_values(
    tool_client: ToolClient, layers: Any
) -> None:
    checked = await tool_client.call(
        "check_persona", document={"system_prompt": "x", "layers": layers}
    )
    assert CANARY not in render_result(checked)


@pytest.mark.parametrize(
    "arguments",
    [
        {"api_key": CANARY, "api_key_ref": "openai"},
        {"api_key": [CANARY]},
        {"api_key": {"k": CANARY}},
        {"api_keys": CANARY},
        {"api_key_ref": [CANARY]},
        {"headers": CANARY},
        {"headers": f'["{CANARY}"]'},
        {"temperature": CANARY},
        {"base_url": f"https://user:{CANARY}@llm.example.com/v1", "api_key": "k-0123456"},
        {"base_url": f"http://llm.example.com/{CANARY}", "api_key": "k-0123456"},
        {"base_url": f"nowhere {CANARY}", "api_key": "k-0123456"},
        {"persona_id": CANARY + "/../x"},
        {"unset": ["api_key"], "api_key": CANARY, "temperature": 9},
        {"if_revision": CANARY},
    ],
)
async def test_a_refused_llm_is_reported_without_its_key(
    tool_client: ToolClient, arguments: dict[str, Any]
) -> None:
    """The SDK's own words for a wrong type hold the value; ours must not."""
    persona_id = await tool_client.create_persona()
    message = await tool_client.expect_error(
        "configure_llm", **{"persona_id": persona_id, **arguments}
    )
    assert CANARY not in message
    assert len(tool_client.transport.writes) == 1


@pytest.mark.parametrize(
    "where",
    [
        "tool",
        "argument",
        "completion",
        "resource",
        "prompt",
    ],
)
async def test_a_known_key_is_masked_in_sdk_errors(tool_client: ToolClient, where: str) -> None:
    message = ""
    try:
        if where == "tool":
            message = render_result(await tool_client.call(SECRET))
        elif where == "argument":
            message = render_result(await tool_client.call("get_persona", **{SECRET: SECRET}))
        elif where == "resource":
            message = await read_resource_text(tool_client, f"tavus://{SECRET}/{SECRET}")
            message += await read_resource_text(tool_client, f"tavus://personas/{SECRET}")
            message += await read_resource_text(tool_client, f"tavus://guide/{SECRET}")
        elif where == "prompt":
            await tool_client.client.get_prompt(SECRET, {"a": SECRET})
        else:
            ref = ResourceTemplateReference(uri=f"tavus://{SECRET}")
            await tool_client.client.complete(ref, {"name": SECRET, "value": SECRET})
    except MCPError as error:
        message = f"{error} {error.error.data}"
    assert SECRET not in message


async def test_an_internal_error_reveals_no_arguments(
    open_tool_client: ToolClientFactory, sandbox: ASGIApp
) -> None:
    """A bug shows the model one generic line."""

    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise ZeroDivisionError(f"a bug with {CANARY} and {SECRET}")

    async with open_tool_client(broken) as tool_client:
        result = await tool_client.call("create_persona", name=SECRET, system_prompt=CANARY)
        listed = await read_resource_text(tool_client, "tavus://personas")
    assert result.is_error
    assert CANARY not in text_of(result) + listed
    assert SECRET not in text_of(result) + listed


async def test_a_connection_error_contains_no_key(open_tool_client: ToolClientFactory) -> None:
    async def reset(scope: Any, receive: Any, send: Any) -> None:
        raise httpx2.ReadError(f"reset while sending {CANARY} {SECRET}")

    async with open_tool_client(reset) as tool_client:
        body = {"system_prompt": "x", "layers": {"tts": {"api_key": CANARY}}}
        message = await tool_client.expect_error("create_persona", **body)
    assert CANARY not in message
    assert SECRET not in message


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("configure_llm", {"model": "m", "base_url": ENDPOINT_URL, "api_key_ref": "opemai"}),
        ("configure_tts", {"tts_engine": "elevenlabs", "api_key_ref": "opemai"}),
        ("configure_llm", {"headers": {"X": "{secret:opemai}"}}),
        ("configure_llm", {"default_query": {"q": "{secret:opemai}"}}),
        ("configure_llm", {"extra_body": {"deep": ["{secret:opemai}"]}}),
        ("patch_persona", {"patch": {"layers": {"tts": {"api_key_ref": "opemai"}}}}),
    ],
)
async def test_an_unknown_reference_lists_the_known_names_without_values(
    tool_client: ToolClient, tool: str, arguments: dict[str, Any]
) -> None:
    persona_id = await tool_client.create_persona()
    message = await tool_client.expect_error(tool, persona_id=persona_id, **arguments)
    assert "TAVUS_SECRET_" in message
    assert "did you mean 'openai'" in message
    assert "It has: 'openai'." in message
    assert SECRET not in message
    assert len(tool_client.transport.writes) == 1


async def test_a_reference_in_a_prompt_is_not_replaced(
    tool_client: ToolClient, store: Store
) -> None:
    """Only where a key belongs is a name a key: a prompt cannot ask for one."""
    persona_id = await tool_client.create_persona(
        system_prompt=f"Say {SECRET_REFERENCE}.", greeting=SECRET_REFERENCE
    )
    await tool_client.expect_result(
        "update_persona", persona_id=persona_id, context=f"Say {SECRET_REFERENCE}."
    )
    function = {"name": "f", "description": SECRET_REFERENCE}
    await tool_client.expect_result("set_function_tool", persona_id=persona_id, **function)
    row = store.get("persona", persona_id) or {}
    assert (row["system_prompt"], row["greeting"]) == (f"Say {SECRET_REFERENCE}.", SECRET_REFERENCE)
    assert SECRET not in json.dumps(row)
