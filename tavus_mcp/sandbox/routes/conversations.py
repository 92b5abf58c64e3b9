"""Conversations without participants: created, read and ended (docs: conversations, webhooks)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import MISSING, Field
from starlette.requests import Request
from starlette.responses import Response

from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.vocabularies import to_pal_names, to_persona_names
from tavus_mcp.sandbox import http
from tavus_mcp.sandbox.ids import generate_id, now
from tavus_mcp.sandbox.routes.resource import Resource
from tavus_mcp.sandbox.store import Row, Store

ENDED_BY_REQUEST = "end_conversation_endpoint_hit"


def call_events(
    conversation: Row,
    transcript: Sequence[Any] = (),
    *,
    analysis: str = "",
    reason: str = ENDED_BY_REQUEST,
    ended_at: str = "",
) -> list[Row]:
    """Return the events of a call in the order in which they are sent.

    With ``ended_at`` the replica joined when the call was created; without it all times are now.
    """
    last = ended_at or now()
    first = conversation["created_at"] if ended_at else last
    replica_id = conversation["replica_id"]
    events: list[tuple[str, Row]] = [
        ("system.replica_joined", {"replica_id": replica_id}),
        ("system.pal_joined", {"replica_id": replica_id, "face_id": replica_id}),
        ("system.shutdown", {"shutdown_reason": reason}),
        ("application.transcription_ready", {"transcript": list(transcript)}),
        (
            ("application.perception_analysis", {"analysis": analysis})
            if analysis
            else ("application.perception_unavailable", {"reason": "no_vision_history"})
        ),
    ]
    return [
        _event(conversation, kind, properties, first if kind.endswith("_joined") else last)
        for kind, properties in events
    ]


def _event(conversation: Row, kind: str, properties: Row, timestamp: str) -> Row:
    return {
        "properties": properties,
        "conversation_id": conversation["conversation_id"],
        "webhook_url": conversation["callback_url"],
        "event_type": kind,
        "message_type": kind.partition(".")[0],
        "timestamp": timestamp,
    }


_INTERNAL_FIELDS = frozenset({"words", "events", "chat"})


def _public_row(row: Row) -> Row:
    public = {name: value for name, value in row.items() if name not in _INTERNAL_FIELDS}
    return dict(to_pal_names(public)) if row["words"] == "pal" else public


CONVERSATIONS = Resource(
    kind="conversation",
    parameter="conversation_id",
    not_found=(400, "Invalid conversation_id"),
    paging=http.Paging(limit=10, first_page=1),
    render=_public_row,
)
# "replica alone uses a default persona" (docs: create-conversation); which one is not said
_CHAT_HOST = "chat.invalid"  # nobody answers there: a chat of the sandbox has no room
_DEFAULT_PERSONA = "pcb7a34da5fe"
_CREATION_FIELDS = (
    "conversation_id",
    "conversation_name",
    "conversation_url",
    "status",
    "callback_url",
    "created_at",
    "meeting_token",
)


class Properties(http.Body):
    """Settings of a call; unknown ones are refused (live report)."""

    max_call_duration: Annotated[int, Field(ge=1)] = 3600
    participant_left_timeout: Annotated[int, Field(ge=0)] = 0
    participant_absent_timeout: Annotated[int, Field(ge=0)] = 300
    enable_recording: bool = False
    enable_closed_captions: bool = False
    apply_greenscreen: bool = False
    language: str = "english"
    languages: list[str] | MISSING = MISSING
    recording_storage: JsonObject | MISSING = MISSING
    recording_s3_bucket_name: str = ""
    recording_s3_bucket_region: str = ""
    aws_assume_role_arn: str = ""
    # LiveKit's plugin sends these two; no docs page has them
    livekit_ws_url: str = ""
    livekit_room_token: str = ""


class NewConversation(http.Body):
    """The body that starts a conversation (docs: create-conversation)."""

    persona_id: str = ""
    replica_id: str = ""
    conversation_name: str = ""
    callback_url: str = ""
    conversational_context: str = ""
    custom_greeting: str = ""
    enable_dynamic_greeting: bool = False
    test_mode: bool = False
    audio_only: bool = False
    require_auth: bool = False
    max_participants: Annotated[int, Field(ge=2)] = 2
    policy: str = ""
    meeting_url: str = ""
    chat: bool = False
    modality: Literal["text"] | MISSING = MISSING  # the vendor's builder sends it with chat
    memory_stores: list[str] | MISSING = MISSING
    document_ids: list[str] | MISSING = MISSING
    document_tags: list[str] | MISSING = MISSING
    document_retrieval_strategy: Literal["speed", "balanced", "quality"] = "balanced"
    objectives_id: str = ""
    properties: Properties | MISSING = MISSING


async def create(request: Request) -> Response:
    """Start a conversation; with ``test_mode`` it ends at once (docs: create-conversation)."""
    sent = await http.read_object(request)
    http.reject_mixed_vocabularies(sent)
    body = to_persona_names(sent)
    http.validate_body(NewConversation, body)
    store = http.store_of(request)
    row = build_conversation_row(sent, body, *_resolve_participants(store, body))
    store.put("conversation", row["conversation_id"], row)
    return http.json_response({name: row[name] for name in _CREATION_FIELDS if name in row})


async def list_all(request: Request) -> Response:
    """List conversations, filtered by status if it is given."""
    status = request.query_params.get("status")
    return http.json_response(CONVERSATIONS.page(request, {"status": status} if status else None))


async def read(request: Request) -> Response:
    """Return one conversation; ``verbose`` adds the events of its callbacks (live report)."""
    row = CONVERSATIONS.requested(request)
    events = {"events": row["events"]} if http.query_flag(request, "verbose") else {}
    return http.json_response(_public_row(row) | events)


async def end(request: Request) -> Response:
    """End a call; ending it again is fine (live report of October 2026)."""
    store = http.store_of(request)
    with store.write_transaction():
        row = store.get("conversation", request.path_params["conversation_id"])
        if row is None:
            raise http.HttpError(404, "Invalid conversation_id")
        if row["status"] != "ended":
            finish_conversation(store, row, call_events(row))
    return http.empty_response(200)


def build_conversation_row(original_body: Row, body: Row, persona_id: str, replica_id: str) -> Row:
    """Return a conversation as it is stored; ``body`` is ``original_body`` in persona names."""
    conversation_id, born = generate_id("conversation"), now()
    host = _CHAT_HOST if body.get("chat") else "tavus.daily.co"
    row: dict[str, Any] = {
        "conversation_id": conversation_id,
        "conversation_name": body.get("conversation_name", ""),
        "conversation_url": f"https://{host}/{conversation_id}",
        "status": "ended" if body.get("test_mode") else "active",
        "callback_url": body.get("callback_url", ""),
        "persona_id": persona_id,
        "replica_id": replica_id,
        "created_at": born,
        "updated_at": born,
        "events": [],
        # reads of one account mix both vocabularies (live report); here they follow the creation
        "words": "pal" if {"pal_id", "face_id"} & original_body.keys() else "persona",
    }
    if body.get("chat"):
        row["chat"] = True
    if body.get("require_auth"):
        row["meeting_token"] = f"sandbox.{conversation_id}"
    return row


def finish_conversation(store: Store, row: Row, events: list[Row]) -> Row:
    """Store a call as ended, with its events."""
    ended = row | {"status": "ended", "events": events, "updated_at": now()}
    store.put("conversation", row["conversation_id"], ended)
    return ended


def _resolve_participants(store: Store, body: Row) -> tuple[str, str]:
    """Return persona and replica; the request's replica wins over the persona's (docs)."""
    if not body.get("persona_id") and not body.get("replica_id"):
        raise http.bad_request("Bad Request: either persona_id or replica_id is required")
    persona = store.get("persona", body.get("persona_id") or _DEFAULT_PERSONA)
    if persona is None:
        raise http.bad_request("Invalid persona_id")
    replica_id = body.get("replica_id") or persona.get("default_replica_id")
    if not replica_id:
        raise http.bad_request("Bad Request: the persona has no default replica; give replica_id")
    if store.get("replica", replica_id) is None:
        raise http.bad_request("Invalid replica_uuid")
    return str(persona["persona_id"]), str(replica_id)


ROUTES = (
    ("GET", "/v2/conversations", list_all),
    ("POST", "/v2/conversations", create),
    ("GET", "/v2/conversations/{conversation_id}", read),
    ("POST", "/v2/conversations/{conversation_id}/end", end),
    ("DELETE", "/v2/conversations/{conversation_id}", CONVERSATIONS.delete),
)
