"""``edit_prompt``: find and replace, exactly, and never the whole prompt over the wire twice."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from mcp_client import Desk

pytestmark = pytest.mark.anyio


async def edited(desk: Desk, prompt: str, **arguments: Any) -> tuple[str, dict[str, Any]]:
    persona_id = await desk.create(system_prompt=prompt)
    receipt = await desk.facts("edit_prompt", persona_id=persona_id, **arguments)
    return persona_id, receipt


async def test_a_piece_is_replaced_and_the_rest_stays(desk: Desk) -> None:
    persona_id, receipt = await edited(
        desk, "You are calm.\nYou sell tea.", find="calm", replace="cheerful"
    )
    assert (await desk.persona(persona_id))["system_prompt"] == "You are cheerful.\nYou sell tea."
    assert receipt["changes"][0]["path"] == "/system_prompt"


@pytest.mark.parametrize("field", ["context", "greeting"])
async def test_the_other_texts_can_be_edited_too(desk: Desk, field: str) -> None:
    persona_id = await desk.create(**{field: "Say hello."})
    await desk.facts(
        "edit_prompt", persona_id=persona_id, field=field, find="hello", replace="good day"
    )
    assert (await desk.persona(persona_id))[field] == "Say good day."


async def test_a_text_that_is_not_there_is_refused_with_what_comes_near(desk: Desk) -> None:
    persona_id = await desk.create(system_prompt="You are  Calm and kind.\nYou sell tea.")
    said = await desk.refusal(
        "edit_prompt", persona_id=persona_id, find="you are calm", replace="x"
    )
    assert "not in it" in said
    assert "You are  Calm and kind." in said
    far = await desk.refusal("edit_prompt", persona_id=persona_id, find="zebra", replace="x")
    assert "Close" not in far
    assert len(desk.wire.writes) == 1


async def test_a_text_that_is_there_more_than_once_is_refused_unless_all_are_meant(
    desk: Desk,
) -> None:
    persona_id = await desk.create(system_prompt="tea and tea and tea")
    said = await desk.refusal("edit_prompt", persona_id=persona_id, find="tea", replace="ale")
    assert "3 times" in said
    assert "replace_all" in said
    await desk.facts(
        "edit_prompt", persona_id=persona_id, find="tea", replace="ale", replace_all=True
    )
    assert (await desk.persona(persona_id))["system_prompt"] == "ale and ale and ale"


async def test_an_empty_replacement_removes_the_text(desk: Desk) -> None:
    persona_id, receipt = await edited(desk, "You are very calm.", find=" very", replace="")
    assert (await desk.persona(persona_id))["system_prompt"] == "You are calm."
    await desk.facts(receipt["undo"]["tool"], **receipt["undo"]["arguments"])
    assert (await desk.persona(persona_id))["system_prompt"] == "You are very calm."


async def test_an_empty_text_to_find_is_refused(desk: Desk) -> None:
    persona_id = await desk.create()
    said = await desk.refusal("edit_prompt", persona_id=persona_id, find="", replace="x")
    assert "/find" in said


async def test_a_field_the_persona_lacks_is_said_to_be_absent(desk: Desk) -> None:
    persona_id = await desk.create()
    said = await desk.refusal(
        "edit_prompt", persona_id=persona_id, field="greeting", find="x", replace="y"
    )
    assert "/greeting" in said


async def test_the_whole_prompt_of_a_persona_in_full_mode_cannot_be_edited_away(
    desk: Desk,
) -> None:
    persona_id = await desk.create(system_prompt="tea")
    said = await desk.refusal("edit_prompt", persona_id=persona_id, find="tea", replace="")
    assert "/system_prompt" in said


async def test_replacing_a_text_by_itself_is_unchanged(desk: Desk) -> None:
    _, receipt = await edited(desk, "You sell tea.", find="tea", replace="tea")
    assert receipt["status"] == "unchanged"
    assert len(desk.wire.writes) == 1


async def test_a_long_prompt_travels_in_one_request_only_and_in_no_receipt(desk: Desk) -> None:
    """Ours: Tavus has no smaller write than the field; the model must not see it twice."""
    prompt = "Once. " + "You help people. " * 1_200
    _, receipt = await edited(desk, prompt, find="Once.", replace="Twice.")
    carrying = [item for item in desk.wire.writes if b"You help people. " * 1_200 in item.content]
    assert [item.method for item in carrying] == ["POST", "PATCH"]
    assert len(str(receipt)) < 2_000
    undo = receipt["undo"]
    assert undo["tool"] == "restore_revision"
    assert undo["arguments"]["only"] == ["/system_prompt"]


async def test_an_edit_of_an_old_revision_is_a_conflict(desk: Desk) -> None:
    persona_id = await desk.create(system_prompt="You sell tea.")
    old = (await desk.facts("get_persona", persona_id=persona_id))["revision"]
    await desk.facts("update_persona", persona_id=persona_id, greeting="Hi!")
    arguments = {"persona_id": persona_id, "find": "tea", "replace": "ale"}
    assert "revision" in await desk.refusal("edit_prompt", **arguments, if_revision=old)
    planned = await desk.facts("edit_prompt", **arguments, dry_run=True)
    assert planned["status"] == "planned"
    assert (await desk.persona(persona_id))["system_prompt"] == "You sell tea."


async def undone(desk: Desk, prompt: str, find: str, replace: str) -> str:
    """Edit a prompt and undo it; return what it is then."""
    persona_id, receipt = await edited(desk, prompt, find=find, replace=replace, replace_all=True)
    assert (await desk.persona(persona_id))["system_prompt"] == prompt.replace(find, replace)
    if receipt["status"] == "applied":
        await desk.facts(receipt["undo"]["tool"], **receipt["undo"]["arguments"])
    return str((await desk.persona(persona_id))["system_prompt"])


def overlaps_itself(text: str) -> bool:
    return any(text.startswith(text[start:]) for start in range(1, len(text)))


@given(
    prompt=st.text("ab", min_size=1, max_size=6),
    start=st.integers(0, 5),
    length=st.integers(1, 3),
    replace=st.text("ab", min_size=1, max_size=3),
)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
async def test_an_edit_of_all_occurrences_can_be_undone_exactly(
    desk: Desk, prompt: str, start: int, length: int, replace: str
) -> None:
    find = prompt[start : start + length]
    assume(find)
    assume(not overlaps_itself(replace))
    assert await undone(desk, prompt, find, replace) == prompt


async def test_an_edit_whose_new_text_overlaps_itself_is_undone_in_the_right_place(
    desk: Desk,
) -> None:
    assert await undone(desk, "ab", "b", "aa") == "ab"
