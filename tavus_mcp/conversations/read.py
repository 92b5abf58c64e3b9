"""Read pages of conversations, and one conversation with its transcript."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tavus_mcp import listings
from tavus_mcp.app import App
from tavus_mcp.invisible_characters import describe_invisible
from tavus_mcp.listings import ListPage, ListQuery, read_list_page
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.conversation import Conversation, Turn
from tavus_mcp.models.findings import Finding
from tavus_mcp.models.vocabularies import to_persona_names
from tavus_mcp.personas.read import PROMPT_PREVIEW_CHARS, pick_fields
from tavus_mcp.tavus_api.pagination import CONVERSATIONS

# No other field is returned: a token or a URL lets its holder join the call.
_FIELDS = (
    "conversation_id",
    "conversation_name",
    "persona_id",
    "replica_id",
    "status",
    "created_at",
)
_ACTIVE_TEXT = "The call is active: its transcript is available after it has ended."
_NO_TRANSCRIPT_TEXT = (
    "There is no transcript of this call: nothing was said, or it is not ready yet."
)
_MAX_FIELD_CHARS = 200
"""Length at which a name, a role or a shutdown reason is cut."""
_MAX_CHARACTER_FINDINGS = 20
"""Most findings about invisible characters on one page."""


async def read_conversation_page(
    app: App, persona_id: str | None, status: str | None, limit: int, cursor: str | None
) -> ListPage:
    """Read a page of the account's conversations.

    ``persona_id`` filters the whole account, because Tavus documents no such filter.
    """
    query = {"status": status} if status else {}
    list_query = ListQuery(
        CONVERSATIONS,
        lambda row: _shorten_fields(app, pick_fields(*_FIELDS)(row)),
        "conversation_name",
        limit,
        cursor,
        query=query,
        equals=query | ({"persona_id": persona_id} if persona_id else {}),
    )
    return await read_list_page(app, list_query)


@dataclass(frozen=True)
class ConversationView:
    """One conversation for a result: its fields, a page of its transcript, and how it ended."""

    fields: JsonObject
    turns: list[JsonObject]
    total_turns: int
    next_cursor: str | None
    no_transcript: str | None
    shutdown_reason: str | None
    perception: str | None
    findings: list[Finding]


async def read_conversation(
    app: App, conversation_id: str, limit: int, cursor: str | None
) -> ConversationView:
    """Read one conversation with a page of its transcript.

    Raises ``InvalidArgument`` when the cursor does not belong to this conversation.
    """
    start = _start(conversation_id, cursor)
    raw = await app.api.get_conversation(conversation_id)
    conversation = Conversation.parse(raw)
    texts = {name: value for name, value in raw.items() if isinstance(value, str)}
    fields = _shorten_fields(app, pick_fields(*_FIELDS, "updated_at")(to_persona_names(texts)))
    turns = conversation.turns or ()
    rows = [_build_turn_row(app, turn) for turn in turns[start : start + limit]]
    has_more = start + limit < len(turns)
    perception = _perception(app, conversation)
    texts_by_path = {f"/turns/{index}/content": row["content"] for index, row in enumerate(rows)}
    texts_by_path |= {f"/conversation/{name}": text for name, text in fields.items()}
    texts_by_path |= {"/perception": perception} if perception else {}
    no_transcript = _ACTIVE_TEXT if fields.get("status") == "active" else _NO_TRANSCRIPT_TEXT
    return ConversationView(
        fields,
        rows,
        len(turns),
        listings.encode_cursor(_scope(conversation_id), [start + limit]) if has_more else None,
        None if turns else no_transcript,
        _shorten_text(app, conversation.shutdown_reason, _MAX_FIELD_CHARS) or None,
        perception,
        list(_invisible_character_findings(texts_by_path))[:_MAX_CHARACTER_FINDINGS],
    )


def _start(conversation_id: str, cursor: str | None) -> int:
    if cursor is None:
        return 0
    match listings.decode_cursor(_scope(conversation_id), cursor):
        case [int(start)] if start >= 0:
            return start
    raise listings.invalid_cursor()


def _scope(conversation_id: str) -> list[str]:
    return ["turns", conversation_id]


def _build_turn_row(app: App, turn: Turn) -> JsonObject:
    times = {"start": turn.start, "duration": turn.duration}
    return {
        "role": _shorten_text(app, turn.role, _MAX_FIELD_CHARS),
        **{name: round(seconds, 3) for name, seconds in times.items() if seconds is not None},
        "content": _shorten_text(app, turn.content, PROMPT_PREVIEW_CHARS),
    }


def _perception(app: App, conversation: Conversation) -> str | None:
    """Return the analysis of the images, cut when long, or why there is none."""
    if conversation.analysis:
        return _shorten_text(app, conversation.analysis, PROMPT_PREVIEW_CHARS)
    reason = _shorten_text(app, conversation.analysis_failure, _MAX_FIELD_CHARS)
    return f"unavailable: {reason}" if reason else None


def _shorten_fields(app: App, fields: JsonObject) -> JsonObject:
    return {
        name: _shorten_text(app, value, _MAX_FIELD_CHARS) if isinstance(value, str) else value
        for name, value in fields.items()
    }


def _shorten_text(app: App, text: str, max_chars: int) -> str:
    """Cut a text and state its length; secrets are masked first, so that none is cut in two."""
    text = app.masker.mask_text(text)
    if len(text) <= max_chars:
        return text
    return f"{text[:max_chars]}… [cut: {len(text)} characters in all]"


def _invisible_character_findings(texts_by_path: Mapping[str, str]) -> Iterator[Finding]:
    for path, text in texts_by_path.items():
        for message in describe_invisible(text):
            yield Finding(severity="warning", path=path, message=message)
