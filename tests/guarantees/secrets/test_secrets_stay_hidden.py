"""Canaries: no key comes out of any tool or resource, and no mask is written back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from echoing_asgi_app import build_echoing_app
from mcp.shared.exceptions import MCPError
from mcp_client import SECRET, ToolClient, text_of
from mcp_types import TextResourceContents
from starlette.types import ASGIApp

from tavus_mcp.sandbox.store import Store

if TYPE_CHECKING:
    from conftest import ToolClientFactory

pytestmark = pytest.mark.anyio
CANARY = "canary-77f0d1b2c3"
URL = "https://api.example.com/v1"
MINE = {"persona_id": "p1", "persona_type": "user"}


async def collect_outputs(tool_client: ToolClient, persona_id: str) -> str:
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
    read = []
    for tool, arguments in calls:
        result = await tool_client.call(tool, **arguments)
        read += [text_of(result), json.dumps(result.structured_content)]
    for uri in ("tavus://personas", f"tavus://personas/{persona_id}"):
        read.append(await read_resource_text(tool_client, uri))
    for layer in ("llm", "tts"):
        read.append(
            await read_resource_text(tool_client, f"tavus://personas/{persona_id}/layers/{layer}")
        )
    return "\n".join(read)


async def read_resource_text(tool_client: ToolClient, uri: str) -> str:
    try:
        read = await tool_client.client.read_resource(uri)
    except MCPError as error:
        return str(error)
    return "".join(part.text for part in read.contents if isinstance(part, TextResourceContents))


@pytest.mark.parametrize("layer", ["llm", "tts"])
async def test_a_key_given_by_reference_is_sent_and_never_revealed(
    tool_client: ToolClient, store: Store, layer: str
) -> None:
    """The model never sees the key."""
    persona_id = await tool_client.create_persona()
    more = {"model": "m", "base_url": URL} if layer == "llm" else {"tts_engine": "elevenlabs"}
    result = await tool_client.call(
        f"configure_{layer}", persona_id=persona_id, api_key_ref="OpenAI", **more
    )
    assert not result.is_error
    row = store.get("persona", persona_id)
    assert row is not None
    assert row["layers"][layer]["api_key"] == SECRET
    assert SECRET not in text_of(result) + json.dumps(result.structured_content)
    assert SECRET not in await collect_outputs(tool_client, persona_id)


@pytest.mark.parametrize("name", ["openai", "TAVUS_SECRET_OPENAI", "OPENAI"])
async def test_a_reference_is_case_insensitive_and_its_prefix_is_optional(
    tool_client: ToolClient, name: str
) -> None:
    persona_id = await tool_client.create_persona()
    await tool_client.expect_result("configure_tts", persona_id=persona_id, api_key_ref=name)


async def test_an_unknown_reference_is_refused_without_being_repeated(
    tool_client: ToolClient,
) -> None:
    """People paste the key itself there."""
    persona_id = await tool_client.create_persona()
    message = await tool_client.expect_error(
        "configure_llm", persona_id=persona_id, api_key_ref=CANARY
    )
    assert CANARY not in message
    assert "TAVUS_SECRET_" in message
    assert "openai" in message


async def test_reference_and_literal_together_are_refused(tool_client: ToolClient) -> None:
    message = await tool_client.expect_error(
        "configure_tts", persona_id="p1", api_key_ref="openai", api_key=CANARY
    )
    assert "not both" in message
    assert CANARY not in message


@pytest.mark.parametrize("layer", ["llm", "tts"])
async def test_a_literal_key_is_sent_and_never_revealed(
    tool_client: ToolClient, store: Store, layer: str
) -> None:
    persona_id = await tool_client.create_persona()
    more = {"model": "m", "base_url": URL} if layer == "llm" else {"tts_engine": "elevenlabs"}
    result = await tool_client.call(
        f"configure_{layer}", persona_id=persona_id, api_key=CANARY, **more
    )
    row = store.get("persona", persona_id)
    assert row is not None
    assert row["layers"][layer]["api_key"] == CANARY
    assert CANARY not in text_of(result) + json.dumps(result.structured_content)
    assert CANARY not in await collect_outputs(tool_client, persona_id)


async def test_a_literal_key_gives_a_finding_that_recommends_a_reference(
    tool_client: ToolClient,
) -> None:
    persona_id = await tool_client.create_persona()
    receipt = await tool_client.expect_result(
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
async def test_a_key_anywhere_in_new_layers_is_never_revealed(
    tool_client: ToolClient, layers: dict[str, Any]
) -> None:
    result = await tool_client.call("create_persona", system_prompt="You help.", layers=layers)
    assert not result.is_error, text_of(result)
    assert result.structured_content is not None
    assert CANARY not in text_of(result) + json.dumps(result.structured_content)
    assert CANARY not in await collect_outputs(tool_client, result.structured_content["persona_id"])


@pytest.mark.parametrize("layers", HIDING)
async def test_a_previously_stored_key_is_never_revealed(
    tool_client: ToolClient, store: Store, layers: dict[str, Any]
) -> None:
    persona_id = await tool_client.create_persona()
    row = store.get("persona", persona_id)
    store.put("persona", persona_id, {**(row or {}), "layers": layers})
    assert CANARY not in await collect_outputs(tool_client, persona_id)


async def test_the_undo_of_a_patch_reveals_no_stored_header(
    tool_client: ToolClient, store: Store
) -> None:
    persona_id = await tool_client.create_persona()
    row = store.get("persona", persona_id)
    headers = {"Authorization": f"Bearer {CANARY}", "X-Key": CANARY, "X-Other": CANARY}
    store.put("persona", persona_id, {**(row or {}), "layers": {"llm": {"headers": headers}}})
    for pointer in ("/layers/llm/headers/X-Other", "/layers/llm/headers", "/layers/llm"):
        result = await tool_client.call(
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
async def test_a_key_given_in_a_raw_patch_is_never_revealed(
    tool_client: ToolClient, patch: Any
) -> None:
    persona_id = await tool_client.create_persona(
        layers={"tts": {"tts_engine": "elevenlabs"}, "llm": {"headers": {"X-A": "b"}}}
    )
    result = await tool_client.call("patch_persona", persona_id=persona_id, patch=patch)
    assert not result.is_error, text_of(result)
    assert CANARY not in text_of(result) + json.dumps(result.structured_content)
    assert CANARY not in await collect_outputs(tool_client, persona_id)


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
    open_tool_client: ToolClientFactory,
    sandbox: ASGIApp,
    store: Store,
    tool: str,
    arguments: dict[str, Any],
) -> None:
    row = store.get("persona", "p1af207b8189")
    layers = {"tts": {"tts_engine": "elevenlabs"}}
    store.put("persona", "p1", {**(row or {}), **MINE, "layers": layers})
    persona_arguments = {} if tool == "create_persona" else {"persona_id": "p1"}
    async with open_tool_client(build_echoing_app(sandbox)) as tool_client:
        message = await tool_client.expect_error(tool, **persona_arguments, **arguments)
    assert "cannot take" in message
    assert CANARY not in message
    assert SECRET not in message


@pytest.mark.parametrize("mask", ["********", "sk-1********", "***", "•••••••"])
@pytest.mark.parametrize(
    ("tool", "build_arguments"),
    [
        ("configure_tts", lambda mask: {"api_key": mask}),
        (
            "patch_persona",
            lambda mask: {"patch": [{"op": "add", "path": "/layers/tts/api_key", "value": mask}]},
        ),
        ("patch_persona", lambda mask: {"patch": {"layers": {"tts": {"api_key": mask}}}}),
    ],
    ids=["configure_tts", "an operation", "an object"],
)
async def test_a_mask_is_never_written_back(
    tool_client: ToolClient, tool: str, build_arguments: Any, mask: str
) -> None:
    """Tavus would store the mask as the key."""
    persona_id = await tool_client.create_persona(layers={"tts": {"tts_engine": "elevenlabs"}})
    arguments = build_arguments(mask)
    message = await tool_client.expect_error(tool, persona_id=persona_id, **arguments)
    assert "mask" in message
    assert len(tool_client.transport.writes) == 1


async def test_a_name_with_asterisks_is_not_treated_as_a_mask(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona()
    await tool_client.expect_result("update_persona", persona_id=persona_id, name="*** VIP ***")
