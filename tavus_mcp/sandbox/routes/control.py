"""The sandbox's own controls under ``/_sandbox``, which Tavus does not have."""

from __future__ import annotations

from typing import Annotated, Literal, cast

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.vocabularies import to_persona_names
from tavus_mcp.sandbox import http
from tavus_mcp.sandbox.faults import CONTROL_PATH, Fault, Faults
from tavus_mcp.sandbox.ids import now
from tavus_mcp.sandbox.json_patch import Operations
from tavus_mcp.sandbox.routes.chat import script_answers
from tavus_mcp.sandbox.routes.conversations import (
    CONVERSATIONS,
    ENDED_BY_REQUEST,
    call_events,
    finish_conversation,
)
from tavus_mcp.sandbox.routes.documents import set_status
from tavus_mcp.sandbox.routes.personas import (
    MAKER_CHANGES,
    apply_and_validate,
    rename_operation,
    require_editable,
)
from tavus_mcp.sandbox.simulator.store_calls import (
    DEFAULT_COUNT,
    DEFAULT_SEED,
    MAX_SIMULATED_CALLS,
    SimulationError,
    make_calls,
)
from tavus_mcp.sandbox.store import Row, Store
from tavus_mcp.sandbox.switches import Switches, switches_of


class DashboardEdit(http.Body):
    """An edit that a person made in the dashboard: a JSON Patch, saved live or as a draft."""

    patch: Operations
    saved: Literal["live", "draft"] = "live"


class FinishedCall(http.Body):
    """The content of a call that the sandbox stores as if it had taken place."""

    transcript: list[JsonObject] = Field(default_factory=list)
    perception_analysis: str = ""
    shutdown_reason: str = ENDED_BY_REQUEST
    events: list[JsonObject] = Field(default_factory=list)


class ChatScript(http.Body):
    """The next answers of a chat, in their order."""

    answers: list[str]


class DocumentStatus(http.Body):
    """How far the processing of a document is (docs: get-document)."""

    status: Literal["started", "processing", "ready", "error", "recrawling"]
    progress: Annotated[int, Field(ge=0, le=100)] | None = None
    error_message: str | None = None


class SimulationRequest(http.Body):
    """Which calls to simulate: the persona, their number and the seed."""

    persona_id: str
    count: Annotated[int, Field(ge=1, le=MAX_SIMULATED_CALLS)] = DEFAULT_COUNT
    seed: int = DEFAULT_SEED


async def plan_fault(request: Request) -> Response:
    """Plan a fault."""
    _faults(request).plan(await http.read_body(request, Fault))
    return http.empty_response()


async def clear_faults(request: Request) -> Response:
    """Remove the planned faults."""
    _faults(request).clear()
    return http.empty_response()


async def list_requests(request: Request) -> Response:
    """Return the latest requests, oldest first, and the number of their connections."""
    faults = _faults(request)
    return http.json_response(
        {"requests": list(faults.log), "connections": len(faults.connections)}
    )


async def clear_requests(request: Request) -> Response:
    """Empty the request log."""
    _faults(request).clear_requests()
    return http.empty_response()


async def read_switches(request: Request) -> Response:
    """Return the switches as they are."""
    return http.json_response(switches_of(request).model_dump())


async def set_switches(request: Request) -> Response:
    """Set the switches that the body names; the others stay."""
    changed = switches_of(request).model_dump() | await http.read_object(request)
    request.app.state.switches = http.validate_body(Switches, changed)
    return http.json_response(changed)


async def reset_switches(request: Request) -> Response:
    """Set every switch to its default."""
    request.app.state.switches = Switches()
    return http.empty_response()


async def edit_persona(request: Request) -> Response:
    """Edit a persona as its owner does in the dashboard, without a request of the API.

    A live edit is in effect at once; a draft is unpublished edits (docs: pal/editing-lifecycle).
    """
    edit = await http.read_body(request, DashboardEdit)
    store = http.store_of(request)
    with store.write_transaction():
        row = require_editable(store, request.path_params["persona_id"])
        if edit.saved == "draft":
            store.put(MAKER_CHANGES, row["persona_id"], {"patch": edit.patch})
        else:
            _apply_edit(store, row, edit.patch, switches_of(request))
    return http.empty_response()


async def publish_maker_changes(request: Request) -> Response:
    """Publish the unpublished edits as a person does in the dashboard."""
    store = http.store_of(request)
    with store.write_transaction():
        row = require_editable(store, request.path_params["persona_id"])
        held = store.get(MAKER_CHANGES, row["persona_id"]) or {}
        _apply_edit(store, row, held.get("patch", []), switches_of(request))
        store.remove(MAKER_CHANGES, row["persona_id"])
    return http.empty_response()


def _apply_edit(store: Store, row: Row, patch: Operations, switches: Switches) -> None:
    operations = [rename_operation(item) for item in patch]
    after = apply_and_validate(store, row, operations, switches)
    store.put("persona", row["persona_id"], {**after, "updated_at": now()})


async def hold_maker_changes(request: Request) -> Response:
    """Give a persona unpublished edits in the dashboard (docs: pal/editing-lifecycle)."""
    store = http.store_of(request)
    with store.write_transaction():
        persona_id = require_editable(store, request.path_params["persona_id"])["persona_id"]
        store.put(MAKER_CHANGES, persona_id, {})
    return http.empty_response()


async def discard_maker_changes(request: Request) -> Response:
    """Discard the dashboard's edits."""
    http.store_of(request).remove(MAKER_CHANGES, request.path_params["persona_id"])
    return http.empty_response()


async def end_with_transcript(request: Request) -> Response:
    """End a conversation with a transcript, an analysis, a reason and further events."""
    call = await http.read_body(request, FinishedCall)
    store = http.store_of(request)
    with store.write_transaction():
        row = CONVERSATIONS.requested(request)
        events = call_events(
            row,
            call.transcript,
            analysis=call.perception_analysis,
            reason=call.shutdown_reason,
        )
        finish_conversation(store, row, [*events, *call.events])
    return http.empty_response()


async def script_chat(request: Request) -> Response:
    """Set the next answers of a chat."""
    script = await http.read_body(request, ChatScript)
    script_answers(http.store_of(request), request.path_params["conversation_id"], script.answers)
    return http.empty_response()


async def process_document(request: Request) -> Response:
    """Set the status of a document, as its processing at Tavus does."""
    status = await http.read_body(request, DocumentStatus)
    set_status(http.store_of(request), request.path_params["document_id"], status.model_dump())
    return http.empty_response()


async def simulate_calls(request: Request) -> Response:
    """Simulate calls of a persona; they are stored like others and can be listed and read."""
    sent = await http.read_object(request)
    http.reject_mixed_vocabularies(sent)
    simulation = http.validate_body(SimulationRequest, to_persona_names(sent))
    try:
        conversation_ids = make_calls(
            http.store_of(request),
            simulation.persona_id,
            count=simulation.count,
            seed=simulation.seed,
            id_field="pal_id" if "pal_id" in sent else "persona_id",
        )
    except SimulationError as error:
        raise http.bad_request(f"Bad Request: {error}") from error
    return http.json_response({"conversation_ids": conversation_ids})


def _faults(request: Request) -> Faults:
    return cast(Faults, request.app.state.faults)


ROUTES = (
    ("POST", f"{CONTROL_PATH}/faults", plan_fault),
    ("DELETE", f"{CONTROL_PATH}/faults", clear_faults),
    ("GET", f"{CONTROL_PATH}/requests", list_requests),
    ("DELETE", f"{CONTROL_PATH}/requests", clear_requests),
    ("GET", f"{CONTROL_PATH}/switches", read_switches),
    ("PATCH", f"{CONTROL_PATH}/switches", set_switches),
    ("DELETE", f"{CONTROL_PATH}/switches", reset_switches),
    ("POST", f"{CONTROL_PATH}/dashboard_edits/{{persona_id}}", edit_persona),
    ("POST", f"{CONTROL_PATH}/maker_changes/{{persona_id}}", hold_maker_changes),
    ("POST", f"{CONTROL_PATH}/maker_changes/{{persona_id}}/publish", publish_maker_changes),
    ("DELETE", f"{CONTROL_PATH}/maker_changes/{{persona_id}}", discard_maker_changes),
    ("POST", f"{CONTROL_PATH}/calls/{{conversation_id}}", end_with_transcript),
    ("POST", f"{CONTROL_PATH}/chats/{{conversation_id}}", script_chat),
    ("POST", f"{CONTROL_PATH}/documents/{{document_id}}", process_document),
    ("POST", f"{CONTROL_PATH}/conversations", simulate_calls),
)
