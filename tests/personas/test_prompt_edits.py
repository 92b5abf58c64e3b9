"""``edit_prompt``: exact find and replace; the whole prompt is sent at most once."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from mcp_client import ToolClient, text_of
from property_examples import examples

pytestmark = pytest.mark.anyio


async def edit_new_prompt(
    tool_client: ToolClient, prompt: str, **arguments: Any
) -> tuple[str, dict[str, Any]]:
    persona_id = await tool_client.create_persona(system_prompt=prompt)
    receipt = await tool_client.expect_result("edit_prompt", persona_id=persona_id, **arguments)
    return persona_id, receipt


async def test_a_passage_is_replaced_and_the_rest_is_unchanged(tool_client: ToolClient) -> None:
    persona_id, receipt = await edit_new_prompt(
        tool_client, "You are calm.\nYou sell tea.", find="calm", replace="cheerful"
    )
    assert (await tool_client.read_persona(persona_id))[
        "system_prompt"
    ] == "You are cheerful.\nYou sell tea."
    assert receipt["changes"][0]["path"] == "/system_prompt"


@pytest.mark.parametrize("field", ["context", "greeting"])
async def test_the_other_texts_can_be_edited_too(tool_client: ToolClient, field: str) -> None:
    persona_id = await tool_client.create_persona(**{field: "Say hello."})
    await tool_client.expect_result(
        "edit_prompt", persona_id=persona_id, field=field, find="hello", replace="good day"
    )
    assert (await tool_client.read_persona(persona_id))[field] == "Say good day."


async def test_a_missing_text_is_refused_with_the_closest_match(
    tool_client: ToolClient,
) -> None:
    persona_id = await tool_client.create_persona(
        system_prompt="You are  Calm and kind.\nYou sell tea."
    )
    error = await tool_client.expect_error(
        "edit_prompt", persona_id=persona_id, find="you are calm", replace="x"
    )
    assert "not in it" in error
    assert "You are  Calm and kind." in error
    far = await tool_client.expect_error(
        "edit_prompt", persona_id=persona_id, find="zebra", replace="x"
    )
    assert "Close" not in far
    assert len(tool_client.transport.writes) == 1


async def test_a_missing_text_that_another_field_holds_is_refused_with_that_field(
    tool_client: ToolClient,
) -> None:
    """Found in use: the text was in the greeting, and the refusal did not say so."""
    persona_id = await tool_client.create_persona(greeting="Hello from Acme.")
    for field in ("system_prompt", "context"):
        error = await tool_client.expect_error(
            "edit_prompt", persona_id=persona_id, field=field, find="Acme", replace="Apex"
        )
        assert f"/{field}: " in error
        assert "It is in /greeting." in error


@pytest.mark.parametrize(
    ("prompt", "find", "replace", "message"),
    [
        ("It costs 1490 or 49.", "49", "59", "number: 1 of 2 matches, like 'It costs 1490 or 49.'"),
        ("It costs 49.90 now.", "49", "59", "number: 1 of 1 match,"),
        ("Rates: 3,5 and 5.", "5", "6", "number: 1 of 2 matches,"),
        ("Steam is not tea.", "tea", "ale", "number: 1 of 2 matches,"),
        ("We are Acme Global.", "Acme", "Acme Global", "already: 1 of 1 match, like 'We are Acme"),
        ("Big Acme and Acme.", "Acme", "Big Acme", "already: 1 of 2 matches,"),
        ("Tea for 49, or 49. Then tea.", "49", "59", ""),
        ("Sell x-tea, tea's.", "tea", "ale", ""),
        ("\u7d05\u8336\u5e97", "\u8336", "\u9152", ""),
        ("We are Acme.", "Acme", "Acme Global", ""),
        ("We are Acme Global.", "Acme", "Apex", ""),
    ],
)
async def test_matches_that_were_probably_not_meant_are_a_warning(
    tool_client: ToolClient, prompt: str, find: str, replace: str, message: str
) -> None:
    """Found in use: 1490 became 1590, and Acme Global became Acme Global Global."""
    _, receipt = await edit_new_prompt(
        tool_client, prompt, find=find, replace=replace, replace_all=True, dry_run=True
    )
    found = [item["message"] for item in receipt["findings"] if " of " in item["message"]]
    assert len(found) == bool(message)
    assert all(message in item for item in found)


async def test_other_fields_that_contain_the_text_are_counted(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona(
        system_prompt="You sell tea.", greeting="Tea? We have tea, green tea.", context="None."
    )
    planned = await tool_client.expect_result(
        "edit_prompt", persona_id=persona_id, find="tea", replace="ale", dry_run=True
    )
    assert any("leaves them: /greeting (2)." in item["message"] for item in planned["findings"])


async def test_an_ambiguous_text_is_refused_unless_replace_all_is_set(
    tool_client: ToolClient,
) -> None:
    persona_id = await tool_client.create_persona(system_prompt="tea and tea and tea")
    error = await tool_client.expect_error(
        "edit_prompt", persona_id=persona_id, find="tea", replace="ale"
    )
    assert "3 times" in error
    assert "replace_all" in error
    await tool_client.expect_result(
        "edit_prompt", persona_id=persona_id, find="tea", replace="ale", replace_all=True
    )
    assert (await tool_client.read_persona(persona_id))["system_prompt"] == "ale and ale and ale"


async def test_an_ambiguous_text_is_quoted_with_its_surroundings(tool_client: ToolClient) -> None:
    """Earlier, the message did not name the matching places."""
    prompt = "Sell tea to the young. " + "Be kind. " * 20 + "Pour tea for the old."
    persona_id = await tool_client.create_persona(system_prompt=prompt)
    error = await tool_client.expect_error(
        "edit_prompt", persona_id=persona_id, find="tea", replace="ale"
    )
    assert "tea to the young" in error
    assert "Pour tea for the old" in error
    assert len(error) < 500
    persona_id = await tool_client.create_persona(system_prompt=f"{prompt} A\n{prompt} B\n" * 5)
    error = await tool_client.expect_error(
        "edit_prompt", persona_id=persona_id, find=prompt, replace="ale"
    )
    assert len(error) < 1_500
    prompt = "".join(f"Tea {number}: tea. {'Be kind. ' * 9}" for number in range(8))
    persona_id = await tool_client.create_persona(system_prompt=prompt)
    error = await tool_client.expect_error(
        "edit_prompt", persona_id=persona_id, find="tea", replace="ale"
    )
    assert "; and 3 more. Give" in error


async def test_without_a_replacement_all_texts_are_searched_and_nothing_is_sent(
    tool_client: ToolClient,
) -> None:
    persona_id = await tool_client.create_persona(
        system_prompt="You sell tea. " + "Be kind. " * 300 + "Tea is tea.", greeting="Some tea?"
    )
    found = await tool_client.expect_result("edit_prompt", persona_id=persona_id, find="tea")
    assert found["status"] == "unchanged"
    assert [(row["path"], row["count"]) for row in found["matches"]] == [
        ("/greeting", 1),
        ("/system_prompt", 2),
    ]
    assert found["matches"][1]["excerpts"][0].startswith("You sell tea. Be kind.")
    assert found["findings"][0]["message"].endswith("leaves: 1 in /system_prompt.")  # "Tea"
    assert len(str(found)) < 700
    assert len(tool_client.transport.writes) == 1


async def test_a_replacement_everywhere_says_how_many_places_it_concerns(
    tool_client: ToolClient,
) -> None:
    """The plan is shown to a person; long texts are abridged to the first places that differ."""
    prompt = "".join(f"Rule {number}: we sell coffee only. " for number in range(40))
    persona_id = await tool_client.create_persona(system_prompt=prompt)
    result = await tool_client.call(
        "edit_prompt",
        persona_id=persona_id,
        find="coffee",
        replace="tea",
        replace_all=True,
        dry_run=True,
    )
    assert result.structured_content is not None
    assert result.structured_content["matches"] == [{"path": "/system_prompt", "count": 40}]
    (change,) = result.structured_content["changes"]
    assert "Rule 2: we sell tea only" in change["after"]
    assert f"(more places differ; {len(prompt)} characters)" in change["before"]
    assert len(text_of(result)) < 1_200


async def test_a_search_without_a_match_shows_what_is_near(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona(system_prompt="You sell Green  Tea.")
    found = await tool_client.expect_result("edit_prompt", persona_id=persona_id, find="green tea")
    assert found["matches"] == []
    assert "You sell Green  Tea." in found["findings"][0]["message"]


async def test_an_empty_replacement_removes_the_text(tool_client: ToolClient) -> None:
    persona_id, receipt = await edit_new_prompt(
        tool_client, "You are very calm.", find=" very", replace=""
    )
    assert (await tool_client.read_persona(persona_id))["system_prompt"] == "You are calm."
    await tool_client.expect_result(receipt["undo"]["tool"], **receipt["undo"]["arguments"])
    assert (await tool_client.read_persona(persona_id))["system_prompt"] == "You are very calm."


async def test_an_empty_text_to_find_is_refused(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona()
    error = await tool_client.expect_error(
        "edit_prompt", persona_id=persona_id, find="", replace="x"
    )
    assert "/find" in error


async def test_an_absent_field_is_reported_as_absent(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona()
    error = await tool_client.expect_error(
        "edit_prompt", persona_id=persona_id, field="greeting", find="x", replace="y"
    )
    assert "/greeting" in error


async def test_the_whole_prompt_of_a_persona_in_full_mode_cannot_be_removed_by_an_edit(
    tool_client: ToolClient,
) -> None:
    persona_id = await tool_client.create_persona(system_prompt="tea")
    error = await tool_client.expect_error(
        "edit_prompt", persona_id=persona_id, find="tea", replace=""
    )
    assert "/system_prompt" in error


async def test_replacing_a_text_by_itself_is_unchanged(tool_client: ToolClient) -> None:
    _, receipt = await edit_new_prompt(tool_client, "You sell tea.", find="tea", replace="tea")
    assert receipt["status"] == "unchanged"
    assert len(tool_client.transport.writes) == 1


async def test_a_long_prompt_is_sent_once_and_appears_in_no_receipt(
    tool_client: ToolClient,
) -> None:
    """Tavus has no smaller write than the field; the model must not see it twice."""
    prompt = "Once. " + "You help people. " * 1_200
    _, receipt = await edit_new_prompt(tool_client, prompt, find="Once.", replace="Twice.")
    carrying = [
        item
        for item in tool_client.transport.writes
        if b"You help people. " * 1_200 in item.content
    ]
    assert [item.method for item in carrying] == ["POST", "PATCH"]
    assert len(str(receipt)) < 2_000
    undo = receipt["undo"]
    assert undo["tool"] == "restore_revision"
    assert undo["arguments"]["only"] == ["/system_prompt"]


async def test_an_edit_of_an_old_revision_is_a_conflict(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona(system_prompt="You sell tea.")
    old = (await tool_client.expect_result("get_persona", persona_id=persona_id))["revision"]
    await tool_client.expect_result("update_persona", persona_id=persona_id, greeting="Hi!")
    arguments = {"persona_id": persona_id, "find": "tea", "replace": "ale"}
    assert "revision" in await tool_client.expect_error("edit_prompt", **arguments, if_revision=old)
    planned = await tool_client.expect_result("edit_prompt", **arguments, dry_run=True)
    assert planned["status"] == "planned"
    assert (await tool_client.read_persona(persona_id))["system_prompt"] == "You sell tea."


async def edit_and_undo(tool_client: ToolClient, prompt: str, find: str, replace: str) -> str:
    """Edit a prompt and undo the edit; return the resulting prompt."""
    persona_id, receipt = await edit_new_prompt(
        tool_client, prompt, find=find, replace=replace, replace_all=True
    )
    assert (await tool_client.read_persona(persona_id))["system_prompt"] == prompt.replace(
        find, replace
    )
    if receipt["status"] == "applied":
        await tool_client.expect_result(receipt["undo"]["tool"], **receipt["undo"]["arguments"])
    return str((await tool_client.read_persona(persona_id))["system_prompt"])


def overlaps_itself(text: str) -> bool:
    return any(text.startswith(text[start:]) for start in range(1, len(text)))


@given(
    prompt=st.text("ab", min_size=1, max_size=6),
    start=st.integers(0, 5),
    length=st.integers(1, 3),
    replace=st.text("ab", min_size=1, max_size=3),
)
@settings(
    max_examples=examples(60),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
async def test_an_edit_of_all_occurrences_can_be_undone_exactly(
    tool_client: ToolClient, prompt: str, start: int, length: int, replace: str
) -> None:
    find = prompt[start : start + length]
    assume(find)
    assume(not overlaps_itself(replace))
    assert await edit_and_undo(tool_client, prompt, find, replace) == prompt


async def test_an_edit_with_a_self_overlapping_text_is_undone_at_the_right_position(
    tool_client: ToolClient,
) -> None:
    assert await edit_and_undo(tool_client, "ab", "b", "aa") == "ab"


async def test_a_remark_on_the_greeting_is_given_when_it_is_new(tool_client: ToolClient) -> None:
    """Found in use: each answer about a greeting repeated that its effect is not documented."""
    persona_id = await tool_client.create_persona()
    edit = {"persona_id": persona_id, "field": "greeting", "find": "Hello", "replace": "Good day"}
    answers = [
        await tool_client.expect_result("update_persona", persona_id=persona_id, greeting="Hello!"),
        await tool_client.expect_result("edit_prompt", **edit),
        await tool_client.expect_result("check_persona", persona_id=persona_id),
    ]
    remarks = [
        [item["path"] for item in answer["findings"] if "whether a persona's" in item["message"]]
        for answer in answers
    ]
    assert remarks == [["/greeting"], [], ["/greeting"]]
