"""Which revision a persona had when a conversation began, as far as the journal tells.

Every journal entry that names a revision is an observation: at that time the persona had it.
Between two observations of one revision it did not change; between two of different ones it changed
at an unknown time. The live persona is an observation too, at its ``updated_at``: that is when its
last change was made. Times of Tavus and of this machine are compared, so seconds may be off.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import pairwise

from tavus_mcp.history.record import READ_AGAIN, is_state_of
from tavus_mcp.journal.entry import JournalEntry
from tavus_mcp.models.conversation import parse_timestamp
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.revision import shorten

UNKNOWN_REVISION = "unknown"
BEFORE_JOURNAL = "before the journal"


@dataclass(frozen=True, order=True)
class RevisionObservation:
    """A time (epoch seconds) at which the persona had a revision; ``seq`` breaks ties."""

    observed_at: float
    seq: float
    revision: str


@dataclass(frozen=True)
class RevisionTimeline:
    """The revisions of a persona by time.

    ``current_revision`` is empty for a deleted persona. ``changed_externally``: the live persona is
    not what the journal recorded last. ``renamed`` maps revisions of version 0.1 to those that the
    same states have now.
    """

    observations: tuple[RevisionObservation, ...]
    current_revision: str = ""
    changed_externally: bool = False
    renamed: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_entries(
        cls, entries: Iterable[JournalEntry], live_document: PersonaDocument | None, now: float
    ) -> RevisionTimeline:
        """Build the timeline from journal entries and the live persona at the time ``now``."""
        in_order = sorted(entries, key=lambda entry: entry.seq)
        renamed = _find_renamed(in_order, live_document)
        recorded = sorted(
            replace(observation, revision=renamed.get(observation.revision, observation.revision))
            for entry in in_order
            for observation in _observations_in(entry)
        )
        if live_document is None:
            return cls(tuple(recorded), renamed=renamed)
        changed_externally = bool(recorded) and recorded[-1].revision != live_document.revision
        observations = sorted([*recorded, _live_observation(recorded, live_document, now)])
        return cls(tuple(observations), live_document.revision, changed_externally, renamed)

    def current_name(self, revision: str) -> str:
        """Return the revision, as the timeline has it, that a text names; "" for an empty text."""
        shortened = shorten(revision)
        return self.renamed.get(shortened, shortened)

    def revision_at(self, moment: float | None) -> str:
        """Return the revision at a time, ``UNKNOWN_REVISION`` or ``BEFORE_JOURNAL``."""
        if moment is None:
            return UNKNOWN_REVISION
        index = bisect_right(
            self.observations, moment, key=lambda observation: observation.observed_at
        )
        if index == 0:
            return BEFORE_JOURNAL
        before, after = self.observations[index - 1], self.observations[index : index + 1]
        changed = bool(after) and after[0].revision != before.revision
        return UNKNOWN_REVISION if changed and moment > before.observed_at else before.revision

    def spans(self, revision: str) -> list[tuple[float, float | None]]:
        """Return the periods of a revision, each from its first to its last observation.

        The last period of the current revision is open: its end is None.
        """
        spans: list[tuple[float, float | None]] = []
        is_in_span = False
        for observation in self.observations:
            if observation.revision != revision:
                is_in_span = False
            elif is_in_span:
                spans[-1] = (spans[-1][0], observation.observed_at)
            else:
                spans.append((observation.observed_at, observation.observed_at))
                is_in_span = True
        if is_in_span and revision == self.current_revision:
            spans[-1] = (spans[-1][0], None)
        return spans


def format_moment(moment: float | None) -> str | None:
    """Format a time as ISO 8601 in UTC, to the second."""
    if moment is None:
        return None
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")


def _find_renamed(
    entries: Sequence[JournalEntry], live_document: PersonaDocument | None
) -> dict[str, str]:
    """Return what the revisions of version 0.1 are called now; ``entries`` are oldest first."""
    recorded = [entry for entry in entries if entry.kind in ("seen", "outcome") and entry.revision]
    pairs = [
        (before.revision, after.revision)
        for before, after in pairwise(recorded)
        if after.tool == READ_AGAIN
    ]
    if live_document is not None and recorded and is_state_of(recorded[-1], live_document):
        pairs.append((recorded[-1].revision, live_document.revision))
    return {old: new for old, new in pairs if old != new}


def _observations_in(entry: JournalEntry) -> Iterable[RevisionObservation]:
    """Yield the observation in an entry, if any; a plan observes the revision that it is for."""
    planned_for = entry.detail.get("base") if entry.kind == "plan" else ""
    revision, moment = entry.revision or planned_for, parse_timestamp(entry.at)
    if isinstance(revision, str) and revision and moment:
        yield RevisionObservation(moment, entry.seq, revision)


def _live_observation(
    recorded: Sequence[RevisionObservation], live_document: PersonaDocument, now: float
) -> RevisionObservation:
    """Return the observation of the live persona.

    Its time is the last change if that is later than every other revision, else ``now``.
    """
    other_times = [
        observation.observed_at
        for observation in recorded
        if observation.revision != live_document.revision
    ]
    updated_at = parse_timestamp(live_document.updated_at)
    if updated_at is None or updated_at <= max(other_times, default=-math.inf):
        updated_at = now
    return RevisionObservation(updated_at, math.inf, live_document.revision)
