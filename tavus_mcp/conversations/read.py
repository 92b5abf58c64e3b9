"""Reading calls: the list of them, and what was said in one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tavus_mcp import listings
from tavus_mcp.app import App
from tavus_mcp.checker.rules.invisible_characters import describe_invisible
from tavus_mcp.listings import ListPage, ListQuery, read_list_page
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.conversation import Conversation, Turn
from tavus_mcp.models.findings import Finding
from tavus_mcp.models.vocabularies import to_persona_names
from tavus_mcp.personas.read import PROMPT_PREVIEW_CHARS, pick_fields
from tavus_mcp.tavus_api.pagination import CONVERSATIONS

# Nothing else is shown: a token or an address lets whoever holds it join the call.
_FIELDS = (
    "conversation_id",
    "conversation_name",
    "persona_id",
    "replica_id",
    "status",
    "created_at",
)
_ACTIVE_TEXT = "The call is active: Tavus tells what was said only after it has ended."
_NO_TRANSCRIPT_TEXT = (
    "Tavus holds no transcript of this call: nobody talked, or it is not ready yet."
)
_MAX_FIELD_CHARS = 200
"""Characters that are shown of a name, a role, and of why a call ended."""
_MAX_CHARACTER_FINDINGS = 20
"""Remarks about characters that nobody sees, of one page."""


async def read_conversation_page(
    app: App, persona_id: str | None, status: str | None, limit: int, cursor: str | None
) -> ListPage:
    """Read a page of the account's calls; those of one persona are looked for in all of it."""
    query = {"status": status} if status else {}
    own = {"persona_id": persona_id} if persona_id else {}
    asked = ListQuery(
        CONVERSATIONS,
        lambda row: _shorten_fields(app, pick_fields(*_FIELDS)(row)),
        "conversation_name",
        limit,
        cursor,
        query=query,
        equals={**query, **own},
    )
    return await read_list_page(app, asked)


@dataclass(frozen=True)
class ConversationView:
    """One call as it is shown: its fields, a page of what was said, and how it ended."""

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
    """Read one call with a page of its transcript.

    Raises ``InvalidArgument`` when the cursor is not one of this call.
    """
    start = _start(conversation_id, cursor)
    raw = await app.api.get_conversation(conversation_id)
    call = Conversation.parse(raw)
    plain = {key: value for key, value in raw.items() if isinstance(value, str)}
    fields = _shorten_fields(app, pick_fields(*_FIELDS, "updated_at")(to_persona_names(plain)))
    turns = call.turns or ()
    page = [_build_turn_row(app, turn) for turn in turns[start : start + limit]]
    more = start + limit < len(turns)
    perception = _perception(app, call)
    texts = [(f"/turns/{place}/content", turn["content"]) for place, turn in enumerate(page)]
    texts += [(f"/conversation/{name}", text) for name, text in fields.items()]
    texts += [("/perception", perception)] if perception else []
    return ConversationView(
        fields,
        page,
        len(turns),
        listings.encode_cursor(_scope(conversation_id), [start + limit]) if more else None,
        None
        if turns
        else (_ACTIVE_TEXT if fields.get("status") == "active" else _NO_TRANSCRIPT_TEXT),
        _shorten_text(app, call.shutdown_reason, _MAX_FIELD_CHARS) or None,
        perception,
        list(_invisible_character_findings(texts))[:_MAX_CHARACTER_FINDINGS],
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
    told = {
        "role": _shorten_text(app, turn.role, _MAX_FIELD_CHARS),
        "start": turn.start,
        "duration": turn.duration,
    }
    numbers = {
        key: round(item, 3) if isinstance(item, float) else item for key, item in told.items()
    }
    return {
        **{key: item for key, item in numbers.items() if item is not None},
        "content": _shorten_text(app, turn.content, PROMPT_PREVIEW_CHARS),
    }


def _perception(app: App, conversation: Conversation) -> str | None:
    """Return what was seen, cut when long, or why nothing was."""
    if not conversation.analysis:
        why = _shorten_text(app, conversation.analysis_failure, _MAX_FIELD_CHARS)
        return f"unavailable: {why}" if why else None
    return _shorten_text(app, conversation.analysis, PROMPT_PREVIEW_CHARS)


def _shorten_fields(app: App, fields: JsonObject) -> JsonObject:
    return {
        name: _shorten_text(app, value, _MAX_FIELD_CHARS) if isinstance(value, str) else value
        for name, value in fields.items()
    }


def _shorten_text(app: App, text: str, max_chars: int) -> str:
    """Return a text, cut with its length told; masked first, so that no key is cut in two."""
    text = app.masker.mask_text(text)
    return (
        text
        if len(text) <= max_chars
        else f"{text[:max_chars]}… [cut: {len(text)} characters in all]"
    )


def _invisible_character_findings(texts: list[tuple[str, str]]) -> Iterator[Finding]:
    for path, text in texts:
        for message in describe_invisible(text):
            yield Finding(severity="warning", path=path, message=message)
