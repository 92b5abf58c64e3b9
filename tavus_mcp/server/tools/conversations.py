"""The toolset ``conversations``: transcripts of calls, and metrics of their turn-taking."""

from __future__ import annotations

from typing import Annotated, Literal

from tavus_mcp.app import App
from tavus_mcp.conversations import measure, read
from tavus_mcp.models.base import ConversationId, PersonaId
from tavus_mcp.server.results import ConversationResult, MetricsReport, Page
from tavus_mcp.server.shared_parameters import Cursor, Limit, Reference, doc
from tavus_mcp.server.toolset import Toolset

conversations = Toolset("conversations")


@conversations.read("List conversations")
async def list_conversations(
    app: App,
    persona_id: Annotated[PersonaId | None, doc("Only calls of this persona")] = None,
    status: Annotated[Literal["active", "ended"] | None, doc("Default both")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page:
    """List calls: id, name, persona, replica, status, start."""
    page = await read.read_conversation_page(app, persona_id, status, limit, cursor)
    return Page(**vars(page))


@conversations.read("Get conversation")
async def get_conversation(
    app: App,
    conversation_id: Annotated[ConversationId, doc("As list_conversations shows it")],
    limit: Annotated[int, doc("Turns", ge=1, le=200)] = 50,
    cursor: Cursor = None,
) -> ConversationResult:
    """Read an ended call: transcript with times in seconds, how it ended, what was seen."""
    conversation = await read.read_conversation(app, conversation_id, limit, cursor)
    return ConversationResult(
        conversation=conversation.fields,
        turns=conversation.turns,
        total_turns=conversation.total_turns,
        next_cursor=conversation.next_cursor,
        no_transcript=conversation.no_transcript,
        shutdown_reason=conversation.shutdown_reason,
        perception=conversation.perception,
        findings=[item.model_dump(exclude_none=True) for item in conversation.findings] or None,
    )


@conversations.read("Measure conversations")
async def measure_conversations(
    app: App,
    persona_id: Reference,
    since: Annotated[str | None, doc("ISO date or time")] = None,
    until: Annotated[str | None, doc("The same; a date is included")] = None,
    limit: Annotated[int, doc("At most so many calls, latest first", ge=1, le=500)] = 200,
) -> MetricsReport:
    """Measure turn-taking in ended calls, by revision: gaps, pace, silences, interruptions.

    With 95 % intervals. compare_personas(measure=true) says whether a difference is chance.
    """
    window = measure.TimeWindow.parse(since, until)
    measurement = await measure.measure(app, persona_id, window, limit)
    return MetricsReport(**vars(measurement))
