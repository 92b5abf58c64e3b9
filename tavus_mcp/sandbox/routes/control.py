"""The sandbox's own controls under ``/_sandbox``: no part of Tavus."""

from __future__ import annotations

from typing import Annotated, cast

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.vocabularies import to_persona_names
from tavus_mcp.sandbox.faults import CONTROL, Fault, Faults
from tavus_mcp.sandbox.http import (
    Body,
    bad_request,
    no_clash,
    nothing,
    read_object,
    reply,
    shaped,
    store_of,
)
from tavus_mcp.sandbox.routes.conversations import ENDED_BY_REQUEST, call_events, finish
from tavus_mcp.sandbox.routes.personas import MAKER_CHANGES, editable
from tavus_mcp.sandbox.simulator.store_calls import (
    DEFAULT_COUNT,
    DEFAULT_SEED,
    MOST,
    NoCalls,
    make_calls,
)


class Call(Body):
    """What was said in a call, to be told as if it had taken place."""

    transcript: list[JsonObject] = Field(default_factory=list)
    perception_analysis: str = ""
    shutdown_reason: str = ENDED_BY_REQUEST
    events: list[JsonObject] = Field(default_factory=list)


class MadeUp(Body):
    """How many calls to make up, of which persona, and by which seed."""

    persona_id: str
    count: Annotated[int, Field(ge=1, le=MOST)] = DEFAULT_COUNT
    seed: int = DEFAULT_SEED


def routes() -> list[Route]:
    """Return the routes of the controls."""
    return [
        Route(f"{CONTROL}/faults", plan_fault, methods=["POST"]),
        Route(f"{CONTROL}/faults", clear_faults, methods=["DELETE"]),
        Route(f"{CONTROL}/requests", list_requests, methods=["GET"]),
        Route(f"{CONTROL}/requests", forget_requests, methods=["DELETE"]),
        Route(f"{CONTROL}/maker_changes/{{persona_id}}", edit_in_maker, methods=["POST"]),
        Route(f"{CONTROL}/maker_changes/{{persona_id}}", leave_maker, methods=["DELETE"]),
        Route(f"{CONTROL}/calls/{{conversation_id}}", hold_call, methods=["POST"]),
        Route(f"{CONTROL}/conversations", make_up, methods=["POST"]),
    ]


async def plan_fault(request: Request) -> Response:
    """Plan a failure."""
    body = await read_object(request)
    shaped(Fault, body)
    _faults(request).plan(Fault.model_validate(body))
    return nothing()


async def clear_faults(request: Request) -> Response:
    """Forget the planned failures."""
    _faults(request).clear()
    return nothing()


async def list_requests(request: Request) -> Response:
    """Return the latest requests, oldest first, and over how many connections they came."""
    faults = _faults(request)
    return reply({"requests": list(faults.log), "connections": len(faults.connections)})


async def forget_requests(request: Request) -> Response:
    """Empty the request log."""
    _faults(request).forget_requests()
    return nothing()


async def edit_in_maker(request: Request) -> Response:
    """Let the dashboard hold unpublished edits of a persona (docs: pal/editing-lifecycle)."""
    store = store_of(request)
    with store.writing():
        persona_id = editable(store, request.path_params["persona_id"])["persona_id"]
        store.put(MAKER_CHANGES, persona_id, {})
    return nothing()


async def leave_maker(request: Request) -> Response:
    """Discard the dashboard's edits."""
    store_of(request).remove(MAKER_CHANGES, request.path_params["persona_id"])
    return nothing()


async def hold_call(request: Request) -> Response:
    """End a conversation as if people had talked: transcript, analysis, reason, more events."""
    body = await read_object(request)
    shaped(Call, body)
    call = Call.model_validate(body)
    store = store_of(request)
    with store.writing():
        row = store.get("conversation", request.path_params["conversation_id"])
        if row is None:
            raise bad_request("Invalid conversation_id")
        told = call_events(
            row,
            call.transcript,
            analysis=call.perception_analysis,
            reason=call.shutdown_reason,
        )
        finish(store, row, [*told, *call.events])
    return nothing()


async def make_up(request: Request) -> Response:
    """Make up calls of a persona, which nobody held: they can be listed and read from now on."""
    sent = await read_object(request)
    no_clash(sent)
    body = to_persona_names(sent)
    shaped(MadeUp, body)
    asked = MadeUp.model_validate(body)
    try:
        made = make_calls(
            store_of(request),
            asked.persona_id,
            count=asked.count,
            seed=asked.seed,
            named_by="pal_id" if "pal_id" in sent else "persona_id",
        )
    except NoCalls as error:
        raise bad_request(f"Bad Request: {error}") from error
    return reply({"conversation_ids": made})


def _faults(request: Request) -> Faults:
    return cast(Faults, request.app.state.faults)
