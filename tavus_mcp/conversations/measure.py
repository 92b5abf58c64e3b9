"""Fetching the calls of a persona, telling them apart by revision, and measuring each group."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
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

MAX_COMPARED_CONVERSATIONS = 100
"""The latest calls of each side that a comparison reads."""
_DAY_SECONDS = 86_400.0
_NO_CALLS = "No ended call of it is there to measure."
_SAME_CALLS = (
    "Both sides name the same calls. Give ID@REVISION for an earlier revision; list_revisions "
    "tells them."
)
_MAX_UNREAD_ROWS = 20
"""Calls that could not be read, and are named one by one."""

_MAX_REVISIONS = 8
"""Revisions that are told one by one, the newest."""


@dataclass(frozen=True)
class TimeWindow:
    """From when to when calls were begun, in epoch seconds; None leaves a side open."""

    since: float | None = None
    until: float | None = None

    @classmethod
    def parse(cls, since: str | None, until: str | None) -> TimeWindow:
        """Read two ISO dates or times; a date alone means all of that day, in UTC.

        Raises ``InvalidArgument`` naming every one that is neither.
        """
        begin, end = _parse_moment(since), _parse_moment(until)
        wrong = [
            f"/{name}: must be an ISO date or time, like 2026-11-22 or 2026-11-22T14:00:00Z."
            for name, given, read in (("since", since, begin), ("until", until, end))
            if given is not None and read is None
        ]
        if wrong:
            raise InvalidArgument(wrong)
        if end is not None and until is not None and _is_date(until):
            end += _DAY_SECONDS
        if begin is not None and end is not None and begin >= end:
            raise InvalidArgument(["/until: must be later than since; no call can lie between."])
        return cls(begin, end)

    def contains(self, moment: float | None) -> bool:
        """Tell whether a call that began then is meant; one without a time only if all are."""
        if moment is None:
            return self.since is None and self.until is None
        after = self.since is None or moment >= self.since
        return after and (self.until is None or moment < self.until)


@dataclass
class FetchedConversations:
    """The calls that could be read, by id, and why the others could not."""

    conversations: dict[str, Conversation] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    def select(self, rows: Iterable[JsonObject]) -> list[Conversation]:
        """Return the calls of these rows that could be read."""
        return [
            self.conversations[_conversation_id(row)]
            for row in rows
            if _conversation_id(row) in self.conversations
        ]

    def unread_rows(self) -> list[JsonObject] | None:
        """Return which calls could not be read and why, None when all could."""
        rows = [{"conversation_id": key, "why": why} for key, why in sorted(self.errors.items())]
        more = [{"conversation_id": "...", "why": f"{len(rows) - _MAX_UNREAD_ROWS} more"}]
        return rows[:_MAX_UNREAD_ROWS] + (more if len(rows) > _MAX_UNREAD_ROWS else []) or None


@dataclass(frozen=True)
class Measured:
    """The figures of a persona's calls by revision, newest first, and what to know of them."""

    persona_id: str
    revisions: list[JsonObject]
    notes: list[str]
    unread: list[JsonObject] | None


async def measure(app: App, reference: str, window: TimeWindow, limit: int) -> Measured:
    """Measure the latest ended calls of a persona, or of one revision of it.

    Raises ``NotFound`` when there is no such persona and no trace of it, ``Refused`` when the
    revision is not known.
    """
    persona_id, wanted = revisions.split_reference(reference, "persona_id")
    every = await _fetch_ended(app, {persona_id})
    rows = [row for row in every if window.contains(_start_time(row))]
    timeline = await _load_timeline(app, persona_id, has_conversations=bool(rows))
    if wanted and wanted != timeline.current_revision:
        await revisions.load_revision(app, persona_id, wanted)
    grouped: dict[str, list[JsonObject]] = {wanted: []} if wanted else {}
    meant = _filter_by_revision(rows, timeline, wanted)
    for row in meant[:limit]:
        grouped.setdefault(timeline.revision_at(_start_time(row)), []).append(row)
    fetched = await _fetch_conversations(app, [row for group in grouped.values() for row in group])
    newest = sorted(grouped, key=lambda name: _recency_key(timeline, name), reverse=True)
    groups = {name: fetched.select(grouped[name]) for name in newest[:_MAX_REVISIONS]}
    told = await anyio.to_thread.run_sync(
        lambda: [_build_revision_report(app, timeline, *group) for group in groups.items()],
        abandon_on_cancel=True,
    )
    return Measured(
        persona_id,
        told,
        [
            *_limit_notes(every, meant, limit),
            *_omitted_revision_notes(newest),
            *_timeline_notes(timeline, grouped),
        ],
        fetched.unread_rows(),
    )


async def compare(app: App, first: str, second: str) -> JsonObject:
    """Compare the calls of two personas or revisions, figure by figure.

    A bare id means the persona's current revision.
    """
    sides = [revisions.split_reference(first, "first"), revisions.split_reference(second, "second")]
    rows = await _fetch_ended(app, {persona_id for persona_id, _ in sides})
    chosen: list[list[JsonObject]] = []
    compared: list[str] = []
    for persona_id, wanted in sides:
        own = [row for row in rows if row.get("persona_id") == persona_id]
        timeline = await _load_timeline(app, persona_id, has_conversations=True)
        compared.append(wanted or timeline.current_revision)
        chosen.append(_filter_by_revision(own, timeline, compared[-1])[:MAX_COMPARED_CONVERSATIONS])
    all_rows = {_conversation_id(row): row for side in chosen for row in side}
    if len(all_rows) < sum(map(len, chosen)):
        return {"verdict": _SAME_CALLS}
    fetched = await _fetch_conversations(app, all_rows.values())
    talks = [report.collect_turn_statistics(fetched.select(side)) for side in chosen]
    figures = await anyio.to_thread.run_sync(
        lambda: report.comparison_rows(*talks), abandon_on_cancel=True
    )
    counts = {
        name: {
            "revision": revision,
            "calls": len(spoken),
            "without_transcript": len(fetched.select(side)) - len(spoken),
        }
        for name, revision, side, spoken in zip(
            ("first", "second"), compared, chosen, talks, strict=True
        )
    }
    told = {
        **counts,
        "figures": figures,
        "verdict": None if figures else report.TOO_FEW,
        "unread": fetched.unread_rows(),
    }
    notes = [
        *_simulated_notes(all_rows.values()),
        METRICS_NOTE,
        report.INTERVALS_NOTE,
        report.COMPARISON_NOTE,
    ]
    return {**told, "note": " ".join(notes)}


async def _fetch_ended(app: App, persona_ids: Collection[str]) -> list[JsonObject]:
    """Return the ended calls of some personas, latest first, from the whole account.

    Tavus documents neither a filter by persona nor an order (docs: get-conversations).
    """
    walk, found = ListWalk(CONVERSATIONS), list[JsonObject]()
    while walk.has_more:
        page = await app.api.fetch_page(CONVERSATIONS, MAX_PAGE_ROWS, walk.position)
        found += [
            row
            for row in walk.add_page(page)
            if row.get("persona_id") in persona_ids and row.get("status") != "active"
        ]
    return sorted(
        found, key=lambda row: (_start_time(row) or 0.0, _conversation_id(row)), reverse=True
    )


async def _load_timeline(app: App, persona_id: str, *, has_conversations: bool) -> RevisionTimeline:
    """Return the revisions of a persona by time; of one that is gone, what the journal holds."""
    lines = await app.journal.entries_of_persona(persona_id)
    live: PersonaDocument | None = None
    try:
        live = await app.api.get_persona(persona_id)
    except NotFound:
        if not lines and not has_conversations:
            raise
    return RevisionTimeline.from_entries(lines, live, app.clock().timestamp())


async def _fetch_conversations(app: App, rows: Iterable[JsonObject]) -> FetchedConversations:
    """Read calls, some at a time; one that cannot be read does not keep the others back."""
    fetched = FetchedConversations()

    async def read(row: JsonObject) -> None:
        name = _conversation_id(row)
        try:
            fetched.conversations[name] = Conversation.parse(await app.api.get_conversation(name))
        except TavusError as error:
            fetched.errors[name] = str(error)
        except ValueError:
            fetched.errors[name] = "The list gives this call no id that can be asked for."

    async def waiting() -> AsyncIterator[JsonObject]:
        for row in rows:
            yield row

    await for_each(waiting(), read)
    return fetched


def _filter_by_revision(
    rows: Sequence[JsonObject], timeline: RevisionTimeline, revision: str
) -> list[JsonObject]:
    if not revision:
        return list(rows)
    return [row for row in rows if timeline.revision_at(_start_time(row)) == revision]


def _build_revision_report(
    app: App, timeline: RevisionTimeline, revision: str, conversations: list[Conversation]
) -> JsonObject:
    """Return the report of the calls of one revision."""
    talks = report.collect_turn_statistics(conversations)
    told: dict[str, Any] = {"revision": revision}
    spans = timeline.spans(revision)
    if spans:
        told |= {
            "current": revision == timeline.current_revision,
            "from": format_moment(spans[0][0]),
        }
        told |= {"until": format_moment(spans[-1][1]), "spans": len(spans) if spans[1:] else None}
    told |= {
        "calls": len(talks),
        "without_transcript": len(conversations) - len(talks),
        "turns": sum(talk.turn_count for talk in talks),
        "turns_untimed": sum(talk.untimed_count for talk in talks) or None,
        "verdict": report.sample_verdict(talks),
        "shutdown_reasons": report.count_shutdown_reasons(app, conversations),
        "perception": report.count_perception(app, conversations),
        "figures": report.metric_rows(talks),
    }
    return {key: value for key, value in told.items() if value not in (None, [], {})}


def _limit_notes(
    all_rows: Sequence[JsonObject], matching_rows: Sequence[JsonObject], limit: int
) -> list[str]:
    """Say which of the persona's calls are not among those that were measured, and why."""
    told = _simulated_notes(matching_rows[:limit])
    if len(matching_rows) > limit:
        told.append(
            f"Measured are the latest {limit} of {len(matching_rows)} calls; limit takes up to "
            f"500, and "
            "since and until choose others."
        )
    if all_rows and not matching_rows:
        told.append(f"It has {len(all_rows)} ended call(s), none of them in that time or revision.")
    return told


def _simulated_notes(rows: Iterable[JsonObject]) -> list[str]:
    count = sum(
        str(row.get("conversation_name") or "").startswith(SIMULATED_NAME_PREFIX) for row in rows
    )
    told = f"{count} of these calls were made up by the sandbox: they say nothing about real ones."
    return [told] if count else []


def _recency_key(timeline: RevisionTimeline, revision: str) -> tuple[bool, bool, str]:
    spans = timeline.spans(revision)
    since = format_moment(spans[0][0]) if spans else None
    return (
        revision not in (UNKNOWN_REVISION, BEFORE_JOURNAL),
        revision == timeline.current_revision,
        since or revision,
    )


def _omitted_revision_notes(revisions: Sequence[str]) -> list[str]:
    """Say how many groups are not shown."""
    count = len(revisions) - _MAX_REVISIONS
    told = (
        f"Shown are the newest {_MAX_REVISIONS} revisions; the calls of {count} more are left out. "
        "persona_id as ID@REVISION measures one of them."
    )
    return [told] if count > 0 else []


def _timeline_notes(
    timeline: RevisionTimeline, rows_by_revision: Mapping[str, Sequence[JsonObject]]
) -> list[str]:
    told = (
        [f"{METRICS_NOTE} {report.INTERVALS_NOTE}"]
        if any(rows_by_revision.values())
        else [_NO_CALLS]
    )
    if timeline.changed_externally:
        told.append(
            "The persona was changed elsewhere after the last line of the journal; its calls from "
            f"{format_moment(_last_observed_at(timeline))} until that change stand under "
            f"{UNKNOWN_REVISION!r}."
        )
    if UNKNOWN_REVISION in rows_by_revision:
        told.append(
            f"{UNKNOWN_REVISION!r}: calls begun while the persona was changed, nobody knows when."
        )
    if BEFORE_JOURNAL in rows_by_revision:
        told.append(f"{BEFORE_JOURNAL!r}: calls begun before this server knew the persona.")
    if not timeline.current_revision:
        told.append("The persona is gone.")
    return told


def _last_observed_at(timeline: RevisionTimeline) -> float:
    """Return when the persona was last seen as the journal knows it."""
    old = [
        one.observed_at
        for one in timeline.observations
        if one.revision != timeline.current_revision
    ]
    return max(old)


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
