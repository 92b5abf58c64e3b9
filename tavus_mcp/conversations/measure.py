"""Measure the conversations of a persona by revision, and compare two groups of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import anyio.to_thread

from tavus_mcp.app import App
from tavus_mcp.concurrency import for_each
from tavus_mcp.conversations import report
from tavus_mcp.conversations.metrics import METRICS_NOTE
from tavus_mcp.conversations.revision_timeline import (
    BEFORE_JOURNAL,
    UNKNOWN_REVISION,
    RevisionTimeline,
    format_moment,
)
from tavus_mcp.errors import InvalidArgument, NotFound, TavusError
from tavus_mcp.history import revisions
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.conversation import SIMULATED_NAME_PREFIX, Conversation, parse_timestamp
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.tavus_api.pagination import CONVERSATIONS, MAX_PAGE_ROWS, ListWalk
from tavus_mcp.text import count_of

MAX_COMPARED_CONVERSATIONS = 100
"""Most conversations of each side that a comparison reads, the latest first."""
_DAY_SECONDS = 86_400.0
_NO_CALLS = "It has no ended call to measure."
_SAME_CALLS = (
    "Both sides name the same calls. Give ID@REVISION for an earlier revision; list_revisions "
    "lists them."
)
_MAX_UNREAD_ROWS = 20
"""Most conversations that are listed as unreadable; the rest are counted."""
_MAX_REVISIONS = 8
"""Most revisions that are reported, the newest first."""


@dataclass(frozen=True)
class TimeWindow:
    """A range of start times in epoch seconds, its end excluded; None leaves a side open."""

    since: float | None = None
    until: float | None = None

    @classmethod
    def parse(cls, since: str | None, until: str | None) -> TimeWindow:
        """Parse two ISO dates or times; a date alone means the whole day, in UTC.

        Raises ``InvalidArgument`` with every one that is neither, or if the range is empty.
        """
        begin, end = _parse_moment(since), _parse_moment(until)
        problems = [
            f"/{name}: must be an ISO date or time, like 2026-11-22 or 2026-11-22T14:00:00Z."
            for name, text, moment in (("since", since, begin), ("until", until, end))
            if text is not None and moment is None
        ]
        if problems:
            raise InvalidArgument(problems)
        if end is not None and until is not None and _is_date(until):
            end += _DAY_SECONDS
        if begin is not None and end is not None and begin >= end:
            raise InvalidArgument(["/until: must be later than since."])
        return cls(begin, end)

    def contains(self, moment: float | None) -> bool:
        """Return True if a start time is in the range; an unknown one is only in an open range."""
        if moment is None:
            return self.since is None and self.until is None
        return (self.since is None or moment >= self.since) and (
            self.until is None or moment < self.until
        )


@dataclass
class FetchedConversations:
    """The conversations that could be read, and why the others could not, both by id."""

    conversations: dict[str, Conversation] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    def select(self, rows: Iterable[JsonObject]) -> list[Conversation]:
        """Return the conversations of these rows that could be read."""
        ids = map(_conversation_id, rows)
        return [self.conversations[row_id] for row_id in ids if row_id in self.conversations]

    def unread_rows(self) -> list[JsonObject] | None:
        """Return a row for each conversation that could not be read, None if there is none."""
        rows = [
            {"conversation_id": row_id, "why": error}
            for row_id, error in sorted(self.errors.items())
        ]
        omitted_count = len(rows) - _MAX_UNREAD_ROWS
        if omitted_count > 0:
            last = {"conversation_id": "...", "why": f"{omitted_count} more"}
            return [*rows[:_MAX_UNREAD_ROWS], last]
        return rows or None


@dataclass(frozen=True)
class Measurement:
    """The metrics of a persona's conversations by revision, newest first, with notes on them."""

    persona_id: str
    revisions: list[JsonObject]
    notes: list[str]
    unread: list[JsonObject] | None


async def measure(app: App, reference: str, window: TimeWindow, limit: int) -> Measurement:
    """Measure the latest ended conversations of a persona, or of one revision of it.

    Raises ``NotFound`` when there is neither such a persona nor a trace of it, and ``Refused`` when
    the journal does not hold the revision.
    """
    persona_id, wanted = revisions.split_reference(reference, "persona_id")
    all_rows = await _fetch_ended(app, {persona_id})
    window_rows = [row for row in all_rows if window.contains(_start_time(row))]
    timeline = await _load_timeline(app, persona_id, has_conversations=bool(window_rows))
    wanted = timeline.current_name(wanted)
    if wanted and wanted != timeline.current_revision:
        await revisions.load_revision(app, persona_id, wanted)
    rows_by_revision: dict[str, list[JsonObject]] = {wanted: []} if wanted else {}
    matching_rows = _filter_by_revision(window_rows, timeline, wanted)
    for row in matching_rows[:limit]:
        rows_by_revision.setdefault(timeline.revision_at(_start_time(row)), []).append(row)
    fetched = await _fetch_conversations(app, chain.from_iterable(rows_by_revision.values()))
    newest_first = sorted(
        rows_by_revision, key=lambda revision: _recency_key(timeline, revision), reverse=True
    )
    reports = await anyio.to_thread.run_sync(
        lambda: [
            _build_revision_report(
                app, timeline, revision, fetched.select(rows_by_revision[revision])
            )
            for revision in newest_first[:_MAX_REVISIONS]
        ],
        abandon_on_cancel=True,
    )
    notes = [
        *_limit_notes(all_rows, matching_rows, limit),
        *_omitted_revision_notes(newest_first),
        *_timeline_notes(timeline, rows_by_revision),
    ]
    return Measurement(persona_id, reports, notes, fetched.unread_rows())


async def compare(app: App, first: str, second: str) -> JsonObject:
    """Compare the conversations of two personas or revisions, metric by metric.

    A bare id means the persona's current revision.
    """
    references = [
        revisions.split_reference(first, "first"),
        revisions.split_reference(second, "second"),
    ]
    ended_rows = await _fetch_ended(app, {persona_id for persona_id, _ in references})
    row_groups: list[list[JsonObject]] = []
    compared_revisions: list[str] = []
    notes: list[str] = []
    for persona_id, wanted in references:
        own_rows = [row for row in ended_rows if row.get("persona_id") == persona_id]
        timeline = await _load_timeline(app, persona_id, has_conversations=True)
        compared_revisions.append(timeline.current_name(wanted) or timeline.current_revision)
        matching_rows = _filter_by_revision(own_rows, timeline, compared_revisions[-1])
        row_groups.append(matching_rows[:MAX_COMPARED_CONVERSATIONS])
        notes += _omitted_call_notes(persona_id, len(matching_rows))
    all_rows = {_conversation_id(row): row for rows in row_groups for row in rows}
    if len(all_rows) < sum(map(len, row_groups)):
        return {"verdict": _SAME_CALLS}
    fetched = await _fetch_conversations(app, all_rows.values())
    groups = [fetched.select(rows) for rows in row_groups]
    statistics = [report.collect_turn_statistics(group) for group in groups]
    figures = await anyio.to_thread.run_sync(
        lambda: report.comparison_rows(*statistics), abandon_on_cancel=True
    )
    counts = {
        side: {
            "revision": revision,
            "calls": len(measured),
            "without_transcript": len(group) - len(measured),
        }
        for side, revision, group, measured in zip(
            ("first", "second"), compared_revisions, groups, statistics, strict=True
        )
    }
    notes += _simulated_notes(all_rows.values())
    if figures:
        notes += [METRICS_NOTE, report.comparison_note()]
    return {
        **counts,
        "figures": figures,
        "verdict": None if figures else report.TOO_FEW,
        "unread": fetched.unread_rows(),
        "note": " ".join(notes) or None,
    }


def _omitted_call_notes(persona_id: str, call_count: int) -> list[str]:
    if call_count <= MAX_COMPARED_CONVERSATIONS:
        return []
    compared = f"the latest {MAX_COMPARED_CONVERSATIONS} are compared"
    return [f"Of the {call_count} calls of {persona_id} {compared}."]


async def _fetch_ended(app: App, persona_ids: Collection[str]) -> list[JsonObject]:
    """Return the rows of the ended conversations of some personas, latest first.

    Walks the whole account: Tavus documents neither a filter by persona nor an order (docs:
    get-conversations).
    """
    walk, ended_rows = ListWalk(CONVERSATIONS), list[JsonObject]()
    while walk.has_more:
        page = await app.api.fetch_page(CONVERSATIONS, MAX_PAGE_ROWS, walk.position)
        ended_rows += [
            row
            for row in walk.add_page(page)
            if row.get("persona_id") in persona_ids and row.get("status") != "active"
        ]
    return sorted(
        ended_rows, key=lambda row: (_start_time(row) or 0.0, _conversation_id(row)), reverse=True
    )


async def _load_timeline(app: App, persona_id: str, *, has_conversations: bool) -> RevisionTimeline:
    """Return the revisions of a persona by time; of a deleted one, those in the journal.

    Raises ``NotFound`` for an unknown persona without conversations.
    """
    entries = await app.journal.entries_of_persona(persona_id)
    live_document: PersonaDocument | None = None
    try:
        live_document = await app.api.get_persona(persona_id)
    except NotFound:
        if not entries and not has_conversations:
            raise
    return RevisionTimeline.from_entries(entries, live_document, app.clock().timestamp())


async def _fetch_conversations(app: App, rows: Iterable[JsonObject]) -> FetchedConversations:
    """Read conversations concurrently; an error is noted and does not stop the others."""
    fetched = FetchedConversations()

    async def fetch(row: JsonObject) -> None:
        row_id = _conversation_id(row)
        try:
            raw = await app.api.get_conversation(row_id)
            fetched.conversations[row_id] = Conversation.parse(raw)
        except TavusError as error:
            fetched.errors[row_id] = str(error)
        except ValueError:
            fetched.errors[row_id] = "The list has no valid id for this call."

    await for_each(rows, fetch)
    return fetched


def _filter_by_revision(
    rows: Sequence[JsonObject], timeline: RevisionTimeline, revision: str
) -> list[JsonObject]:
    """Return the rows of one revision, or all of them without one."""
    if not revision:
        return list(rows)
    return [row for row in rows if timeline.revision_at(_start_time(row)) == revision]


def _build_revision_report(
    app: App, timeline: RevisionTimeline, revision: str, conversations: list[Conversation]
) -> JsonObject:
    statistics = report.collect_turn_statistics(conversations)
    fields: dict[str, Any] = {"revision": revision}
    spans = timeline.spans(revision)
    if spans:
        fields |= {
            "current": revision == timeline.current_revision,
            "from": format_moment(spans[0][0]),
            "until": format_moment(spans[-1][1]),
            "spans": len(spans) if spans[1:] else None,
        }
    fields |= {
        "calls": len(statistics),
        "without_transcript": len(conversations) - len(statistics),
        "turns": sum(measured.turn_count for measured in statistics),
        "turns_untimed": sum(measured.untimed_count for measured in statistics) or None,
        "verdict": report.sample_verdict(statistics),
        "shutdown_reasons": report.count_shutdown_reasons(app, conversations),
        "perception": report.count_perception(app, conversations),
        "figures": report.metric_rows(statistics),
    }
    return {name: value for name, value in fields.items() if value not in (None, [], {})}


def _limit_notes(
    all_rows: Sequence[JsonObject], matching_rows: Sequence[JsonObject], limit: int
) -> list[str]:
    """State which of the persona's conversations were not measured, and why."""
    notes = _simulated_notes(matching_rows[:limit])
    if len(matching_rows) > limit:
        notes.append(
            f"Measured are the latest {limit} of {len(matching_rows)} calls; limit takes up to "
            "500, and since and until choose others."
        )
    if not matching_rows:
        calls = count_of(len(all_rows), "ended call")
        notes.append(
            f"It has {calls}, none of them in that time or revision." if all_rows else _NO_CALLS
        )
    return notes


def _simulated_notes(rows: Iterable[JsonObject]) -> list[str]:
    count = sum(
        str(row.get("conversation_name") or "").startswith(SIMULATED_NAME_PREFIX) for row in rows
    )
    note = (
        f"{count} of these calls were generated by the sandbox: they say nothing about real ones."
    )
    return [note] if count else []


def _recency_key(timeline: RevisionTimeline, revision: str) -> tuple[bool, bool, str]:
    spans = timeline.spans(revision)
    since = format_moment(spans[0][0]) if spans else None
    return (
        revision not in (UNKNOWN_REVISION, BEFORE_JOURNAL),
        revision == timeline.current_revision,
        since or revision,
    )


def _omitted_revision_notes(revisions: Sequence[str]) -> list[str]:
    count = len(revisions) - _MAX_REVISIONS
    note = (
        f"Listed are the newest {_MAX_REVISIONS} revisions; the calls of {count} more are left "
        "out. persona_id as ID@REVISION measures one of them."
    )
    return [note] if count > 0 else []


def _timeline_notes(
    timeline: RevisionTimeline, rows_by_revision: Mapping[str, Sequence[JsonObject]]
) -> list[str]:
    has_rows = any(rows_by_revision.values())
    notes = [f"{METRICS_NOTE} {report.intervals_note()}"] if has_rows else []
    if timeline.changed_externally:
        notes.append(
            "The persona was changed elsewhere after the last line of the journal; its calls from "
            f"{format_moment(_last_observed_at(timeline))} until that change are counted under "
            f"{UNKNOWN_REVISION!r}."
        )
    if UNKNOWN_REVISION in rows_by_revision:
        notes.append(
            f"{UNKNOWN_REVISION!r}: calls that began around a change of the persona whose time "
            f"is not known."
        )
    if BEFORE_JOURNAL in rows_by_revision:
        notes.append(
            f"{BEFORE_JOURNAL!r}: calls that began before this server first read the persona."
        )
    if not timeline.current_revision:
        notes.append("The persona does not exist any more.")
    return notes


def _last_observed_at(timeline: RevisionTimeline) -> float:
    """Return when a revision other than the current one was last observed."""
    return max(
        observation.observed_at
        for observation in timeline.observations
        if observation.revision != timeline.current_revision
    )


def _start_time(row: JsonObject) -> float | None:
    return parse_timestamp(row.get("created_at"))


def _conversation_id(row: JsonObject) -> str:
    return CONVERSATIONS.row_id(row)


def _parse_moment(text: str | None) -> float | None:
    if text is None or "-" not in text:
        return None
    return parse_timestamp(f"{text.strip()}T00:00:00Z" if _is_date(text) else text)


def _is_date(text: str) -> bool:
    return len(text.strip()) == len("2026-11-22") and text.strip()[4:8:3] == "--"
