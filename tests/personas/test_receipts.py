"""The content of a write and of its receipt: single fields, correct values, no loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcp_client import ToolClient, patch_operations
from property_examples import examples
from starlette.types import ASGIApp, Receive, Scope, Send

from tavus_mcp.sandbox.store import Store

if TYPE_CHECKING:
    from conftest import ToolClientFactory

pytestmark = pytest.mark.anyio

LAYERS: dict[str, Any] = {
    "llm": {"model": "tavus-gpt-oss", "extra_body": {"temperature": 0.5}},
    "tts": {
        "tts_engine": "elevenlabs",
        "external_voice_id": "abc",
        "voice_settings": {"stability": 0.5},
    },
    "conversational_flow": {"turn_taking_patience": "high"},
}


def flatten_operations(operations: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the operations of a patch as values by path, added objects as their leaves."""
    found: dict[str, Any] = {}
    waiting = [(item["path"], item.get("value")) for item in operations]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, dict) and value:
            waiting += [(f"{path}/{key}", item) for key, item in value.items()]
        else:
            found[path] = value
    return found


CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "tts_engine": st.sampled_from(["cartesia", "elevenlabs"]),
        "external_voice_id": st.sampled_from(["abc", "xyz"]),
        "stability": st.sampled_from([0.1, 0.5]),
        "style": st.sampled_from([0.1, 0.9]),
        "tts_emotion_control": st.booleans(),
    },
)


@given(changes=CHANGES, bare=st.booleans())
@settings(
    max_examples=examples(40),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
async def test_the_patch_contains_exactly_the_differing_leaves_and_the_receipt_lists_them(
    tool_client: ToolClient, changes: dict[str, Any], bare: bool
) -> None:
    persona_id = await tool_client.create_persona(layers={} if bare else LAYERS)
    stored = {} if bare else LAYERS["tts"]
    flat = {**stored, **stored.get("voice_settings", {})}
    inside = {"stability", "style"}
    differing = {
        f"/layers/tts/{'voice_settings/' if name in inside else ''}{name}": (flat.get(name), value)
        for name, value in changes.items()
        if flat.get(name) != value
    }
    tool_client.transport.requests.clear()
    receipt = await tool_client.expect_result("configure_tts", persona_id=persona_id, **changes)
    changes = {item["path"]: (item.get("before"), item["after"]) for item in receipt["changes"]}
    assert changes == differing
    if not differing:
        assert receipt["status"] == "unchanged"
        assert tool_client.transport.writes == []
        return
    (request,) = tool_client.transport.writes
    assert flatten_operations(patch_operations(request)) == {
        path: after for path, (_, after) in differing.items()
    }
    assert all(item["op"] == "add" for item in patch_operations(request))


async def test_a_missing_parent_is_added_as_an_object_before_its_fields(
    tool_client: ToolClient,
) -> None:
    """RFC 6902: an add below an absent member fails."""
    persona_id = await tool_client.create_persona()
    await tool_client.expect_result(
        "configure_tts", persona_id=persona_id, tts_engine="cartesia", stability=0.5
    )
    assert patch_operations(tool_client.transport.writes[-1]) == [
        {
            "op": "add",
            "path": "/layers/tts",
            "value": {"tts_engine": "cartesia", "voice_settings": {"stability": 0.5}},
        }
    ]


async def test_one_changed_query_of_a_list_is_one_operation_on_that_entry(
    tool_client: ToolClient,
) -> None:
    queries = [f"Question {number}?" for number in range(6)]
    persona_id = await tool_client.create_persona(
        layers={"perception": {"visual_awareness_queries": queries}}
    )
    queries[3] = "Another?"
    await tool_client.expect_result(
        "configure_perception", persona_id=persona_id, visual_awareness_queries=queries
    )
    (operation,) = patch_operations(tool_client.transport.writes[-1])
    assert operation["path"] == "/layers/perception/visual_awareness_queries/3"
    assert operation["value"] == "Another?"


async def test_a_change_of_a_long_text_is_rendered_as_its_differing_part(
    tool_client: ToolClient,
) -> None:
    prompt = "You help. " * 300 + "Speak calmly. " + "Be kind. " * 300
    persona_id = await tool_client.create_persona(system_prompt=prompt)
    receipt = await tool_client.expect_result(
        "update_persona",
        persona_id=persona_id,
        system_prompt=prompt.replace("calmly", "quickly"),
    )
    (change,) = receipt["changes"]
    assert "calmly" in change["before"]
    assert "quickly" in change["after"]
    assert len(change["before"]) < 200
    assert len(change["after"]) < 200


async def test_a_new_long_text_is_truncated_with_its_length(tool_client: ToolClient) -> None:
    receipt = await tool_client.expect_result(
        "create_persona", system_prompt="You help. " * 500, dry_run=True
    )
    (change,) = receipt["changes"]
    assert "(5000 characters)" in change["after"]
    assert len(change["after"]) < 500


async def test_consecutive_receipts_have_connecting_revisions(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona()
    first = await tool_client.expect_result("update_persona", persona_id=persona_id, name="B")
    second = await tool_client.expect_result(
        "update_persona", persona_id=persona_id, greeting="Hi!"
    )
    assert second["previous_revision"] == first["revision"]
    assert second["revision"] != first["revision"]
    read = await tool_client.expect_result("get_persona", persona_id=persona_id)
    assert read["revision"] == second["revision"]


async def test_a_change_sends_a_read_a_write_and_a_read_back(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona()
    tool_client.transport.requests.clear()
    await tool_client.expect_result("update_persona", persona_id=persona_id, name="B")
    at = f"/v2/personas/{persona_id}"
    assert tool_client.transport.request_lines == [f"GET {at}", f"PATCH {at}", f"GET {at}"]
    assert tool_client.transport.writes[0].headers["content-type"] == "application/json"


def build_app_with_edit_before_patch(app: ASGIApp, act: Callable[[], None]) -> ASGIApp:
    """Return an application in which another person edits just before each PATCH arrives."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "PATCH":
            act()
        await app(scope, receive, send)

    return wrapped


async def test_changes_by_others_between_our_read_and_write_are_preserved(
    open_tool_client: ToolClientFactory, sandbox: ASGIApp, store: Store
) -> None:
    persona_ids: list[str] = []

    def elsewhere() -> None:
        row = store.get("persona", persona_ids[0])
        assert row is not None
        row["greeting"] = "From elsewhere"
        row["layers"]["tts"]["voice_settings"]["style"] = 0.9
        row["layers"]["stt"] = {"hotwords": "elsewhere"}
        store.put("persona", persona_ids[0], row)

    async with open_tool_client(
        build_app_with_edit_before_patch(sandbox, elsewhere)
    ) as tool_client:
        persona_ids.append(await tool_client.create_persona(layers=LAYERS))
        receipt = await tool_client.expect_result(
            "configure_tts", persona_id=persona_ids[0], stability=0.1, external_voice_id="xyz"
        )
        saved = await tool_client.read_persona(persona_ids[0])
    assert receipt["status"] == "applied"
    assert saved["greeting"] == "From elsewhere"
    assert saved["layers"]["stt"] == {"hotwords": "elsewhere"}
    assert saved["layers"]["tts"] == {
        "tts_engine": "elevenlabs",
        "external_voice_id": "xyz",
        "voice_settings": {"stability": 0.1, "style": 0.9},
    }


async def test_a_masked_key_is_preserved_by_changes_of_other_fields(
    tool_client: ToolClient, store: Store
) -> None:
    """Tavus masks keys in reads; writing the mask back would destroy them."""
    llm = {"model": "m", "base_url": "https://api.example.com/v1", "api_key": "llm-canary-1"}
    tts = {"tts_engine": "elevenlabs", "external_voice_id": "abc", "api_key": "tts-canary-1"}
    persona_id = await tool_client.create_persona(layers={"llm": llm, "tts": tts})
    await tool_client.expect_result(
        "configure_llm", persona_id=persona_id, model="n", temperature=0.1
    )
    await tool_client.expect_result("configure_tts", persona_id=persona_id, stability=0.1)
    await tool_client.expect_result("update_persona", persona_id=persona_id, name="B")
    row = store.get("persona", persona_id)
    assert row is not None
    assert row["layers"]["llm"]["api_key"] == "llm-canary-1"
    assert row["layers"]["tts"]["api_key"] == "tts-canary-1"


async def test_a_write_accepted_but_not_stored_is_reported(
    open_tool_client: ToolClientFactory, sandbox: ASGIApp, store: Store
) -> None:
    """After every write the document is read back."""

    async def forgetful(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "PATCH":
            await sandbox(scope, receive, send)
            return
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"{}"})

    async with open_tool_client(forgetful) as tool_client:
        persona_id = await tool_client.create_persona(name="A")
        error = await tool_client.expect_error("update_persona", persona_id=persona_id, name="B")
        history = await tool_client.expect_result("list_revisions", persona_id=persona_id)
    assert "did not take effect" in error
    assert "/persona_name" in error
    assert history["revisions"][0]["status"] == "failed"


def build_app_down_after_patch(app: ASGIApp) -> ASGIApp:
    """Return an application that answers every request after the first PATCH with 500."""
    is_down = False

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal is_down
        if is_down and scope["type"] == "http":
            await send({"type": "http.response.start", "status": 500, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return
        is_down = is_down or scope.get("method") == "PATCH"
        await app(scope, receive, send)

    return wrapped


async def test_a_failed_read_back_is_reported_and_the_write_stands(
    open_tool_client: ToolClientFactory, sandbox: ASGIApp
) -> None:
    async with open_tool_client(build_app_down_after_patch(sandbox)) as tool_client:
        persona_id = await tool_client.create_persona(name="A")
        receipt = await tool_client.expect_result("update_persona", persona_id=persona_id, name="B")
    assert receipt["status"] == "unverified"
    assert "reading it back failed" in receipt["findings"][0]["message"]
    assert receipt["undo"]["arguments"]["only"] == ["/persona_name"]


async def test_a_replaced_key_that_cannot_be_read_back_is_not_reported_as_ineffective(
    open_tool_client: ToolClientFactory, sandbox: ASGIApp
) -> None:
    """A key does not enter the revision, so an equal revision does not prove that it is the old."""
    async with open_tool_client(build_app_down_after_patch(sandbox)) as tool_client:
        tts = {"tts_engine": "elevenlabs", "external_voice_id": "abc", "api_key": "tts-canary-1"}
        persona_id = await tool_client.create_persona(layers={"tts": tts})
        receipt = await tool_client.expect_result(
            "configure_tts", persona_id=persona_id, api_key="tts-canary-2"
        )
    assert receipt["status"] == "unverified"
    assert any("reading it back failed" in item["message"] for item in receipt["findings"])


async def test_a_non_blocking_error_is_reported_as_sent(
    tool_client: ToolClient,
) -> None:
    """Only changes that Tavus is known to refuse are stopped."""
    persona_id = await tool_client.create_persona()
    flow = {"persona_id": persona_id, "sleep_phrase": "good night"}
    planned = await tool_client.expect_result("configure_conversational_flow", dry_run=True, **flow)
    applied = await tool_client.expect_result("configure_conversational_flow", **flow)
    before, after = (
        next(item for item in receipt["findings"] if item["severity"] == "error")
        for receipt in (planned, applied)
    )
    assert applied["status"] == "applied"
    assert "sent" not in before["message"]
    assert after["message"].endswith("It was sent nevertheless.")
    assert after.keys() == {"severity", "path", "message", "hint"}
