"""An undo never overwrites later edits of others, unless ``overwrite`` names them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from dashboard_edits import edit_in_dashboard, read_stored_value
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcp_client import SECRET, ToolClient, text_of
from property_examples import examples

from tavus_mcp.models.json_patch import pointer_of
from tavus_mcp.sandbox.store import Store

if TYPE_CHECKING:
    pass

pytestmark = pytest.mark.anyio

PATIENCE = "/layers/conversational_flow/turn_taking_patience"
INTERRUPTIBILITY = "/layers/conversational_flow/replica_interruptibility"
FLOW = {"turn_taking_patience": "low", "replica_interruptibility": "low"}


async def change_patience(tool_client: ToolClient) -> tuple[str, dict[str, Any]]:
    """Set patience from low to high on a new persona; return its id and the undo's arguments."""
    persona_id = await tool_client.create_persona(layers={"conversational_flow": FLOW})
    receipt = await tool_client.expect_result(
        "configure_conversational_flow",
        persona_id=persona_id,
        turn_taking_patience="high",
        replica_interruptibility="high",
    )
    undo = dict(receipt["undo"]["arguments"])
    assert undo["after_revision"] == receipt["revision"]
    return persona_id, undo


def parse_suggested_call(message: str) -> dict[str, Any]:
    """Return the arguments of the call that a conflict suggests."""
    found = re.search(r".*restore_revision\((persona_id=.*)\)\.", message)
    assert found is not None, message
    return dict(eval(f"dict({found[1]})", {"dict": dict, "true": True}))  # noqa: S307 - our text


async def test_an_undo_of_a_field_that_was_edited_since_is_a_conflict_with_all_values(
    tool_client: ToolClient, store: Store
) -> None:
    persona_id, undo = await change_patience(tool_client)
    edit_in_dashboard(store, persona_id, PATIENCE, "medium")
    message = await tool_client.expect_error("restore_revision", **undo)
    assert (
        f'{PATIENCE}: "high" after our change, "medium" now; the undo would write "low".' in message
    )
    assert "Nothing was written" in message
    assert read_stored_value(store, persona_id, PATIENCE) == "medium"
    assert read_stored_value(store, persona_id, INTERRUPTIBILITY) == "high"


async def test_the_suggested_call_overwrites_the_edit(
    tool_client: ToolClient, store: Store
) -> None:
    persona_id, undo = await change_patience(tool_client)
    edit_in_dashboard(store, persona_id, PATIENCE, "medium")
    call = parse_suggested_call(await tool_client.expect_error("restore_revision", **undo))
    assert call["overwrite"] == [PATIENCE]
    receipt = await tool_client.expect_result("restore_revision", **call)
    assert receipt["status"] == "applied"
    assert read_stored_value(store, persona_id, PATIENCE) == "low"
    assert read_stored_value(store, persona_id, INTERRUPTIBILITY) == "low"


async def test_the_call_that_keeps_the_edit_is_given_with_the_other_fields(
    tool_client: ToolClient, store: Store
) -> None:
    persona_id, undo = await change_patience(tool_client)
    edit_in_dashboard(store, persona_id, PATIENCE, "medium")
    message = await tool_client.expect_error("restore_revision", **undo)
    keeping, _, _ = message.partition(" To overwrite them")
    call = parse_suggested_call(keeping + "\n")
    assert call == {**undo, "only": [INTERRUPTIBILITY]}
    receipt = await tool_client.expect_result("restore_revision", **call)
    assert receipt["status"] == "applied"
    assert read_stored_value(store, persona_id, PATIENCE) == "medium"
    assert read_stored_value(store, persona_id, INTERRUPTIBILITY) == "low"


async def test_an_undo_of_edited_fields_alone_says_that_nothing_else_is_left(
    tool_client: ToolClient, store: Store
) -> None:
    persona_id = await tool_client.create_persona()
    receipt = await tool_client.expect_result(
        "update_persona", persona_id=persona_id, greeting="Hello."
    )
    edit_in_dashboard(store, persona_id, "/greeting", "Theirs.")
    message = await tool_client.expect_error("restore_revision", **receipt["undo"]["arguments"])
    assert '"Theirs." now; the undo would remove it.' in message
    assert "there is no other field to undo" in message


async def test_the_suggested_call_is_refused_after_yet_another_edit(
    tool_client: ToolClient, store: Store
) -> None:
    persona_id, undo = await change_patience(tool_client)
    edit_in_dashboard(store, persona_id, PATIENCE, "medium")
    call = parse_suggested_call(await tool_client.expect_error("restore_revision", **undo))
    edit_in_dashboard(store, persona_id, "/greeting", "Theirs.")
    assert "Nothing was written" in await tool_client.expect_error("restore_revision", **call)
    assert read_stored_value(store, persona_id, PATIENCE) == "medium"


async def test_nothing_is_written_unless_every_conflict_is_in_overwrite(
    tool_client: ToolClient, store: Store
) -> None:
    persona_id, undo = await change_patience(tool_client)
    edit_in_dashboard(store, persona_id, PATIENCE, "medium")
    edit_in_dashboard(store, persona_id, INTERRUPTIBILITY, "medium")
    message = await tool_client.expect_error("restore_revision", **undo, overwrite=[PATIENCE])
    assert INTERRUPTIBILITY in message
    assert read_stored_value(store, persona_id, PATIENCE) == "medium"
    await tool_client.expect_result("restore_revision", **undo, overwrite=["conversational_flow"])
    assert read_stored_value(store, persona_id, PATIENCE) == "low"


async def test_edits_of_other_fields_are_no_conflict_and_are_preserved(
    tool_client: ToolClient, store: Store
) -> None:
    persona_id, undo = await change_patience(tool_client)
    edit_in_dashboard(store, persona_id, "/greeting", "Theirs.")
    edit_in_dashboard(store, persona_id, "/layers/conversational_flow/wake_phrase", "Hey")
    await tool_client.expect_result("restore_revision", **undo)
    assert read_stored_value(store, persona_id, PATIENCE) == "low"
    assert read_stored_value(store, persona_id, "/greeting") == "Theirs."
    assert read_stored_value(store, persona_id, "/layers/conversational_flow/wake_phrase") == "Hey"


async def test_an_edit_that_already_took_the_change_back_is_no_conflict(
    tool_client: ToolClient, store: Store
) -> None:
    persona_id, undo = await change_patience(tool_client)
    edit_in_dashboard(store, persona_id, PATIENCE, "low")
    await tool_client.expect_result("restore_revision", **undo)
    assert read_stored_value(store, persona_id, INTERRUPTIBILITY) == "low"


async def test_a_field_added_to_a_layer_that_the_change_created_is_a_conflict(
    tool_client: ToolClient, store: Store
) -> None:
    persona_id = await tool_client.create_persona()
    receipt = await tool_client.expect_result(
        "configure_stt", persona_id=persona_id, stt_engine="tavus-auto"
    )
    edit_in_dashboard(store, persona_id, "/layers/stt/hotwords", "Theirs")
    undo = receipt["undo"]["arguments"]
    if undo["only"] == ["/layers/stt"]:
        message = await tool_client.expect_error("restore_revision", **undo)
        assert '/layers/stt/hotwords: nothing after our change, "Theirs" now' in message
    else:
        await tool_client.expect_result("restore_revision", **undo)
    assert read_stored_value(store, persona_id, "/layers/stt/hotwords") == "Theirs"


async def test_a_dry_run_of_an_undo_is_a_conflict_as_well(
    tool_client: ToolClient, store: Store
) -> None:
    persona_id, undo = await change_patience(tool_client)
    planned = await tool_client.expect_result("restore_revision", **undo, dry_run=True)
    edit_in_dashboard(store, persona_id, PATIENCE, "medium")
    message = await tool_client.expect_error("restore_revision", **undo, dry_run=True)
    assert parse_suggested_call(message)["dry_run"] is True
    assert "Nothing was written" in await tool_client.expect_error(
        "apply_plan", plan_id=planned["plan_id"]
    )
    assert read_stored_value(store, persona_id, PATIENCE) == "medium"


async def test_a_restore_without_after_revision_overwrites_as_before(
    tool_client: ToolClient, store: Store
) -> None:
    persona_id, undo = await change_patience(tool_client)
    edit_in_dashboard(store, persona_id, PATIENCE, "medium")
    del undo["after_revision"]
    await tool_client.expect_result("restore_revision", **undo)
    assert read_stored_value(store, persona_id, PATIENCE) == "low"


async def test_an_unknown_after_revision_is_refused_with_advice(tool_client: ToolClient) -> None:
    _, undo = await change_patience(tool_client)
    message = await tool_client.expect_error(
        "restore_revision", **{**undo, "after_revision": "0123456789ab"}
    )
    assert "/after_revision" in message
    assert "compare_personas" in message


async def test_overwrite_without_after_revision_is_refused(tool_client: ToolClient) -> None:
    _, undo = await change_patience(tool_client)
    del undo["after_revision"]
    message = await tool_client.expect_error("restore_revision", **undo, overwrite=[PATIENCE])
    assert "/overwrite" in message


async def test_a_key_that_may_have_been_replaced_since_is_reported_as_not_compared(
    tool_client: ToolClient, store: Store
) -> None:
    tts = {"tts_engine": "cartesia"}
    persona_id = await tool_client.create_persona(layers={"tts": tts})
    receipt = await tool_client.expect_result(
        "configure_tts", persona_id=persona_id, api_key_ref="openai"
    )
    undone = await tool_client.expect_result("restore_revision", **receipt["undo"]["arguments"])
    messages = [
        item["message"] for item in undone["findings"] if item["path"] == "/layers/tts/api_key"
    ]
    assert any("cannot be seen" in message for message in messages)
    assert read_stored_value(store, persona_id, "/layers/tts") == tts


async def test_a_key_that_someone_set_since_is_a_conflict_that_shows_no_key(
    tool_client: ToolClient, store: Store
) -> None:
    persona_id = await tool_client.create_persona()
    receipt = await tool_client.expect_result(
        "patch_persona",
        persona_id=persona_id,
        patch=[{"op": "add", "path": "/layers/tts", "value": {"tts_engine": "cartesia"}}],
    )
    edit_in_dashboard(store, persona_id, "/layers/tts/api_key", SECRET)
    message = await tool_client.expect_error("restore_revision", **receipt["undo"]["arguments"])
    assert "/layers/tts/api_key: nothing after our change" in message
    assert "cannot be compared" in message
    assert SECRET not in message
    assert read_stored_value(store, persona_id, "/layers/tts/api_key") == SECRET


async def test_a_conflict_of_long_texts_cites_the_part_that_differs(
    tool_client: ToolClient, store: Store
) -> None:
    start = "You are a patient assistant. " * 20
    persona_id = await tool_client.create_persona(system_prompt=f"{start}Say A.")
    receipt = await tool_client.expect_result(
        "update_persona", persona_id=persona_id, system_prompt=f"{start}Say B."
    )
    edit_in_dashboard(store, persona_id, "/system_prompt", f"{start}Say C.")
    message = await tool_client.expect_error("restore_revision", **receipt["undo"]["arguments"])
    assert all(f"Say {letter}." in message for letter in "ABC")
    assert len(message) < 1_500


async def test_undoing_two_changes_in_reverse_order_is_no_conflict(
    tool_client: ToolClient, store: Store
) -> None:
    persona_id = await tool_client.create_persona(greeting="One.")
    undos = []
    for greeting in ("Two.", "Three."):
        receipt = await tool_client.expect_result(
            "update_persona", persona_id=persona_id, greeting=greeting
        )
        undos.append(receipt["undo"]["arguments"])
    for undo in reversed(undos):
        await tool_client.expect_result("restore_revision", **undo)
    assert read_stored_value(store, persona_id, "/greeting") == "One."


TEXTS = st.sampled_from(["One.", "Two.", "Three."])
TAGS = st.lists(st.sampled_from(["a", "b", "c"]), unique=True, min_size=1)
EDITABLE: dict[str, st.SearchStrategy[Any]] = {
    "/greeting": TEXTS,
    "/document_tags": TAGS,
    "/layers/stt": st.fixed_dictionaries({"hotwords": TEXTS, "stt_engine": st.just("tavus-auto")}),
    "/layers/stt/hotwords": TEXTS,
}


@st.composite
def edits(draw: st.DrawFn) -> tuple[str, Any]:
    """Draw a field or a layer, and a new value; None removes it."""
    path = draw(st.sampled_from(sorted(EDITABLE)))
    return path, draw(st.one_of(st.none(), EDITABLE[path]))


ROUNDS = st.tuples(
    edits(), st.lists(edits(), min_size=1, max_size=3), st.integers(0, 1), st.booleans()
)
"""Our change, edits in the dashboard, which change is undone, and whether edits are overwritten."""


def flatten(value: Any, path: str = "") -> dict[str, Any]:
    """Return the leaves of a document by path; lists count as leaves."""
    if not isinstance(value, dict):
        return {path: value}
    leaves: dict[str, Any] = {}
    for key, item in value.items():
        if key != "updated_at":
            leaves |= flatten(item, path + pointer_of([key]))
    return leaves


async def make_our_change(
    tool_client: ToolClient, persona_id: str, path: str, value: Any
) -> dict[str, Any] | None:
    """Change a field through our server; return the receipt, None when it changed nothing."""
    patch = [{"op": "add", "path": path, "value": value}]
    if value is None:
        patch = [{"op": "remove", "path": path}]
    result = await tool_client.call("patch_persona", persona_id=persona_id, patch=patch)
    receipt = result.structured_content
    return receipt if not result.is_error and receipt and receipt.get("undo") else None


async def undo_and_check(
    tool_client: ToolClient,
    store: Store,
    arguments: dict[str, Any],
    after_change: dict[str, Any],
    *,
    is_overwriting: bool,
) -> dict[str, Any] | None:
    """Undo a change; check that only named later edits are lost; return the receipt."""
    persona_id = arguments["persona_id"]
    before = flatten(store.get("persona", persona_id))
    overwritten: list[str] = []
    result = await tool_client.call("restore_revision", **arguments)
    if result.is_error:
        assert flatten(store.get("persona", persona_id)) == before
        if is_overwriting and "overwrite=" in str(result.content):
            call = parse_suggested_call(text_of(result))
            overwritten = call["overwrite"]
            result = await tool_client.call("restore_revision", **call)
    now = flatten(store.get("persona", persona_id))
    for path in {**before, **now}:
        is_written = before.get(path) != now.get(path)
        is_edited = before.get(path) != after_change.get(path)
        assert not (is_written and is_edited and path not in overwritten), path
    receipt = result.structured_content
    return receipt if not result.is_error and receipt and receipt.get("undo") else None


@given(rounds=st.lists(ROUNDS, min_size=1, max_size=4))
@settings(max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_no_edit_of_another_is_lost_unless_named_in_overwrite(
    tool_client: ToolClient, store: Store, rounds: list[tuple[Any, list[Any], int, bool]]
) -> None:
    persona_id = await tool_client.create_persona(
        greeting="One.", document_tags=["a"], layers={"stt": {"hotwords": "One."}}
    )
    undoable: list[tuple[dict[str, Any], dict[str, Any]]] = []

    def note_undo(receipt: dict[str, Any] | None) -> None:
        if receipt is not None:
            document = flatten(store.get("persona", persona_id))
            undoable.append((receipt["undo"]["arguments"], document))

    for our_edit, dashboard_edits, age, is_overwriting in rounds:
        note_undo(await make_our_change(tool_client, persona_id, *our_edit))
        for path, value in dashboard_edits:
            edit_in_dashboard(store, persona_id, path, value)
        if undoable:
            arguments, after_change = undoable[-1 - age % len(undoable)]
            note_undo(
                await undo_and_check(
                    tool_client, store, arguments, after_change, is_overwriting=is_overwriting
                )
            )
