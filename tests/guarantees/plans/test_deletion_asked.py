"""delete_persona with a client that can show a form, in the protocol's old and new ways.

Required by us: deleting needs the persona's exact name, typed by a person; everything else is a
plan, and a no is final.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from asking import ERAS, NEW, Clock, Person
from mcp.shared.exceptions import MCPError
from mcp_client import SECRET, Desk, text_of
from mcp_types import ElicitResult, ErrorData

from tavus_mcp.sandbox.store import Store

if TYPE_CHECKING:
    from conftest import Opening

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("era", ERAS)]
NAME = "Front desk"


async def ask(opening: Opening, era: str, person: Person) -> tuple[Desk, str, dict[str, Any]]:
    """Let a persona be deleted before this person; return its id and what was answered."""
    client = {"elicitation_callback": person}
    async with opening(mode=era, client=client, clock=person.clock) as desk:
        persona_id = await desk.create(name=NAME)
        return desk, persona_id, await desk.facts("delete_persona", persona_id=persona_id)


def deletions(desk: Desk) -> list[str]:
    return [line for line in desk.wire.lines if line.startswith("DELETE")]


async def test_the_exact_name_typed_in_a_persons_time_deletes(
    opening: Opening, store: Store, era: str
) -> None:
    person = Person(Clock(), typed=NAME, seconds=1.0)
    desk, persona_id, answered = await ask(opening, era, person)
    assert answered["status"] == "applied"
    assert "plan_id" not in answered
    assert store.get("persona", persona_id) is None
    assert deletions(desk) == [f"DELETE /v2/personas/{persona_id}"]
    assert len(person.forms) == 1


UNCLEAR: dict[str, dict[str, Any]] = {
    "a wrong name": {"typed": "Front Desk"},
    "a part of the name": {"typed": "Front"},
    "the id": {"typed": "p1"},
    "an empty name": {"typed": ""},
    "blanks": {"typed": "   "},
    "under one second": {"typed": NAME, "seconds": 0.999},
    "at once": {"typed": NAME, "seconds": 0.0},
    "before it was asked": {"typed": NAME, "seconds": -5.0},
    "a cancel": {"action": "cancel"},
    "a cancel with the name": {"action": "cancel", "typed": NAME},
}


@pytest.mark.parametrize("how", UNCLEAR)
async def test_anything_else_is_a_plan_and_nothing_is_deleted(
    opening: Opening, store: Store, era: str, how: str
) -> None:
    desk, persona_id, answered = await ask(opening, era, Person(Clock(), **UNCLEAR[how]))
    assert answered["status"] == "planned"
    assert answered["plan_id"].startswith("plan-")
    assert answered["expires_at"] > "2026-11-22T09:"
    assert store.get("persona", persona_id) is not None
    assert deletions(desk) == []


SPOILT: dict[str, Any] = {
    "nothing": None,
    "an empty form": {},
    "another field": {"name": NAME},
    "a number": {"persona_name": 7},
    "null": {"persona_name": None},
    "a list": {"persona_name": [NAME]},
}


@pytest.mark.parametrize("what", SPOILT)
async def test_a_form_that_comes_back_spoilt_is_a_plan(
    request: pytest.FixtureRequest, opening: Opening, store: Store, era: str, what: str
) -> None:
    """Clients that fake a form accept it and fill in nothing, or something of their own."""
    desk, persona_id, answered = await ask(opening, era, Person(Clock(), content=SPOILT[what]))
    assert answered["status"] == "planned"
    assert answered["plan_id"].startswith("plan-")
    assert store.get("persona", persona_id) is not None
    assert deletions(desk) == []


@pytest.mark.parametrize("more", [{}, {"typed": NAME}], ids=["bare", "with the name"])
async def test_a_no_is_final_and_leaves_no_plan(
    opening: Opening, store: Store, era: str, more: dict[str, Any]
) -> None:
    desk, persona_id, answered = await ask(opening, era, Person(Clock(), "decline", **more))
    assert store.get("persona", persona_id) is not None
    assert "plan_id" not in answered
    assert "expires_at" not in answered
    told = answered["findings"][0]
    assert "said no" in told["message"]
    assert "final" in told["hint"]
    assert deletions(desk) == []


async def test_a_no_leaves_nothing_in_the_journal_that_could_be_applied(
    opening: Opening, era: str
) -> None:
    person = Person(Clock(), "decline")
    desk, _, _ = await ask(opening, era, person)
    with closing(sqlite3.connect(desk.server.app.diary.path)) as journal:
        kinds = [kind for (kind,) in journal.execute("SELECT kind FROM entries")]
    assert kinds
    assert "plan" not in kinds


async def test_a_dry_run_is_a_plan_without_a_question(opening: Opening, era: str) -> None:
    person = Person(Clock(), typed=NAME)
    async with opening(mode=era, client={"elicitation_callback": person}) as desk:
        persona_id = await desk.create(name=NAME)
        answered = await desk.facts("delete_persona", persona_id=persona_id, dry_run=True)
    assert answered["plan_id"]
    assert person.forms == []


async def test_the_form_has_one_text_field_and_says_what_goes(opening: Opening, era: str) -> None:
    person = Person(Clock(), "cancel")
    _, persona_id, _ = await ask(opening, era, person)
    [form] = person.forms
    assert NAME in form.message
    assert persona_id in form.message
    schema = form.requested_schema
    assert list(schema["properties"]) == ["persona_name"]
    assert schema["properties"]["persona_name"]["type"] == "string"
    assert schema["required"] == ["persona_name"]
    assert schema["type"] == "object"


async def test_the_message_of_the_form_shows_no_key_that_is_in_the_name(
    opening: Opening, era: str
) -> None:
    person = Person(Clock(), "cancel")
    async with opening(mode=era, client={"elicitation_callback": person}) as desk:
        persona_id = await desk.create(name=f"Bot {SECRET}")
        await desk.call("delete_persona", persona_id=persona_id)
    assert SECRET not in person.forms[0].message


async def test_a_client_that_declares_a_form_and_answers_with_an_error_gets_a_plan(
    request: pytest.FixtureRequest, opening: Opening, store: Store, era: str
) -> None:
    """In the new era such a client ends the exchange itself: nothing is sent again."""

    async def refusing(_: object, __: object) -> ErrorData:
        return ErrorData(code=-32600, message="no forms here")

    async with opening(mode=era, client={"elicitation_callback": refusing}) as desk:
        persona_id = await desk.create(name=NAME)
        if era == NEW:
            with pytest.raises(MCPError):
                await desk.call("delete_persona", persona_id=persona_id)
        else:
            answered = await desk.facts("delete_persona", persona_id=persona_id)
            assert answered["plan_id"].startswith("plan-")
        assert store.get("persona", persona_id) is not None
        assert deletions(desk) == []


async def test_a_person_who_never_answers_keeps_the_persona_when_the_call_is_given_up(
    opening: Opening, store: Store, era: str
) -> None:
    shown = anyio.Event()

    async def away(_: object, __: object) -> ElicitResult:
        shown.set()
        await anyio.sleep_forever()
        raise AssertionError

    async with opening(mode=era, client={"elicitation_callback": away}) as desk:
        persona_id = await desk.create(name=NAME)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(desk.client.call_tool, "delete_persona", {"persona_id": persona_id})
            await shown.wait()
            read = await desk.facts("get_persona", persona_id=persona_id)
            tasks.cancel_scope.cancel()
        assert read["persona"]["persona_name"] == NAME
        assert await desk.persona(persona_id)
        assert store.get("persona", persona_id) is not None
        assert deletions(desk) == []


@pytest.mark.parametrize("what", [{"name": "Reception"}, {"system_prompt": "You wait."}])
async def test_a_persona_that_changes_while_the_form_is_open_is_not_deleted(
    request: pytest.FixtureRequest, opening: Opening, store: Store, era: str, what: dict[str, str]
) -> None:
    """The person agreed to delete what they were shown, and nothing else."""
    person = Person(Clock(), typed=NAME)

    async def slow(context: object, params: object) -> ElicitResult:
        field, value = next(iter(what.items()))
        row = dict(store.get("persona", persona_id) or {})
        store.put("persona", persona_id, {**row, field.replace("name", "persona_name"): value})
        return await person(context, params)

    client = {"elicitation_callback": slow}
    async with opening(mode=era, client=client, clock=person.clock) as desk:
        persona_id = await desk.create(name=NAME)
        await desk.call("delete_persona", persona_id=persona_id)
    assert store.get("persona", persona_id) is not None
    assert deletions(desk) == []


async def test_a_deleted_persona_comes_back_by_the_call_that_undoes_it(
    opening: Opening, era: str
) -> None:
    person = Person(Clock(), typed=NAME)
    client = {"elicitation_callback": person}
    async with opening(mode=era, client=client, clock=person.clock) as desk:
        persona_id = await desk.create(name=NAME, greeting="Hello", context="A desk.")
        gone = await desk.facts("delete_persona", persona_id=persona_id)
        back = await desk.facts(gone["undo"]["tool"], **gone["undo"]["arguments"])
        assert back["persona_id"] != persona_id
        again = await desk.persona(back["persona_id"])
    assert (again["persona_name"], again["greeting"], again["context"]) == (
        NAME,
        "Hello",
        "A desk.",
    )
    assert any("new id" in finding["message"] for finding in back["findings"])


async def test_a_revision_that_was_not_seen_stops_the_question(opening: Opening, era: str) -> None:
    person = Person(Clock(), typed=NAME)
    async with opening(mode=era, client={"elicitation_callback": person}) as desk:
        persona_id = await desk.create(name=NAME)
        refused = await desk.call("delete_persona", persona_id=persona_id, if_revision="0" * 12)
    assert refused.is_error, text_of(refused)
    assert person.forms == []


async def test_what_is_asked_twice_is_answered_twice(opening: Opening, era: str) -> None:
    """An answer counts for one question: the next deletion asks again."""
    person = Person(Clock(), typed=NAME)
    client = {"elicitation_callback": person}
    async with opening(mode=era, client=client, clock=person.clock) as desk:
        first, second = await desk.create(name=NAME), await desk.create(name=NAME)
        await desk.facts("delete_persona", persona_id=first)
        person.action = "decline"
        kept = await desk.facts("delete_persona", persona_id=second)
    assert kept["status"] == "planned"
    assert len(person.forms) == 2
