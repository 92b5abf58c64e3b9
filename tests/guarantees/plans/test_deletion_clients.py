"""delete_persona before clients that have, lack, fake or drop elicitation, said on the wire.

The SDK's client always declares both kinds of forms; these clients declare what they are told to.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from asking import FORM, NEW, Clock, Person, question, talking
from mcp.shared.exceptions import MCPError
from mcp_client import world
from mcp_types import ElicitResult
from starlette.types import ASGIApp

from tavus_mcp.sandbox.store import Store
from tavus_mcp.server.server import build_server
from tavus_mcp.settings import Settings

if TYPE_CHECKING:
    from conftest import Opening

pytestmark = pytest.mark.anyio
REVISIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", NEW)
NAME = "Front desk"
FORMS: dict[str, dict[str, Any]] = {
    "a form": {"elicitation": {"form": {}}},
    "a form, as it was first declared": {"elicitation": {}},
    "a form and an address": {"elicitation": {"form": {}, "url": {}}},
}
NONE: dict[str, dict[str, Any]] = {
    "nothing": {},
    "an address only": {"elicitation": {"url": {}}},
    "sampling only": {"sampling": {}},
}


def kept(store: Store, persona_id: str) -> bool:
    return store.get("persona", persona_id) is not None


def stored(store: Store) -> str:
    row = {"persona_id": "p1", "persona_name": NAME, "persona_type": "user", "layers": {}}
    store.put("persona", "p1", {**row, "system_prompt": "You help.", "pipeline_mode": "full"})
    return "p1"


@pytest.mark.parametrize("what", NONE)
@pytest.mark.parametrize("revision", REVISIONS)
async def test_a_client_that_cannot_show_a_form_gets_a_plan_and_no_question(
    sandbox: ASGIApp, store: Store, revision: str, what: str
) -> None:
    app, wire = world(sandbox)
    async with talking(build_server(app, Settings()), revision, NONE[what]) as talk:
        answer = await talk.delete(stored(store))
    facts = answer["result"]["structuredContent"]
    assert facts["status"] == "planned"
    assert facts["plan_id"]
    assert "apply_plan" in facts["findings"][0]["hint"]
    assert kept(store, "p1")
    assert [request.method for request in wire.requests] == ["GET"]


@pytest.mark.parametrize("what", FORMS)
@pytest.mark.parametrize("revision", [it for it in REVISIONS if it != NEW])
async def test_the_old_way_asks_while_the_call_waits(
    sandbox: ASGIApp, store: Store, revision: str, what: str
) -> None:
    clock = Clock()
    app, _ = world(sandbox, clock=clock)
    async with talking(build_server(app, Settings()), revision, FORMS[what]) as talk:
        asked = await talk.delete(stored(store))
        assert asked["method"] == FORM
        assert list(asked["params"]["requestedSchema"]["properties"]) == ["persona_name"]
        assert kept(store, "p1")
        clock.turn(seconds=3)
        answer = {"action": "accept", "content": {"persona_name": NAME}}
        await talk.send({"id": asked["id"], "result": answer})
        done = await talk.take()
    assert done["result"]["structuredContent"]["status"] == "applied"
    assert not kept(store, "p1")


@pytest.mark.parametrize("what", FORMS)
async def test_the_new_way_answers_with_the_question_and_is_called_again(
    sandbox: ASGIApp, store: Store, what: str
) -> None:
    clock = Clock()
    app, _ = world(sandbox, clock=clock)
    async with talking(build_server(app, Settings()), NEW, FORMS[what]) as talk:
        asked = (await talk.delete(stored(store)))["result"]
        assert asked["resultType"] == "input_required"
        [(key, form)] = asked["inputRequests"].items()
        assert form["method"] == FORM
        assert list(form["params"]["requestedSchema"]["properties"]) == ["persona_name"]
        assert kept(store, "p1")
        clock.turn(seconds=3)
        answer = {"action": "accept", "content": {"persona_name": NAME}}
        done = await talk.delete(
            "p1", inputResponses={key: answer}, requestState=asked["requestState"]
        )
    assert done["result"]["structuredContent"]["status"] == "applied"
    assert not kept(store, "p1")


async def test_a_client_that_drops_the_connection_over_the_question_deletes_nothing(
    sandbox: ASGIApp, store: Store
) -> None:
    app, wire = world(sandbox)
    async with talking(build_server(app, Settings()), "2025-11-25", FORMS["a form"]) as talk:
        assert (await talk.delete(stored(store)))["method"] == FORM
    assert kept(store, "p1")
    assert wire.writes == []


async def test_an_answer_to_a_question_that_was_given_up_deletes_nothing(
    sandbox: ASGIApp, store: Store
) -> None:
    """The call was cancelled; what the person types then is nobody's yes."""
    clock = Clock()
    app, wire = world(sandbox, clock=clock)
    async with talking(build_server(app, Settings()), "2025-11-25", FORMS["a form"]) as talk:
        asked = await talk.delete(stored(store))
        cancel = {"requestId": 2, "reason": "given up"}
        await talk.send({"method": "notifications/cancelled", "params": cancel})
        clock.turn(seconds=3)
        answer = {"action": "accept", "content": {"persona_name": NAME}}
        await talk.send({"id": asked["id"], "result": answer})
        ping = await talk.begin("ping")
        while (await talk.take()).get("id") != ping:
            pass
    assert kept(store, "p1")
    assert wire.writes == []


YES = {"persona_name": ElicitResult(action="accept", content={"persona_name": NAME})}


async def test_a_tampered_request_state_is_refused(opening: Opening, store: Store) -> None:
    person = Person(Clock())
    client = {"elicitation_callback": person}
    async with opening(mode=NEW, client=client, clock=person.clock) as desk:
        asked = await question(desk.client, stored(store))
        person.clock.turn(seconds=5)
        state = asked.request_state
        end = "AA" if state[-2:] != "AA" else "BB"
        for wrong in (state[:-2] + end, state[:20], "", "2026-11-22T09:00:00+00:00"):
            with pytest.raises(MCPError, match="requestState"):
                await question(desk.client, "p1", input_responses=YES, request_state=wrong)
        assert desk.wire.writes == []
    assert kept(store, "p1")


async def test_an_answer_without_its_request_state_is_asked_again(
    opening: Opening, store: Store
) -> None:
    person = Person(Clock())
    client = {"elicitation_callback": person}
    async with opening(mode=NEW, client=client, clock=person.clock) as desk:
        again = await question(desk.client, stored(store), input_responses=YES)
        assert again.result_type == "input_required"
    assert kept(store, "p1")


async def test_a_request_state_serves_no_other_persona(opening: Opening, store: Store) -> None:
    person = Person(Clock())
    client = {"elicitation_callback": person}
    async with opening(mode=NEW, client=client, clock=person.clock) as desk:
        state = (await question(desk.client, stored(store))).request_state
        store.put("persona", "p2", {**(store.get("persona", "p1") or {}), "persona_id": "p2"})
        person.clock.turn(seconds=5)
        with pytest.raises(MCPError, match="requestState"):
            await question(desk.client, "p2", input_responses=YES, request_state=state)
    assert kept(store, "p1")
    assert kept(store, "p2")


async def test_a_request_state_of_another_server_is_refused(opening: Opening, store: Store) -> None:
    person = Person(Clock())
    client = {"elicitation_callback": person}
    async with opening(mode=NEW, client=client, clock=person.clock) as desk:
        state = (await question(desk.client, stored(store))).request_state
    person.clock.turn(seconds=5)
    async with opening(mode=NEW, client=client, clock=person.clock) as desk:
        with pytest.raises(MCPError, match="requestState"):
            await question(desk.client, "p1", input_responses=YES, request_state=state)
    assert kept(store, "p1")


async def test_a_replayed_answer_deletes_nothing_more(opening: Opening, store: Store) -> None:
    person = Person(Clock())
    client = {"elicitation_callback": person}
    async with opening(mode=NEW, client=client, clock=person.clock) as desk:
        state = (await question(desk.client, stored(store))).request_state
        person.clock.turn(seconds=5)
        done = await question(desk.client, "p1", input_responses=YES, request_state=state)
        assert not done.is_error
        replayed = await question(desk.client, "p1", input_responses=YES, request_state=state)
        assert replayed.is_error
        assert desk.wire.lines.count("DELETE /v2/personas/p1") == 1


async def test_a_no_is_final_also_when_the_same_question_is_answered_again(
    opening: Opening, store: Store
) -> None:
    person = Person(Clock())
    client = {"elicitation_callback": person}
    async with opening(mode=NEW, client=client, clock=person.clock) as desk:
        state = (await question(desk.client, stored(store))).request_state
        person.clock.turn(seconds=5)
        no = {"persona_name": ElicitResult(action="decline")}
        await question(desk.client, "p1", input_responses=no, request_state=state)
        await question(desk.client, "p1", input_responses=YES, request_state=state)
    assert kept(store, "p1")


async def test_the_answer_says_the_same_in_text_and_structure(
    sandbox: ASGIApp, store: Store
) -> None:
    app, _ = world(sandbox)
    async with talking(build_server(app, Settings()), "2025-11-25", {}) as talk:
        result = (await talk.delete(stored(store)))["result"]
    facts = result["structuredContent"]
    text = result["content"][0]["text"]
    for fact in (facts["plan_id"], facts["expires_at"], facts["findings"][0]["message"]):
        assert fact in text
    assert json.dumps(facts) not in text
