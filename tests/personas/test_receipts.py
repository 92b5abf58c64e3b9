"""What a write sends and what its receipt says of it: leaves only, right values, nothing lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcp_client import Desk, sent
from starlette.types import ASGIApp, Receive, Scope, Send

from tavus_mcp.sandbox.store import Store

if TYPE_CHECKING:
    from conftest import Opening

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


def leaves(operations: list[dict[str, Any]]) -> dict[str, Any]:
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
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
async def test_the_patch_holds_exactly_the_leaves_that_differ_and_the_receipt_names_them(
    desk: Desk, changes: dict[str, Any], bare: bool
) -> None:
    persona_id = await desk.create(layers={} if bare else LAYERS)
    stored = {} if bare else LAYERS["tts"]
    flat = {**stored, **stored.get("voice_settings", {})}
    inside = {"stability", "style"}
    differing = {
        f"/layers/tts/{'voice_settings/' if name in inside else ''}{name}": (flat.get(name), value)
        for name, value in changes.items()
        if flat.get(name) != value
    }
    desk.wire.requests.clear()
    receipt = await desk.facts("configure_tts", persona_id=persona_id, **changes)
    told = {item["path"]: (item.get("before"), item["after"]) for item in receipt["changes"]}
    assert told == differing
    if not differing:
        assert receipt["status"] == "unchanged"
        assert desk.wire.writes == []
        return
    (request,) = desk.wire.writes
    assert leaves(sent(request)) == {path: after for path, (_, after) in differing.items()}
    assert all(item["op"] == "add" for item in sent(request))


async def test_a_missing_parent_is_added_as_an_object_before_its_fields(desk: Desk) -> None:
    """RFC 6902: an add below an absent member fails."""
    persona_id = await desk.create()
    await desk.facts("configure_tts", persona_id=persona_id, tts_engine="cartesia", stability=0.5)
    assert sent(desk.wire.writes[-1]) == [
        {
            "op": "add",
            "path": "/layers/tts",
            "value": {"tts_engine": "cartesia", "voice_settings": {"stability": 0.5}},
        }
    ]


async def test_one_changed_query_of_a_list_is_one_operation_on_that_entry(desk: Desk) -> None:
    queries = [f"Question {number}?" for number in range(6)]
    persona_id = await desk.create(layers={"perception": {"visual_awareness_queries": queries}})
    queries[3] = "Another?"
    await desk.facts(
        "configure_perception", persona_id=persona_id, visual_awareness_queries=queries
    )
    (operation,) = sent(desk.wire.writes[-1])
    assert operation["path"] == "/layers/perception/visual_awareness_queries/3"
    assert operation["value"] == "Another?"


async def test_a_change_of_a_long_text_is_shown_by_the_part_that_differs(desk: Desk) -> None:
    prompt = "You help. " * 300 + "Speak calmly. " + "Be kind. " * 300
    persona_id = await desk.create(system_prompt=prompt)
    receipt = await desk.facts(
        "update_persona",
        persona_id=persona_id,
        system_prompt=prompt.replace("calmly", "quickly"),
    )
    (change,) = receipt["changes"]
    assert "calmly" in change["before"]
    assert "quickly" in change["after"]
    assert len(change["before"]) < 200
    assert len(change["after"]) < 200


async def test_a_new_long_text_is_cut_with_its_length_said(desk: Desk) -> None:
    receipt = await desk.facts("create_persona", system_prompt="You help. " * 500, dry_run=True)
    (change,) = receipt["changes"]
    assert "(5000 characters)" in change["after"]
    assert len(change["after"]) < 500


async def test_revisions_lead_from_one_receipt_to_the_next(desk: Desk) -> None:
    persona_id = await desk.create()
    first = await desk.facts("update_persona", persona_id=persona_id, name="B")
    second = await desk.facts("update_persona", persona_id=persona_id, greeting="Hi!")
    assert second["previous_revision"] == first["revision"]
    assert second["revision"] != first["revision"]
    read = await desk.facts("get_persona", persona_id=persona_id)
    assert read["revision"] == second["revision"]


async def test_a_change_is_a_read_a_write_and_a_read_back(desk: Desk) -> None:
    persona_id = await desk.create()
    desk.wire.requests.clear()
    await desk.facts("update_persona", persona_id=persona_id, name="B")
    at = f"/v2/personas/{persona_id}"
    assert desk.wire.lines == [f"GET {at}", f"PATCH {at}", f"GET {at}"]
    assert desk.wire.writes[0].headers["content-type"] == "application/json"


def between(app: ASGIApp, act: Callable[[], None]) -> ASGIApp:
    """Return an application where somebody else acts right before each PATCH arrives."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "PATCH":
            act()
        await app(scope, receive, send)

    return wrapped


async def test_what_somebody_else_changes_between_our_read_and_our_write_survives(
    opening: Opening, sandbox: ASGIApp, store: Store
) -> None:
    persona_ids: list[str] = []

    def elsewhere() -> None:
        row = store.get("persona", persona_ids[0])
        assert row is not None
        row["greeting"] = "From elsewhere"
        row["layers"]["tts"]["voice_settings"]["style"] = 0.9
        row["layers"]["stt"] = {"hotwords": "elsewhere"}
        store.put("persona", persona_ids[0], row)

    async with opening(between(sandbox, elsewhere)) as desk:
        persona_ids.append(await desk.create(layers=LAYERS))
        receipt = await desk.facts(
            "configure_tts", persona_id=persona_ids[0], stability=0.1, external_voice_id="xyz"
        )
        saved = await desk.persona(persona_ids[0])
    assert receipt["status"] == "applied"
    assert saved["greeting"] == "From elsewhere"
    assert saved["layers"]["stt"] == {"hotwords": "elsewhere"}
    assert saved["layers"]["tts"] == {
        "tts_engine": "elevenlabs",
        "external_voice_id": "xyz",
        "voice_settings": {"stability": 0.1, "style": 0.9},
    }


async def test_a_key_that_tavus_masks_survives_every_change_beside_it(
    desk: Desk, store: Store
) -> None:
    """Tavus masks keys in reads; writing the mask back would destroy them."""
    llm = {"model": "m", "base_url": "https://api.example.com/v1", "api_key": "llm-canary-1"}
    tts = {"tts_engine": "elevenlabs", "external_voice_id": "abc", "api_key": "tts-canary-1"}
    persona_id = await desk.create(layers={"llm": llm, "tts": tts})
    await desk.facts("configure_llm", persona_id=persona_id, model="n", temperature=0.1)
    await desk.facts("configure_tts", persona_id=persona_id, stability=0.1)
    await desk.facts("update_persona", persona_id=persona_id, name="B")
    row = store.get("persona", persona_id)
    assert row is not None
    assert row["layers"]["llm"]["api_key"] == "llm-canary-1"
    assert row["layers"]["tts"]["api_key"] == "tts-canary-1"


async def test_a_write_that_tavus_takes_but_does_not_keep_is_reported(
    opening: Opening, sandbox: ASGIApp, store: Store
) -> None:
    """Ours (design section 5): after every write the document is read back."""

    async def forgetful(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "PATCH":
            await sandbox(scope, receive, send)
            return
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"{}"})

    async with opening(forgetful) as desk:
        persona_id = await desk.create(name="A")
        said = await desk.refusal("update_persona", persona_id=persona_id, name="B")
        told = await desk.facts("list_revisions", persona_id=persona_id)
    assert "did not take effect" in said
    assert "/persona_name" in said
    assert told["revisions"][0]["status"] == "failed"


async def test_a_write_whose_read_back_fails_stands_and_says_so(
    opening: Opening, sandbox: ASGIApp
) -> None:
    written = False

    async def then_down(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal written
        if written and scope["type"] == "http":
            await send({"type": "http.response.start", "status": 500, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return
        written = written or scope.get("method") == "PATCH"
        await sandbox(scope, receive, send)

    async with opening(then_down) as desk:
        persona_id = await desk.create(name="A")
        receipt = await desk.facts("update_persona", persona_id=persona_id, name="B")
    assert receipt["status"] == "applied"
    assert "reading it back failed" in receipt["findings"][0]["message"]
    assert receipt["undo"]["arguments"]["only"] == ["/persona_name"]


async def test_an_error_that_stops_nothing_is_said_to_have_been_sent(desk: Desk) -> None:
    """Ours: only what Tavus is known to refuse is stopped; nobody is to take the rest for a no."""
    persona_id = await desk.create()
    flow = {"persona_id": persona_id, "sleep_phrase": "good night"}
    planned = await desk.facts("configure_conversational_flow", dry_run=True, **flow)
    applied = await desk.facts("configure_conversational_flow", **flow)
    before, after = (
        next(item for item in receipt["findings"] if item["severity"] == "error")
        for receipt in (planned, applied)
    )
    assert applied["status"] == "applied"
    assert "sent" not in before["message"]
    assert after["message"].endswith("It was sent all the same.")
    assert after.keys() == {"severity", "path", "message", "hint"}
