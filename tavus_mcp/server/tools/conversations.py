"""The toolset ``conversations``: what was said in calls, and how the turns were taken."""

from __future__ import annotations

from typing import Annotated, Literal

from tavus_mcp.app import App
from tavus_mcp.conversations import measure
from tavus_mcp.conversations import read as usecase
from tavus_mcp.models.base import ConversationId, PersonaId
from tavus_mcp.server.parameters import Cursor, Limit, Reference, doc
from tavus_mcp.server.results import ConversationResult, MetricsReport, Page
from tavus_mcp.server.toolset import Toolset

conversations = Toolset("conversations")


@conversations.read("List conversations")
async def list_conversations(
    app: App,
    persona_id: Annotated[
        PersonaId | None, doc("Only of this persona, in the whole account")
    ] = None,
    status: Annotated[Literal["active", "ended"] | None, doc("Default both")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page:
    """List calls: id, name, persona, replica, status, start."""
    page = await usecase.read_conversation_page(app, persona_id, status, limit, cursor)
    return Page(rows=page.rows, total_count=page.total_count, next_cursor=page.next_cursor)


@conversations.read("Get conversation")
async def get_conversation(
    app: App,
    conversation_id: Annotated[ConversationId, doc("As list_conversations shows it")],
    limit: Annotated[int, doc("Turns", ge=1, le=200)] = 50,
    cursor: Cursor = None,
) -> ConversationResult:
    """Read an ended call: transcript with times in seconds, how it ended, what was seen."""
    told = await usecase.read_conversation(app, conversation_id, limit, cursor)
    return ConversationResult(
        conversation=told.fields,
        turns=told.turns,
        total_turns=told.total_turns,
        next_cursor=told.next_cursor,
        no_transcript=told.no_transcript,
        shutdown_reason=told.shutdown_reason,
        perception=told.perception,
        findings=[item.model_dump(exclude_none=True) for item in told.findings] or None,
    )


@conversations.read("Measure conversations")
async def measure_conversations(
    app: App,
    persona_id: Reference,
    since: Annotated[str | None, doc("ISO date or time")] = None,
    until: Annotated[str | None, doc("The same; a date is included")] = None,
    limit: Annotated[int, doc("The latest so many calls", ge=1, le=500)] = 200,
) -> MetricsReport:
    """Measure turn-taking in ended calls, by revision: gaps, pace, silences, interruptions.

    With 95 % intervals. compare_personas(measure=true) tells whether a difference is chance.
    """
    told = await measure.measure(app, persona_id, measure.TimeWindow.parse(since, until), limit)
    return MetricsReport(
        persona_id=told.persona_id,
        revisions=told.revisions,
        notes=told.notes,
        unread=told.unread,
    )
