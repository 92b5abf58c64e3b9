"""Errors say what is wrong and never what was sent: ours, the SDK's and those of Tavus."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from canaries import CANARY, LITERAL, NAMED, TOOL_CALLS, URL, in_words, resource
from echoing_asgi_app import parrot
from mcp.shared.exceptions import MCPError
from mcp_client import SECRET, Desk, text_of
from mcp_types import ResourceTemplateReference
from starlette.responses import HTMLResponse, JSONResponse
from starlette.types import ASGIApp

from tavus_mcp.sandbox.store import Store

if TYPE_CHECKING:
    from conftest import Opening

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("way", TOOL_CALLS)
async def test_what_tavus_repeats_of_a_change_is_masked(
    opening: Opening, sandbox: ASGIApp, store: Store, way: str
) -> None:
    tool, arguments = TOOL_CALLS[way]
    row = store.get("persona", "p1af207b8189") or {}
    row |= {"persona_id": "p1", "persona_type": "user", "system_prompt": "You help.", "layers": {}}
    store.put("persona", "p1", row)
    async with opening(parrot(sandbox)) as desk:
        said = await desk.refusal(tool, persona_id="p1", **arguments)
        planned = await desk.facts(tool, persona_id="p1", **arguments, dry_run=True)
        said += await desk.refusal("apply_plan", plan_id=planned["plan_id"])
    assert said.count("cannot take") >= 2
    assert CANARY not in said
    assert SECRET not in said


@pytest.mark.parametrize("place", LITERAL)
@pytest.mark.parametrize("form", ["object", "text"])
async def test_what_tavus_repeats_of_a_new_persona_is_masked(
    opening: Opening, sandbox: ASGIApp, place: str, form: str
) -> None:
    layers = LITERAL[place] if form == "object" else json.dumps(LITERAL[place])
    async with opening(parrot(sandbox)) as desk:
        said = await desk.refusal("create_persona", system_prompt="You help.", layers=layers)
    assert "cannot take" in said
    assert CANARY not in said


async def test_a_key_is_masked_in_the_leaf_of_a_raw_patch_that_tavus_repeats(
    opening: Opening, sandbox: ASGIApp, store: Store
) -> None:
    row = store.get("persona", "p1af207b8189") or {}
    store.put("persona", "p1", {**row, "persona_id": "p1", "layers": {"tts": {}}})
    patch = [{"op": "add", "path": "/layers/tts/api_key", "value": CANARY}]
    async with opening(parrot(sandbox)) as desk:
        said = await desk.refusal("patch_persona", persona_id="p1", patch=patch)
    assert "cannot take" in said
    assert CANARY not in said


@pytest.mark.parametrize("form", ["error", "html"])
async def test_a_key_that_tavus_repeats_is_masked_before_its_words_are_cut(
    opening: Opening, sandbox: ASGIApp, form: str
) -> None:
    """Found by an attack: of a key across the cut, the first half was shown."""
    words = "x" * 385 + " " + CANARY

    async def wordy(scope: Any, receive: Any, send: Any) -> None:
        if scope["method"] == "GET":
            await sandbox(scope, receive, send)
            return
        reply = JSONResponse({"error": words}, 400) if form == "error" else HTMLResponse(words, 400)
        await reply(scope, receive, send)

    async with opening(wordy) as desk:
        body = {"system_prompt": "x", "layers": {"tts": {"api_key": CANARY}}}
        said = await desk.refusal("create_persona", **body)
    assert "xxx ***" in said
    assert CANARY[:6] not in said


def spoilt(word: str) -> list[Any]:
    """Return a word in every form in which a host may send it."""
    return [word, [word], {"key": word}, {"a": [{"b": word}]}, json.dumps({"zz": word})]


async def echoed(desk: Desk) -> set[str]:
    """Spoil every argument of every tool; return which were repeated."""
    persona_id = await desk.create()
    found = set()
    for tool in (await desk.client.list_tools()).tools:
        needed = dict.fromkeys(tool.input_schema.get("required", []), persona_id)
        for name in tool.input_schema["properties"]:
            for value in spoilt(f"canary {tool.name} {name}!"):
                result = await desk.call(tool.name, **{**_dry(tool), **needed, name: value})
                if result.is_error and "canary " in in_words(result):
                    found.add(f"{tool.name} {name}")
    return found


async def test_a_value_that_is_refused_is_not_repeated(desk: Desk) -> None:
    """Required by us: people paste keys into the wrong place. Every argument of every tool."""
    assert sorted(await echoed(desk)) == []


def _dry(tool: Any) -> dict[str, bool]:
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
async def test_faults_in_layers_are_told_without_what_stands_there(desk: Desk, layers: Any) -> None:
    for sent in (layers, json.dumps(layers)):
        said = await desk.refusal("create_persona", system_prompt="x", layers=sent)
        assert CANARY not in said
    checked = await desk.call("check_persona", document={"system_prompt": "x", "layers": layers})
    assert CANARY not in in_words(checked)


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
        {"unset": ["api_key"], "api_key": CANARY, "model": ""},
        {"if_revision": CANARY},
    ],
)
async def test_a_refused_llm_is_told_without_its_key(desk: Desk, arguments: dict[str, Any]) -> None:
    """The SDK's own words for a wrong type hold the value; ours must not."""
    persona_id = await desk.create()
    said = await desk.refusal("configure_llm", **{"persona_id": persona_id, **arguments})
    assert CANARY not in said
    assert len(desk.wire.writes) == 1


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
async def test_a_known_key_is_masked_also_in_the_errors_of_the_sdk(desk: Desk, where: str) -> None:
    said = ""
    try:
        if where == "tool":
            said = in_words(await desk.call(SECRET))
        elif where == "argument":
            said = in_words(await desk.call("get_persona", **{SECRET: SECRET}))
        elif where == "resource":
            said = await resource(desk, f"tavus://{SECRET}/{SECRET}")
            said += await resource(desk, f"tavus://personas/{SECRET}")
            said += await resource(desk, f"tavus://guide/{SECRET}")
        elif where == "prompt":
            await desk.client.get_prompt(SECRET, {"a": SECRET})
        else:
            ref = ResourceTemplateReference(uri=f"tavus://{SECRET}")
            await desk.client.complete(ref, {"name": SECRET, "value": SECRET})
    except MCPError as error:
        said = f"{error} {error.error.data}"
    assert SECRET not in said


async def test_a_failure_inside_tells_nothing_of_what_was_sent(
    opening: Opening, sandbox: ASGIApp
) -> None:
    """A bug shows the model one generic line."""

    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise ZeroDivisionError(f"a bug with {CANARY} and {SECRET}")

    async with opening(broken) as desk:
        result = await desk.call("create_persona", name=SECRET, system_prompt=CANARY)
        listed = await resource(desk, "tavus://personas")
    assert result.is_error
    assert CANARY not in text_of(result) + listed
    assert SECRET not in text_of(result) + listed


async def test_what_a_lost_connection_says_holds_no_key(opening: Opening) -> None:
    async def reset(scope: Any, receive: Any, send: Any) -> None:
        raise httpx2.ReadError(f"reset while sending {CANARY} {SECRET}")

    async with opening(reset) as desk:
        body = {"system_prompt": "x", "layers": {"tts": {"api_key": CANARY}}}
        said = await desk.refusal("create_persona", **body)
    assert CANARY not in said
    assert SECRET not in said


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("configure_llm", {"model": "m", "base_url": URL, "api_key_ref": "opemai"}),
        ("configure_tts", {"tts_engine": "elevenlabs", "api_key_ref": "opemai"}),
        ("configure_llm", {"headers": {"X": "{secret:opemai}"}}),
        ("configure_llm", {"default_query": {"q": "{secret:opemai}"}}),
        ("configure_llm", {"extra_body": {"deep": ["{secret:opemai}"]}}),
        ("patch_persona", {"patch": {"layers": {"tts": {"api_key_ref": "opemai"}}}}),
    ],
)
async def test_an_unknown_reference_names_what_is_set_and_shows_no_value(
    desk: Desk, tool: str, arguments: dict[str, Any]
) -> None:
    persona_id = await desk.create()
    said = await desk.refusal(tool, persona_id=persona_id, **arguments)
    assert "TAVUS_SECRET_" in said
    assert "did you mean 'openai'" in said
    assert "Set: openai." in said
    assert SECRET not in said
    assert len(desk.wire.writes) == 1


async def test_a_reference_in_a_prompt_stays_as_it_is_written(desk: Desk, store: Store) -> None:
    """Only where a key belongs is a name a key: a prompt cannot ask for one."""
    persona_id = await desk.create(system_prompt=f"Say {NAMED}.", greeting=NAMED)
    await desk.facts("update_persona", persona_id=persona_id, context=f"Say {NAMED}.")
    function = {"name": "f", "description": NAMED}
    await desk.facts("set_function_tool", persona_id=persona_id, **function)
    row = store.get("persona", persona_id) or {}
    assert (row["system_prompt"], row["greeting"]) == (f"Say {NAMED}.", NAMED)
    assert SECRET not in json.dumps(row)
