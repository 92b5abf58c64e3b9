"""plan_bulk_change with find and replace: a text is replaced wherever people wrote it."""

from __future__ import annotations

import pytest
from account import build_persona_row, create_bulk_plan, read_stored_personas, store_personas
from mcp_client import ToolClient, text_of

from tavus_mcp.sandbox.store import Store

pytestmark = pytest.mark.anyio

FUNCTION = {"name": "acme_order", "description": "Order at Acme."}
URL = "https://acme.example.com/v1"


def store_company(store: Store) -> list[str]:
    """Store personas of a company, one of another, and one that spells it otherwise."""
    layers = {
        "llm": {
            "model": "Acme",
            "base_url": URL,
            "api_key": "k-canary-12",
            "tools": [{"function": FUNCTION}],
        },
        "stt": {"hotwords": "Acme, order"},
        "perception": {"visual_awareness_queries": ["Is it an Acme box?"]},
    }
    return store_personas(
        store,
        build_persona_row(0, persona_name="Acme desk", greeting="Acme! Welcome to Acme."),
        build_persona_row(1, system_prompt="You work for Acme.", layers=layers),
        build_persona_row(2, greeting="Welcome to Other."),
        build_persona_row(3, greeting="Welcome to ACME."),
    )


async def test_a_company_is_renamed_everywhere_in_two_calls_and_back_in_two(
    tool_client: ToolClient, store: Store
) -> None:
    """Faults: 69 calls, because nothing searched inside texts."""
    ids = store_company(store)
    before = read_stored_personas(store, *ids)
    plan = await create_bulk_plan(tool_client, find="Acme", replace="Apex")
    assert plan["totals"] == {
        "planned": 2,
        "text_in_other_case": 1,
        "changes": 6,
        "matches": 7,
    }
    applied = await tool_client.expect_result("apply_plan", plan_id=plan["plan_id"])
    assert applied["totals"] == {"applied": 2}, applied
    first, second, other, capitals = read_stored_personas(store, *ids)
    assert first["persona_name"] == "Apex desk"
    assert first["greeting"] == "Apex! Welcome to Apex."
    assert second["system_prompt"] == "You work for Apex."
    assert second["layers"]["stt"]["hotwords"] == "Apex, order"
    assert second["layers"]["perception"]["visual_awareness_queries"] == ["Is it an Apex box?"]
    assert second["layers"]["llm"] == {
        "model": "Acme",
        "base_url": URL,
        "api_key": "k-canary-12",
        "tools": [{"function": {"name": "acme_order", "description": "Order at Apex."}}],
    }
    assert [other, capitals] == before[2:]
    undo = await create_bulk_plan(tool_client, undo_of=plan["plan_id"])
    await tool_client.expect_result("apply_plan", plan_id=undo["plan_id"])
    assert read_stored_personas(store, *ids) == before


async def test_the_plan_says_how_many_places_and_which_personas_have_another_case(
    tool_client: ToolClient, store: Store
) -> None:
    ids = store_company(store)
    result = await tool_client.call("plan_bulk_change", find="Acme", replace="Apex")
    assert result.structured_content is not None
    rows = result.structured_content["personas"]
    assert {row["persona_id"]: row["matches"] for row in rows} == {ids[0]: 3, ids[1]: 4}
    assert result.structured_content["skipped"] == [
        {
            "persona_id": ids[3],
            "persona_name": "Persona 3",
            "reason": "The text to find is there in another case only. Case must match.",
        }
    ]
    places = '["Acme! Welcome to Acme."]'
    assert f"~ /greeting: Acme -> Apex [1 persona]\n      places: {places}" in text_of(result)


async def test_a_replacement_is_limited_to_fields(tool_client: ToolClient, store: Store) -> None:
    """Found in use: a plan for prompts would have renamed personas too; it took a call for each."""
    ids = store_company(store)
    change = {"find": "Acme", "replace": "Apex"}
    plan = await create_bulk_plan(tool_client, **change, fields=["system_prompt", "perception"])
    assert [row["path"] for row in plan["changes"]] == [
        "/layers/perception/visual_awareness_queries/0",
        "/system_prompt",
    ]
    assert plan["totals"] == {
        "planned": 1,
        "text_in_other_fields": 2,
        "changes": 2,
        "matches": 2,
    }
    assert {row["persona_id"] for row in plan["skipped"]} == {ids[0], ids[3]}
    assert {row["reason"] for row in plan["skipped"]} == {
        "The text to find is in it, and not in these fields."
    }
    unlimited = await create_bulk_plan(tool_client, **change, persona_ids=ids)
    assert unlimited["totals"] == {
        "planned": 2,
        "text_absent": 1,
        "text_in_other_case": 1,
        "changes": 6,
        "matches": 7,
    }  # not "already so", which an assistant would report as done
    await tool_client.expect_result("apply_plan", plan_id=plan["plan_id"])
    first, second, *_ = read_stored_personas(store, *ids)
    assert (first["persona_name"], second["system_prompt"]) == ("Acme desk", "You work for Apex.")
    for fields, problem in ((["system_promt"], "did you mean"), (["/promt"], "no such field")):
        assert problem in await tool_client.expect_error(
            "plan_bulk_change", **change, fields=fields
        )
    assert "/fields: only find" in await tool_client.expect_error(
        "plan_bulk_change", everything=True, unset=["greeting"], fields=["greeting"]
    )


async def test_doubtful_matches_and_further_places_are_in_the_plan(
    tool_client: ToolClient, store: Store
) -> None:
    """Found in use: 1490 became 1590 without a warning, and places ended without a number."""
    store_personas(
        store,
        build_persona_row(0, greeting="It costs 1490.", system_prompt="It is 49."),
        build_persona_row(1, greeting="It costs 49 or 1490."),
        *(
            build_persona_row(number, greeting=f"Room 49, floor {number}.")
            for number in range(2, 5)
        ),
    )
    plan = await create_bulk_plan(tool_client, find="49", replace="59", fields=["greeting"])
    warnings = [item for item in plan["findings"] if item["severity"] == "warning"]
    assert ["longer word or number: 1 of 1 match" in item["message"] for item in warnings] == [True]
    assert "2 personas" in warnings[0]["message"]
    assert any("leaves them: /system_prompt (1)." in item["message"] for item in plan["findings"])
    [change] = plan["changes"]
    assert (len(change["places"]), change["places"][-1]) == (4, "and 2 more")
    assert change["places"][0] == "p00000000000: It costs 1490."  # an assistant has to say whose


async def test_a_text_that_is_nowhere_is_reported_as_absent(
    tool_client: ToolClient, store: Store
) -> None:
    """Found in use: ``unchanged`` with a number, and no word why."""
    ids = store_company(store)
    for selection, words in (
        ({}, "No text of any persona holds the text to find"),
        ({"persona_ids": ids[:3]}, "No text of the 3 personas holds"),
    ):
        plan = await tool_client.expect_result(
            "plan_bulk_change", find="Zenith", replace="Apex", **selection
        )
        (finding,) = plan["findings"]
        assert (finding["path"], plan["status"]) == ("/find", "unchanged")
        assert words in finding["message"]


async def test_an_empty_replacement_removes_the_text(tool_client: ToolClient, store: Store) -> None:
    ids = store_company(store)
    plan = await create_bulk_plan(tool_client, persona_ids=[ids[2]], find=" to Other", replace="")
    await tool_client.expect_result("apply_plan", plan_id=plan["plan_id"])
    (persona,) = read_stored_personas(store, ids[2])
    assert persona["greeting"] == "Welcome."


async def test_personas_are_selected_by_text_model_and_engine(
    tool_client: ToolClient, store: Store
) -> None:
    ids = store_company(store)
    values = {"languages": ["en", "de"]}
    for filters, expected in (
        ({"text_contains": "acme"}, [ids[0], ids[1], ids[3]]),
        ({"model": "Acme"}, [ids[1]]),
        ({"engine": "cartesia", "text_contains": "other"}, [ids[2]]),
    ):
        plan = await create_bulk_plan(tool_client, values=values, **filters)
        assert [row["persona_id"] for row in plan["personas"]] == expected
        assert plan["changes"][0]["path"] == "/languages"


async def test_a_quoted_place_holds_no_part_of_a_key(tool_client: ToolClient, store: Store) -> None:
    """A key at the end of an excerpt is cut, and a part of it is not recognised any more."""
    key = "ct-literal-77aa31-key"
    (persona_id,) = store_personas(
        store, build_persona_row(0, greeting=f"Welcome to Acme. We always use {key} here.")
    )
    await tool_client.expect_result("configure_tts", persona_id=persona_id, api_key=key)
    result = await tool_client.call("plan_bulk_change", find="Acme", replace="Apex")
    assert "places" in text_of(result)
    assert "ct-literal" not in str(result)
