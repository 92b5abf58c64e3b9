"""delete_persona with clients that support, lack, misuse or cancel elicitation, in raw JSON-RPC.

The SDK's client always declares both kinds of forms; these clients declare what a test requires.
"""

from __future__ import annotations

import json
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any

import pytest
from form_clients import (
    CURRENT_REVISION,
    ELICITATION_METHOD,
    FormUser,
    ManualClock,
    call_delete_unanswered,
    open_raw_client,
)
from mcp.shared.exceptions import MCPError
from mcp_client import ToolClient, build_test_app
from mcp_types import ElicitResult
from starlette.types import ASGIApp

from tavus_mcp.sandbox.store import Store
from tavus_mcp.server.server import build_server
from tavus_mcp.settings import Settings

if TYPE_CHECKING:
    from conftest import ToolClientFactory

pytestmark = pytest.mark.anyio
REVISIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", CURRENT_REVISION)
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


def is_stored(store: Store, persona_id: str) -> bool:
    return store.get("persona", persona_id) is not None


def store_persona(store: Store) -> str:
    row = {"persona_id": "p1", "persona_name": NAME, "persona_type": "user", "layers": {}}
    store.put("persona", "p1", {**row, "system_prompt": "You help.", "pipeline_mode": "full"})
    return "p1"


@pytest.mark.parametrize("case", NONE)
@pytest.mark.parametrize("revision", REVISIONS)
async def test_a_client_without_form_support_gets_a_plan_and_no_form(
    sandbox: ASGIApp, store: Store, revision: str, case: str
) -> None:
    app, transport = build_test_app(sandbox)
    async with open_raw_client(build_server(app, Settings()), revision, NONE[case]) as raw_client:
        answer = await raw_client.call_delete_persona(store_persona(store))
    facts = answer["result"]["structuredContent"]
    assert facts["status"] == "planned"
    assert facts["plan_id"]
    assert "apply_plan" in facts["findings"][0]["hint"]
    assert is_stored(store, "p1")
    assert [request.method for request in transport.requests] == ["GET"]


@pytest.mark.parametrize("case", FORMS)
@pytest.mark.parametrize("revision", [it for it in REVISIONS if it != CURRENT_REVISION])
async def test_with_a_handshake_revision_the_form_is_sent_during_the_call(
    sandbox: ASGIApp, store: Store, revision: str, case: str
) -> None:
    clock = ManualClock()
    app, _ = build_test_app(sandbox, clock=clock)
    async with open_raw_client(build_server(app, Settings()), revision, FORMS[case]) as raw_client:
        request = await raw_client.call_delete_persona(store_persona(store))
        assert request["method"] == ELICITATION_METHOD
        assert list(request["params"]["requestedSchema"]["properties"]) == ["persona_name"]
        assert is_stored(store, "p1")
        clock.advance(seconds=3)
        answer = {"action": "accept", "content": {"persona_name": NAME}}
        await raw_client.send({"id": request["id"], "result": answer})
        done = await raw_client.receive()
    assert done["result"]["structuredContent"]["status"] == "applied"
    assert not is_stored(store, "p1")


@pytest.mark.parametrize("case", FORMS)
async def test_with_the_envelope_revision_the_form_is_the_result_and_the_call_is_repeated(
    sandbox: ASGIApp, store: Store, case: str
) -> None:
    clock = ManualClock()
    app, _ = build_test_app(sandbox, clock=clock)
    async with open_raw_client(
        build_server(app, Settings()), CURRENT_REVISION, FORMS[case]
    ) as raw_client:
        result = (await raw_client.call_delete_persona(store_persona(store)))["result"]
        assert result["resultType"] == "input_required"
        [(key, form)] = result["inputRequests"].items()
        assert form["method"] == ELICITATION_METHOD
        assert list(form["params"]["requestedSchema"]["properties"]) == ["persona_name"]
        assert is_stored(store, "p1")
        clock.advance(seconds=3)
        answer = {"action": "accept", "content": {"persona_name": NAME}}
        done = await raw_client.call_delete_persona(
            "p1", inputResponses={key: answer}, requestState=result["requestState"]
        )
    assert done["result"]["structuredContent"]["status"] == "applied"
    assert not is_stored(store, "p1")


async def test_a_connection_dropped_at_the_form_deletes_nothing(
    sandbox: ASGIApp, store: Store
) -> None:
    app, transport = build_test_app(sandbox)
    async with open_raw_client(
        build_server(app, Settings()), "2025-11-25", FORMS["a form"]
    ) as raw_client:
        assert (await raw_client.call_delete_persona(store_persona(store)))[
            "method"
        ] == ELICITATION_METHOD
    assert is_stored(store, "p1")
    assert transport.writes == []


async def test_an_answer_to_a_cancelled_form_deletes_nothing(
    sandbox: ASGIApp, store: Store
) -> None:
    """After the cancellation of a call, an answer to its form is not a consent."""
    clock = ManualClock()
    app, transport = build_test_app(sandbox, clock=clock)
    async with open_raw_client(
        build_server(app, Settings()), "2025-11-25", FORMS["a form"]
    ) as raw_client:
        request = await raw_client.call_delete_persona(store_persona(store))
        cancel = {"requestId": 2, "reason": "given up"}
        await raw_client.send({"method": "notifications/cancelled", "params": cancel})
        clock.advance(seconds=3)
        answer = {"action": "accept", "content": {"persona_name": NAME}}
        await raw_client.send({"id": request["id"], "result": answer})
        ping = await raw_client.send_request("ping")
        while (await raw_client.receive()).get("id") != ping:
            pass
    assert is_stored(store, "p1")
    assert transport.writes == []


def open_form_client(
    open_tool_client: ToolClientFactory, clock: ManualClock
) -> AbstractAsyncContextManager[ToolClient]:
    """Open a client that gets forms as results, in the revision that has no handshake."""
    client = {"elicitation_callback": FormUser(clock)}
    return open_tool_client(mode=CURRENT_REVISION, client=client, clock=clock)


YES = {"persona_name": ElicitResult(action="accept", content={"persona_name": NAME})}


async def test_a_tampered_request_state_is_refused(
    open_tool_client: ToolClientFactory, store: Store
) -> None:
    clock = ManualClock()
    async with open_form_client(open_tool_client, clock) as tool_client:
        result = await call_delete_unanswered(tool_client.client, store_persona(store))
        clock.advance(seconds=5)
        state = result.request_state
        end = "AA" if state[-2:] != "AA" else "BB"
        for wrong in (state[:-2] + end, state[:20], "", "2026-11-22T09:00:00+00:00"):
            with pytest.raises(MCPError, match="requestState"):
                await call_delete_unanswered(
                    tool_client.client, "p1", input_responses=YES, request_state=wrong
                )
        assert tool_client.transport.writes == []
    assert is_stored(store, "p1")


async def test_an_answer_without_request_state_gets_the_form_again(
    open_tool_client: ToolClientFactory, store: Store
) -> None:
    clock = ManualClock()
    async with open_form_client(open_tool_client, clock) as tool_client:
        again = await call_delete_unanswered(
            tool_client.client, store_persona(store), input_responses=YES
        )
        assert again.result_type == "input_required"
    assert is_stored(store, "p1")


async def test_a_request_state_is_refused_for_another_persona(
    open_tool_client: ToolClientFactory, store: Store
) -> None:
    clock = ManualClock()
    async with open_form_client(open_tool_client, clock) as tool_client:
        form = await call_delete_unanswered(tool_client.client, store_persona(store))
        store.put("persona", "p2", {**(store.get("persona", "p1") or {}), "persona_id": "p2"})
        clock.advance(seconds=5)
        with pytest.raises(MCPError, match="requestState"):
            await call_delete_unanswered(
                tool_client.client, "p2", input_responses=YES, request_state=form.request_state
            )
    assert is_stored(store, "p1")
    assert is_stored(store, "p2")


async def test_a_request_state_of_another_server_is_refused(
    open_tool_client: ToolClientFactory, store: Store
) -> None:
    clock = ManualClock()
    async with open_form_client(open_tool_client, clock) as tool_client:
        form = await call_delete_unanswered(tool_client.client, store_persona(store))
    clock.advance(seconds=5)
    async with open_form_client(open_tool_client, clock) as tool_client:
        with pytest.raises(MCPError, match="requestState"):
            await call_delete_unanswered(
                tool_client.client, "p1", input_responses=YES, request_state=form.request_state
            )
    assert is_stored(store, "p1")


async def test_a_replayed_answer_deletes_nothing_else(
    open_tool_client: ToolClientFactory, store: Store
) -> None:
    clock = ManualClock()
    async with open_form_client(open_tool_client, clock) as tool_client:
        form = await call_delete_unanswered(tool_client.client, store_persona(store))
        clock.advance(seconds=5)
        done = await call_delete_unanswered(
            tool_client.client, "p1", input_responses=YES, request_state=form.request_state
        )
        assert not done.is_error
        replayed = await call_delete_unanswered(
            tool_client.client, "p1", input_responses=YES, request_state=form.request_state
        )
        assert replayed.is_error
        assert tool_client.transport.request_lines.count("DELETE /v2/personas/p1") == 1


async def test_declining_is_final_when_the_same_form_is_answered_again(
    open_tool_client: ToolClientFactory, store: Store
) -> None:
    clock = ManualClock()
    async with open_form_client(open_tool_client, clock) as tool_client:
        form = await call_delete_unanswered(tool_client.client, store_persona(store))
        clock.advance(seconds=5)
        no = {"persona_name": ElicitResult(action="decline")}
        await call_delete_unanswered(
            tool_client.client, "p1", input_responses=no, request_state=form.request_state
        )
        await call_delete_unanswered(
            tool_client.client, "p1", input_responses=YES, request_state=form.request_state
        )
    assert is_stored(store, "p1")


async def test_the_text_and_structured_results_agree(sandbox: ASGIApp, store: Store) -> None:
    app, _ = build_test_app(sandbox)
    async with open_raw_client(build_server(app, Settings()), "2025-11-25", {}) as raw_client:
        result = (await raw_client.call_delete_persona(store_persona(store)))["result"]
    facts = result["structuredContent"]
    text = result["content"][0]["text"]
    for fact in (facts["plan_id"], facts["expires_at"], facts["findings"][0]["message"]):
        assert fact in text
    assert json.dumps(facts) not in text
