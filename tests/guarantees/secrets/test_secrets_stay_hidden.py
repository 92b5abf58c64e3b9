"""Canaries: no key comes out of any tool or resource, and no mask is written back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from mcp.shared.exceptions import MCPError
from mcp_client import SECRET, Desk, text_of
from mcp_types import TextResourceContents
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from tavus_mcp.sandbox.store import Store

if TYPE_CHECKING:
    from conftest import Opening

pytestmark = pytest.mark.anyio
CANARY = "canary-77f0d1b2c3"
URL = "https://api.example.com/v1"


async def everything(desk: Desk, persona_id: str) -> str:
    """Return all that a client can read of a persona, in one text."""
    calls: list[tuple[str, dict[str, Any]]] = [
        ("get_persona", {"persona_id": persona_id, "full_prompt": True}),
        ("list_personas", {}),
        ("check_persona", {"persona_id": persona_id}),
        ("update_persona", {"persona_id": persona_id, "name": "Seen", "dry_run": True}),
        ("create_persona", {"based_on": persona_id, "dry_run": True}),
        ("configure_llm", {"persona_id": persona_id, "unset": ["llm"], "dry_run": True}),
        ("configure_tts", {"persona_id": persona_id, "unset": ["tts"], "dry_run": True}),
        ("delete_persona", {"persona_id": persona_id, "dry_run": True}),
    ]
    shown = []
    for tool, arguments in calls:
        result = await desk.call(tool, **arguments)
        shown += [text_of(result), json.dumps(result.structured_content)]
    for uri in ("tavus://personas", f"tavus://personas/{persona_id}"):
        shown.append(await resource(desk, uri))
    for layer in ("llm", "tts"):
        shown.append(await resource(desk, f"tavus://personas/{persona_id}/layers/{layer}"))
    return "\n".join(shown)


async def resource(desk: Desk, uri: str) -> str:
    try:
        read = await desk.client.read_resource(uri)
    except MCPError as error:
        return str(error)
    return "".join(part.text for part in read.contents if isinstance(part, TextResourceContents))


@pytest.mark.parametrize("layer", ["llm", "tts"])
async def test_a_key_named_by_reference_reaches_tavus_and_is_never_shown(
    desk: Desk, store: Store, layer: str
) -> None:
    """Ours (design section 6): the model never sees the key."""
    persona_id = await desk.create()
    more = {"model": "m", "base_url": URL} if layer == "llm" else {"tts_engine": "elevenlabs"}
    result = await desk.call(
        f"configure_{layer}", persona_id=persona_id, api_key_ref="OpenAI", **more
    )
    assert not result.is_error
    row = store.get("persona", persona_id)
    assert row is not None
    assert row["layers"][layer]["api_key"] == SECRET
    assert SECRET not in text_of(result) + json.dumps(result.structured_content)
    assert SECRET not in await everything(desk, persona_id)


@pytest.mark.parametrize("name", ["openai", "TAVUS_SECRET_OPENAI", "OPENAI"])
async def test_a_reference_is_the_name_in_any_case_with_or_without_its_prefix(
    desk: Desk, name: str
) -> None:
    persona_id = await desk.create()
    await desk.facts("configure_tts", persona_id=persona_id, api_key_ref=name)


async def test_an_unknown_reference_is_refused_without_being_repeated(desk: Desk) -> None:
    """Ours: people paste the key itself there."""
    persona_id = await desk.create()
    said = await desk.refusal("configure_llm", persona_id=persona_id, api_key_ref=CANARY)
    assert CANARY not in said
    assert "TAVUS_SECRET_" in said
    assert "openai" in said


async def test_reference_and_literal_together_are_refused(desk: Desk) -> None:
    said = await desk.refusal(
        "configure_tts", persona_id="p1", api_key_ref="openai", api_key=CANARY
    )
    assert "not both" in said
    assert CANARY not in said


@pytest.mark.parametrize("layer", ["llm", "tts"])
async def test_a_literal_key_is_used_and_never_shown(desk: Desk, store: Store, layer: str) -> None:
    persona_id = await desk.create()
    more = {"model": "m", "base_url": URL} if layer == "llm" else {"tts_engine": "elevenlabs"}
    result = await desk.call(f"configure_{layer}", persona_id=persona_id, api_key=CANARY, **more)
    row = store.get("persona", persona_id)
    assert row is not None
    assert row["layers"][layer]["api_key"] == CANARY
    assert CANARY not in text_of(result) + json.dumps(result.structured_content)
    assert CANARY not in await everything(desk, persona_id)


async def test_a_literal_key_is_answered_with_a_finding_that_names_the_better_way(
    desk: Desk,
) -> None:
    persona_id = await desk.create()
    receipt = await desk.facts(
        "configure_llm", persona_id=persona_id, model="m", base_url=URL, api_key=CANARY
    )
    assert any("api_key_ref" in item.get("hint", "") for item in receipt["findings"])


HIDING = [
    {"llm": {"model": "m", "base_url": URL, "api_key": CANARY}},
    {"llm": {"headers": {"Authorization": f"Bearer {CANARY}"}}},
    {"llm": {"headers": {"X-Whatever": CANARY}}},
    {"llm": {"extra_body": {"client_secret": CANARY}}},
    {"llm": {"default_query": {"access_token": CANARY}}},
    {"tts": {"tts_engine": "elevenlabs", "api_key": CANARY}},
]


@pytest.mark.parametrize("layers", HIDING)
async def test_a_key_anywhere_in_the_layers_of_a_new_persona_is_never_shown(
    desk: Desk, layers: dict[str, Any]
) -> None:
    result = await desk.call("create_persona", system_prompt="You help.", layers=layers)
    assert not result.is_error, text_of(result)
    assert result.structured_content is not None
    assert CANARY not in text_of(result) + json.dumps(result.structured_content)
    assert CANARY not in await everything(desk, result.structured_content["persona_id"])


@pytest.mark.parametrize("layers", HIDING)
async def test_a_key_that_was_stored_before_this_server_ran_is_never_shown(
    desk: Desk, store: Store, layers: dict[str, Any]
) -> None:
    persona_id = await desk.create()
    row = store.get("persona", persona_id)
    store.put("persona", persona_id, {**(row or {}), "layers": layers})
    assert CANARY not in await everything(desk, persona_id)


async def test_the_undo_of_a_patch_shows_no_header_that_was_stored_before(
    desk: Desk, store: Store
) -> None:
    persona_id = await desk.create()
    row = store.get("persona", persona_id)
    headers = {"Authorization": f"Bearer {CANARY}", "X-Key": CANARY, "X-Other": CANARY}
    store.put("persona", persona_id, {**(row or {}), "layers": {"llm": {"headers": headers}}})
    for pointer in ("/layers/llm/headers/X-Other", "/layers/llm/headers", "/layers/llm"):
        result = await desk.call(
            "patch_persona", persona_id=persona_id, patch=[{"op": "remove", "path": pointer}]
        )
        assert not result.is_error
        assert CANARY not in text_of(result) + json.dumps(result.structured_content)
        store.put("persona", persona_id, {**(row or {}), "layers": {"llm": {"headers": headers}}})


@pytest.mark.parametrize(
    "patch",
    [
        [{"op": "add", "path": "/layers/llm/headers/X-Other", "value": CANARY}],
        [{"op": "add", "path": "/layers/tts/api_key", "value": CANARY}],
        [{"op": "add", "path": "/layers/tts", "value": {"api_key": CANARY}}],
        {"layers": {"tts": {"api_key": CANARY}}},
    ],
)
async def test_a_key_given_in_a_raw_patch_is_never_shown(desk: Desk, patch: Any) -> None:
    persona_id = await desk.create(
        layers={"tts": {"tts_engine": "elevenlabs"}, "llm": {"headers": {"X-A": "b"}}}
    )
    result = await desk.call("patch_persona", persona_id=persona_id, patch=patch)
    assert not result.is_error, text_of(result)
    assert CANARY not in text_of(result) + json.dumps(result.structured_content)
    assert CANARY not in await everything(desk, persona_id)


def parrot(app: ASGIApp) -> ASGIApp:
    """Return a Tavus that repeats in its errors what it was sent."""

    async def repeating(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] == "GET":
            await app(scope, receive, send)
            return
        body = (await Request(scope, receive).body()).decode()
        await JSONResponse({"error": f"cannot take {body}"}, 400)(scope, receive, send)

    return repeating


LITERAL = {"llm": {"model": "m", "base_url": URL, "api_key": CANARY}}


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("configure_llm", {"model": "m", "base_url": URL, "api_key": CANARY}),
        ("configure_llm", {"model": "m", "base_url": URL, "api_key_ref": "openai"}),
        ("configure_llm", {"headers": {"Authorization": CANARY}}),
        ("create_persona", {"system_prompt": "x", "layers": LITERAL}),
        pytest.param("create_persona", {"system_prompt": "x", "layers": json.dumps(LITERAL)}),
        (
            "patch_persona",
            {"patch": [{"op": "add", "path": "/layers/tts", "value": {"api_key": CANARY}}]},
        ),
        pytest.param(
            "patch_persona",
            {"patch": [{"op": "add", "path": "/layers/tts/api_key", "value": CANARY}]},
        ),
        pytest.param("configure_llm", {"headers": {"X-Whatever": CANARY}}),
    ],
)
async def test_a_key_that_tavus_repeats_in_an_error_is_masked(
    opening: Opening, sandbox: ASGIApp, store: Store, tool: str, arguments: dict[str, Any]
) -> None:
    row = store.get("persona", "p1af207b8189")
    layers = {"tts": {"tts_engine": "elevenlabs"}}
    store.put("persona", "p1", {**(row or {}), "persona_id": "p1", "layers": layers})
    who = {} if tool == "create_persona" else {"persona_id": "p1"}
    async with opening(parrot(sandbox)) as desk:
        said = await desk.refusal(tool, **who, **arguments)
    assert "cannot take" in said
    assert CANARY not in said
    assert SECRET not in said


@pytest.mark.parametrize("mask", ["********", "sk-1********", "***", "•••••••"])
async def test_a_mask_is_never_written_back(desk: Desk, mask: str) -> None:
    """Tavus would store the mask as the key."""
    persona_id = await desk.create(layers={"tts": {"tts_engine": "elevenlabs"}})
    for tool, arguments in (
        ("configure_tts", {"api_key": mask}),
        ("patch_persona", {"patch": [{"op": "add", "path": "/layers/tts/api_key", "value": mask}]}),
        ("patch_persona", {"patch": {"layers": {"tts": {"api_key": mask}}}}),
    ):
        said = await desk.refusal(tool, persona_id=persona_id, **arguments)
        assert "mask" in said
    assert len(desk.wire.writes) == 1


async def test_a_name_with_asterisks_is_not_taken_for_a_mask(desk: Desk) -> None:
    persona_id = await desk.create()
    await desk.facts("update_persona", persona_id=persona_id, name="*** VIP ***")
