"""Fetching the calls of a persona, telling them apart by revision, and measuring each group."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import anyio.to_thread

from tavus_mcp.app import App
from tavus_mcp.concurrency import for_each
from tavus_mcp.conversations import report
from tavus_mcp.conversations.metrics import READING
from tavus_mcp.conversations.revision_timeline import BEFORE, UNKNOWN, Timeline, moment_text
from tavus_mcp.errors import InvalidArgument, NotFound, TavusError
from tavus_mcp.history import revisions
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.conversation import SIMULATED_NAME_PREFIX, Conversation, parse_timestamp
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.tavus_api.pagination import CONVERSATIONS, LARGEST, Walk

MOST_COMPARED = 100
"""The latest calls of each side that a comparison reads."""
_DAY = 86_400.0
_NO_CALLS = "No ended call of it is there to measure."
_SAME_CALLS = (
    "Both sides name the same calls. Give ID@REVISION for an earlier revision; list_revisions "
    "tells them."
)
_NAMED = 20
"""Calls that could not be read, and are named one by one."""

_REVISIONS = 8
"""Revisions that are told one by one, the newest."""


@dataclass(frozen=True)
class Window:
    """From when to when calls were begun, in epoch seconds; None leaves a side open."""

    since: float | None = None
    until: float | None = None

    @classmethod
    def of(cls, since: str | None, until: str | None) -> Window:
        """Read two ISO dates or times; a date alone means all of that day, in UTC.

        Raises ``InvalidArgument`` naming every one that is neither.
        """
        begin, end = _moment(since), _moment(until)
        wrong = [
            f"/{name}: must be an ISO date or time, like 2026-11-22 or 2026-11-22T14:00:00Z."
            for name, given, read in (("since", since, begin), ("until", until, end))
            if given is not None and read is None
        ]
        if wrong:
            raise InvalidArgument(wrong)
        if end is not None and until is not None and _is_date(until):
            end += _DAY
        if begin is not None and end is not None and begin >= end:
            raise InvalidArgument(["/until: must be later than since; no call can lie between."])
        return cls(begin, end)

    def holds(self, moment: float | None) -> bool:
        """Tell whether a call that began then is meant; one without a time only if all are."""
        if moment is None:
            return self.since is None and self.until is None
        after = self.since is None or moment >= self.since
        return after and (self.until is None or moment < self.until)


@dataclass
class Fetched:
    """The calls that could be read, by id, and why the others could not."""

    calls: dict[str, Conversation] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)

    def of(self, rows: Iterable[JsonObject]) -> list[Conversation]:
        """Return the calls of these rows that could be read."""
        return [self.calls[_id(row)] for row in rows if _id(row) in self.calls]

    def told(self) -> list[JsonObject] | None:
        """Return which calls could not be read and why, None when all could."""
        rows = [{"conversation_id": key, "why": why} for key, why in sorted(self.unread.items())]
        more = [{"conversation_id": "...", "why": f"{len(rows) - _NAMED} more"}]
        return rows[:_NAMED] + (more if len(rows) > _NAMED else []) or None


@dataclass(frozen=True)
class Measured:
    """The figures of a persona's calls by revision, newest first, and what to know of them."""

    persona_id: str
    revisions: list[JsonObject]
    notes: list[str]
    unread: list[JsonObject] | None


async def measure(app: App, reference: str, window: Window, limit: int) -> Measured:
    """Measure the latest ended calls of a persona, or of one revision of it.

    Raises ``NotFound`` when there is no such persona and no trace of it, ``Refused`` when the
    revision is not known.
    """
    persona_id, wanted = revisions.split_reference(reference, "persona_id")
    every = await _ended(app, {persona_id})
    rows = [row for row in every if window.holds(_begun(row))]
    timeline = await _timeline(app, persona_id, traces=bool(rows))
    if wanted and wanted != timeline.current:
        await revisions.load_revision(app, persona_id, wanted)
    grouped: dict[str, list[JsonObject]] = {wanted: []} if wanted else {}
    meant = _of_revision(rows, timeline, wanted)
    for row in meant[:limit]:
        grouped.setdefault(timeline.revision_at(_begun(row)), []).append(row)
    fetched = await _fetched(app, [row for group in grouped.values() for row in group])
    newest = sorted(grouped, key=lambda name: _newest_first(timeline, name), reverse=True)
    groups = {name: fetched.of(grouped[name]) for name in newest[:_REVISIONS]}
    told = await anyio.to_thread.run_sync(
        lambda: [_group(app, timeline, *group) for group in groups.items()], abandon_on_cancel=True
    )
    return Measured(
        persona_id,
        told,
        [*_limits(every, meant, limit), *_left_out(newest), *_notes(timeline, grouped)],
        fetched.told(),
    )


async def compare(app: App, first: str, second: str) -> JsonObject:
    """Compare the calls of two personas or revisions, figure by figure.

    A bare id means the persona's current revision.
    """
    sides = [revisions.split_reference(first, "first"), revisions.split_reference(second, "second")]
    rows = await _ended(app, {persona_id for persona_id, _ in sides})
    chosen: list[list[JsonObject]] = []
    compared: list[str] = []
    for persona_id, wanted in sides:
        own = [row for row in rows if row.get("persona_id") == persona_id]
        timeline = await _timeline(app, persona_id, traces=True)
        compared.append(wanted or timeline.current)
        chosen.append(_of_revision(own, timeline, compared[-1])[:MOST_COMPARED])
    all_rows = {_id(row): row for side in chosen for row in side}
    if len(all_rows) < sum(map(len, chosen)):
        return {"verdict": _SAME_CALLS}
    fetched = await _fetched(app, all_rows.values())
    talks = [report.talks_of(fetched.of(side)) for side in chosen]
    figures = await anyio.to_thread.run_sync(
        lambda: report.compared(*talks), abandon_on_cancel=True
    )
    counts = {
        name: {
            "revision": revision,
            "calls": len(spoken),
            "without_transcript": len(fetched.of(side)) - len(spoken),
        }
        for name, revision, side, spoken in zip(
            ("first", "second"), compared, chosen, talks, strict=True
        )
    }
    told = {
        **counts,
        "figures": figures,
        "verdict": None if figures else report.TOO_FEW,
        "unread": fetched.told(),
    }
    notes = [*_made_up(all_rows.values()), READING, report.EVIDENCE, report.CHANCE]
    return {**told, "note": " ".join(notes)}


async def _ended(app: App, persona_ids: Collection[str]) -> list[JsonObject]:
    """Return the ended calls of some personas, latest first, from the whole account.

    Tavus documents neither a filter by persona nor an order (docs: get-conversations).
    """
    walk, found = Walk(CONVERSATIONS), list[JsonObject]()
    while walk.more:
        page = await app.api.page(CONVERSATIONS, LARGEST, walk.mark)
        found += [
            row
            for row in walk.met(page)
            if row.get("persona_id") in persona_ids and row.get("status") != "active"
        ]
    return sorted(found, key=lambda row: (_begun(row) or 0.0, _id(row)), reverse=True)


async def _timeline(app: App, persona_id: str, *, traces: bool) -> Timeline:
    """Return the revisions of a persona by time; of one that is gone, what the journal holds."""
    lines = await app.journal.entries_of_persona(persona_id)
    live: PersonaDocument | None = None
    try:
        live = await app.api.get_persona(persona_id)
    except NotFound:
        if not lines and not traces:
            raise
    return Timeline.of(lines, live, app.clock().timestamp())


async def _fetched(app: App, rows: Iterable[JsonObject]) -> Fetched:
    """Read calls, some at a time; one that cannot be read does not keep the others back."""
    fetched = Fetched()

    async def read(row: JsonObject) -> None:
        name = _id(row)
        try:
            fetched.calls[name] = Conversation.parse(await app.api.get_conversation(name))
        except TavusError as error:
            fetched.unread[name] = str(error)
        except ValueError:
            fetched.unread[name] = "The list gives this call no id that can be asked for."

    async def waiting() -> AsyncIterator[JsonObject]:
        for row in rows:
            yield row

    await for_each(waiting(), read)
    return fetched


def _of_revision(rows: Sequence[JsonObject], timeline: Timeline, wanted: str) -> list[JsonObject]:
    if not wanted:
        return list(rows)
    return [row for row in rows if timeline.revision_at(_begun(row)) == wanted]


def _group(app: App, timeline: Timeline, name: str, calls: list[Conversation]) -> JsonObject:
    """Return the report of the calls of one revision."""
    talks = report.talks_of(calls)
    told: dict[str, Any] = {"revision": name}
    spans = timeline.spans(name)
    if spans:
        told |= {"current": name == timeline.current, "from": moment_text(spans[0][0])}
        told |= {"until": moment_text(spans[-1][1]), "spans": len(spans) if spans[1:] else None}
    told |= {
        "calls": len(talks),
        "without_transcript": len(calls) - len(talks),
        "turns": sum(talk.turns for talk in talks),
        "turns_untimed": sum(talk.untimed for talk in talks) or None,
        "verdict": report.enough(talks),
        "shutdown_reasons": report.reasons(app, calls),
        "perception": report.perception(app, calls),
        "figures": report.figured(talks),
    }
    return {key: value for key, value in told.items() if value not in (None, [], {})}


def _limits(every: Sequence[JsonObject], meant: Sequence[JsonObject], limit: int) -> list[str]:
    """Say which of the persona's calls are not among those that were measured, and why."""
    told = _made_up(meant[:limit])
    if len(meant) > limit:
        told.append(
            f"Measured are the latest {limit} of {len(meant)} calls; limit takes up to 500, and "
            "since and until choose others."
        )
    if every and not meant:
        told.append(f"It has {len(every)} ended call(s), none of them in that time or revision.")
    return told


def _made_up(rows: Iterable[JsonObject]) -> list[str]:
    count = sum(
        str(row.get("conversation_name") or "").startswith(SIMULATED_NAME_PREFIX) for row in rows
    )
    told = f"{count} of these calls were made up by the sandbox: they say nothing about real ones."
    return [told] if count else []


def _newest_first(timeline: Timeline, name: str) -> tuple[bool, bool, str]:
    spans = timeline.spans(name)
    since = moment_text(spans[0][0]) if spans else None
    return name not in (UNKNOWN, BEFORE), name == timeline.current, since or name


def _left_out(newest: Sequence[str]) -> list[str]:
    """Say how many groups are not shown."""
    count = len(newest) - _REVISIONS
    told = (
        f"Shown are the newest {_REVISIONS} revisions; the calls of {count} more are left out. "
        "persona_id as ID@REVISION measures one of them."
    )
    return [told] if count > 0 else []


def _notes(timeline: Timeline, grouped: Mapping[str, Sequence[JsonObject]]) -> list[str]:
    told = [f"{READING} {report.EVIDENCE}"] if any(grouped.values()) else [_NO_CALLS]
    if timeline.changed_elsewhere:
        told.append(
            "The persona was changed elsewhere after the last line of the journal; its calls from "
            f"{moment_text(_last_known(timeline))} until that change stand under {UNKNOWN!r}."
        )
    if UNKNOWN in grouped:
        told.append(f"{UNKNOWN!r}: calls begun while the persona was changed, nobody knows when.")
    if BEFORE in grouped:
        told.append(f"{BEFORE!r}: calls begun before this server knew the persona.")
    if not timeline.current:
        told.append("The persona is gone.")
    return told


def _last_known(timeline: Timeline) -> float:
    """Return when the persona was last seen as the journal knows it."""
    old = [one.at for one in timeline.sightings if one.revision != timeline.current]
    return max(old)


def _begun(row: JsonObject) -> float | None:
    return parse_timestamp(row.get("created_at"))


def _id(row: JsonObject) -> str:
    return CONVERSATIONS.id_of(row)


def _moment(text: str | None) -> float | None:
    if text is None or "-" not in text:
        return None
    return parse_timestamp(f"{text.strip()}T00:00:00Z" if _is_date(text) else text)


def _is_date(text: str) -> bool:
    return len(text.strip()) == len("2026-11-22") and text.strip()[4:8:3] == "--"
