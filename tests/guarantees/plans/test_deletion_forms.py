"""delete_persona with a client that can show a form, in the protocol's old and new ways.

A deletion needs the exact name of the persona, typed by a person. Any other answer leads to a
plan, and a refusal is final.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from form_clients import CURRENT_REVISION, PROTOCOL_MODES, FormUser, ManualClock
from mcp.shared.exceptions import MCPError
from mcp_client import SECRET, ToolClient, text_of
from mcp_types import ElicitResult, ErrorData

from tavus_mcp.sandbox.store import Store

if TYPE_CHECKING:
    from conftest import ToolClientFactory

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("era", PROTOCOL_MODES)]
NAME = "Front desk"


async def delete_with_form(
    open_tool_client: ToolClientFactory, era: str, person: FormUser
) -> tuple[ToolClient, str, dict[str, Any]]:
    """Call ``delete_persona`` as this user; return the id of the persona and the answer."""
    client = {"elicitation_callback": person}
    async with open_tool_client(mode=era, client=client, clock=person.clock) as tool_client:
        persona_id = await tool_client.create_persona(name=NAME)
        return (
            tool_client,
            persona_id,
            await tool_client.expect_result("delete_persona", persona_id=persona_id),
        )


def list_deletions(tool_client: ToolClient) -> list[str]:
    return [line for line in tool_client.transport.request_lines if line.startswith("DELETE")]


async def test_typing_the_exact_name_at_human_speed_deletes_the_persona(
    open_tool_client: ToolClientFactory, store: Store, era: str
) -> None:
    person = FormUser(ManualClock(), typed_name=NAME, answer_seconds=1.0)
    tool_client, persona_id, answered = await delete_with_form(open_tool_client, era, person)
    assert answered["status"] == "applied"
    assert "plan_id" not in answered
    assert store.get("persona", persona_id) is None
    assert list_deletions(tool_client) == [f"DELETE /v2/personas/{persona_id}"]
    assert len(person.forms) == 1


UNCLEAR: dict[str, dict[str, Any]] = {
    "a wrong name": {"typed_name": "Front Desk"},
    "a part of the name": {"typed_name": "Front"},
    "the id": {"typed_name": "p1"},
    "an empty name": {"typed_name": ""},
    "blanks": {"typed_name": "   "},
    "under one second": {"typed_name": NAME, "answer_seconds": 0.999},
    "at once": {"typed_name": NAME, "answer_seconds": 0.0},
    "before it was asked": {"typed_name": NAME, "answer_seconds": -5.0},
    "a cancel": {"action": "cancel"},
    "a cancel with the name": {"action": "cancel", "typed_name": NAME},
}


@pytest.mark.parametrize("how", UNCLEAR)
async def test_any_other_answer_creates_a_plan_and_deletes_nothing(
    open_tool_client: ToolClientFactory, store: Store, era: str, how: str
) -> None:
    tool_client, persona_id, answered = await delete_with_form(
        open_tool_client, era, FormUser(ManualClock(), **UNCLEAR[how])
    )
    assert answered["status"] == "planned"
    assert answered["plan_id"].startswith("plan-")
    assert answered["expires_at"] > "2026-11-22T09:"
    assert store.get("persona", persona_id) is not None
    assert list_deletions(tool_client) == []


SPOILT: dict[str, Any] = {
    "nothing": None,
    "an empty form": {},
    "another field": {"name": NAME},
    "a number": {"persona_name": 7},
    "null": {"persona_name": None},
    "a list": {"persona_name": [NAME]},
}


@pytest.mark.parametrize("what", SPOILT)
async def test_a_malformed_form_answer_creates_a_plan(
    request: pytest.FixtureRequest,
    open_tool_client: ToolClientFactory,
    store: Store,
    era: str,
    what: str,
) -> None:
    """A client may accept a form without showing it, and fill in nothing or a text of its own."""
    tool_client, persona_id, answered = await delete_with_form(
        open_tool_client, era, FormUser(ManualClock(), content=SPOILT[what])
    )
    assert answered["status"] == "planned"
    assert answered["plan_id"].startswith("plan-")
    assert store.get("persona", persona_id) is not None
    assert list_deletions(tool_client) == []


@pytest.mark.parametrize("more", [{}, {"typed_name": NAME}], ids=["bare", "with the name"])
async def test_declining_deletes_nothing_and_creates_no_plan(
    open_tool_client: ToolClientFactory, store: Store, era: str, more: dict[str, Any]
) -> None:
    tool_client, persona_id, answered = await delete_with_form(
        open_tool_client, era, FormUser(ManualClock(), "decline", **more)
    )
    assert store.get("persona", persona_id) is not None
    assert "plan_id" not in answered
    assert "expires_at" not in answered
    finding = answered["findings"][0]
    assert "said no" in finding["message"]
    assert "final" in finding["hint"]
    assert list_deletions(tool_client) == []


async def test_declining_leaves_no_plan_in_the_journal(
    open_tool_client: ToolClientFactory, era: str
) -> None:
    person = FormUser(ManualClock(), "decline")
    tool_client, _, _ = await delete_with_form(open_tool_client, era, person)
    with closing(sqlite3.connect(tool_client.server.app.journal.location)) as journal:
        kinds = [kind for (kind,) in journal.execute("SELECT kind FROM entries")]
    assert kinds
    assert "plan" not in kinds


async def test_a_dry_run_creates_a_plan_without_a_form(
    open_tool_client: ToolClientFactory, era: str
) -> None:
    person = FormUser(ManualClock(), typed_name=NAME)
    async with open_tool_client(mode=era, client={"elicitation_callback": person}) as tool_client:
        persona_id = await tool_client.create_persona(name=NAME)
        answered = await tool_client.expect_result(
            "delete_persona", persona_id=persona_id, dry_run=True
        )
    assert answered["plan_id"]
    assert person.forms == []


async def test_the_form_has_one_text_field_and_names_what_is_deleted(
    open_tool_client: ToolClientFactory, era: str
) -> None:
    person = FormUser(ManualClock(), "cancel")
    _, persona_id, _ = await delete_with_form(open_tool_client, era, person)
    [form] = person.forms
    assert NAME in form.message
    assert persona_id in form.message
    schema = form.requested_schema
    assert list(schema["properties"]) == ["persona_name"]
    assert schema["properties"]["persona_name"]["type"] == "string"
    assert schema["required"] == ["persona_name"]
    assert schema["type"] == "object"
    description = schema.get("description")  # the form of the older protocol has one
    assert description in (None, "The form: the person types the name of the persona.")


async def test_the_form_message_masks_a_key_in_the_name(
    open_tool_client: ToolClientFactory, era: str
) -> None:
    person = FormUser(ManualClock(), "cancel")
    async with open_tool_client(mode=era, client={"elicitation_callback": person}) as tool_client:
        persona_id = await tool_client.create_persona(name=f"Bot {SECRET}")
        await tool_client.call("delete_persona", persona_id=persona_id)
    assert SECRET not in person.forms[0].message


async def test_a_form_answered_with_an_error_creates_a_plan(
    request: pytest.FixtureRequest, open_tool_client: ToolClientFactory, store: Store, era: str
) -> None:
    """In the new era such a client ends the exchange itself: nothing is sent again."""

    async def refusing(_: object, __: object) -> ErrorData:
        return ErrorData(code=-32600, message="no forms here")

    async with open_tool_client(mode=era, client={"elicitation_callback": refusing}) as tool_client:
        persona_id = await tool_client.create_persona(name=NAME)
        if era == CURRENT_REVISION:
            with pytest.raises(MCPError):
                await tool_client.call("delete_persona", persona_id=persona_id)
        else:
            answered = await tool_client.expect_result("delete_persona", persona_id=persona_id)
            assert answered["plan_id"].startswith("plan-")
        assert store.get("persona", persona_id) is not None
        assert list_deletions(tool_client) == []


async def test_cancelling_an_unanswered_form_deletes_nothing(
    open_tool_client: ToolClientFactory, store: Store, era: str
) -> None:
    form_arrived = anyio.Event()

    async def away(_: object, __: object) -> ElicitResult:
        form_arrived.set()
        await anyio.sleep_forever()
        raise AssertionError

    async with open_tool_client(mode=era, client={"elicitation_callback": away}) as tool_client:
        persona_id = await tool_client.create_persona(name=NAME)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(
                tool_client.client.call_tool, "delete_persona", {"persona_id": persona_id}
            )
            await form_arrived.wait()
            read = await tool_client.expect_result("get_persona", persona_id=persona_id)
            tasks.cancel_scope.cancel()
        assert read["persona"]["persona_name"] == NAME
        assert await tool_client.read_persona(persona_id)
        assert store.get("persona", persona_id) is not None
        assert list_deletions(tool_client) == []


@pytest.mark.parametrize("what", [{"name": "Reception"}, {"system_prompt": "You wait."}])
async def test_a_persona_that_changes_while_the_form_is_open_is_not_deleted(
    request: pytest.FixtureRequest,
    open_tool_client: ToolClientFactory,
    store: Store,
    era: str,
    what: dict[str, str],
) -> None:
    """The consent is for the persona as the form showed it."""
    person = FormUser(ManualClock(), typed_name=NAME)

    async def slow(context: object, params: object) -> ElicitResult:
        field, value = next(iter(what.items()))
        row = dict(store.get("persona", persona_id) or {})
        store.put("persona", persona_id, {**row, field.replace("name", "persona_name"): value})
        return await person(context, params)

    client = {"elicitation_callback": slow}
    async with open_tool_client(mode=era, client=client, clock=person.clock) as tool_client:
        persona_id = await tool_client.create_persona(name=NAME)
        await tool_client.call("delete_persona", persona_id=persona_id)
    assert store.get("persona", persona_id) is not None
    assert list_deletions(tool_client) == []


async def test_the_undo_call_restores_the_deleted_persona(
    open_tool_client: ToolClientFactory, era: str
) -> None:
    person = FormUser(ManualClock(), typed_name=NAME)
    client = {"elicitation_callback": person}
    async with open_tool_client(mode=era, client=client, clock=person.clock) as tool_client:
        persona_id = await tool_client.create_persona(
            name=NAME, greeting="Hello", context="A desk."
        )
        gone = await tool_client.expect_result("delete_persona", persona_id=persona_id)
        back = await tool_client.expect_result(gone["undo"]["tool"], **gone["undo"]["arguments"])
        assert back["persona_id"] != persona_id
        again = await tool_client.read_persona(back["persona_id"])
    assert (again["persona_name"], again["greeting"], again["context"]) == (
        NAME,
        "Hello",
        "A desk.",
    )
    assert any("new id" in finding["message"] for finding in back["findings"])


async def test_an_outdated_revision_prevents_the_form(
    open_tool_client: ToolClientFactory, era: str
) -> None:
    person = FormUser(ManualClock(), typed_name=NAME)
    async with open_tool_client(mode=era, client={"elicitation_callback": person}) as tool_client:
        persona_id = await tool_client.create_persona(name=NAME)
        refused = await tool_client.call(
            "delete_persona", persona_id=persona_id, if_revision="0" * 12
        )
    assert refused.is_error, text_of(refused)
    assert person.forms == []


async def test_each_deletion_needs_its_own_answer(
    open_tool_client: ToolClientFactory, era: str
) -> None:
    """A consent is for one deletion; the next one needs another."""
    person = FormUser(ManualClock(), typed_name=NAME)
    client = {"elicitation_callback": person}
    async with open_tool_client(mode=era, client=client, clock=person.clock) as tool_client:
        first, second = (
            await tool_client.create_persona(name=NAME),
            await tool_client.create_persona(name=NAME),
        )
        await tool_client.expect_result("delete_persona", persona_id=first)
        person.action = "decline"
        answer = await tool_client.expect_result("delete_persona", persona_id=second)
    assert answer["status"] == "declined"
    assert len(person.forms) == 2


async def test_a_persona_whose_name_is_blank_is_confirmed_by_its_id(
    open_tool_client: ToolClientFactory, store: Store, era: str
) -> None:
    """An empty answer was taken for the name."""
    person = FormUser(ManualClock(), typed_name="")
    client = {"elicitation_callback": person}
    async with open_tool_client(mode=era, client=client, clock=person.clock) as tool_client:
        persona_id = await tool_client.create_persona()
        await tool_client.edit_in_dashboard(persona_id, "/persona_name", "  ")
        answered = await tool_client.expect_result("delete_persona", persona_id=persona_id)
        assert answered["status"] == "planned"
        person.typed_name = persona_id
        answered = await tool_client.expect_result("delete_persona", persona_id=persona_id)
    assert answered["status"] == "applied"
    assert store.get("persona", persona_id) is None
