"""Which revision of a persona a call was held with, as far as the journal can tell.

Every line of the journal that names a revision is a sighting: at that time the persona stood so.
Between two sightings of one revision it stood; between two different ones it changed, and nobody
knows when. The live persona is a sighting as well, since its ``updated_at``: what was changed last
was changed then. Times of Tavus and of this machine are compared, so seconds may be off.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from tavus_mcp.journal.entry import JournalEntry
from tavus_mcp.models.conversation import parse_timestamp
from tavus_mcp.models.document import PersonaDocument

UNKNOWN_REVISION = "unknown"
BEFORE_JOURNAL = "before the journal"


@dataclass(frozen=True, order=True)
class RevisionObservation:
    """A moment (epoch seconds) at which the persona stood at a revision; ``seq`` breaks ties."""

    observed_at: float
    seq: float
    revision: str


@dataclass(frozen=True)
class RevisionTimeline:
    """The revisions of a persona by time; ``current`` is empty when the persona is gone."""

    observations: tuple[RevisionObservation, ...]
    current_revision: str = ""
    changed_externally: bool = False

    @classmethod
    def from_entries(
        cls, entries: Iterable[JournalEntry], live_document: PersonaDocument | None, now: float
    ) -> RevisionTimeline:
        """Return the timeline that the journal's lines and the live persona tell."""
        told = sorted(sighting for line in entries for sighting in _observations_in(line))
        if live_document is None:
            return cls(tuple(told))
        elsewhere = bool(told) and told[-1].revision != live_document.revision
        last = _live_observation(told, live_document, now)
        return cls(tuple(sorted([*told, last])), live_document.revision, elsewhere)

    def revision_at(self, moment: float | None) -> str:
        """Return the revision that stood at a moment, ``UNKNOWN``, or ``BEFORE``."""
        if moment is None:
            return UNKNOWN_REVISION
        place = bisect_right(self.observations, moment, key=lambda sighting: sighting.observed_at)
        if place == 0:
            return BEFORE_JOURNAL
        before, after = self.observations[place - 1], self.observations[place : place + 1]
        changed = bool(after) and after[0].revision != before.revision
        return UNKNOWN_REVISION if changed and moment > before.observed_at else before.revision

    def spans(self, revision: str) -> list[tuple[float, float | None]]:
        """Return when a revision stood, from first to last sighting; None while it stands."""
        found: list[tuple[float, float | None]] = []
        inside = False
        for sighting in self.observations:
            if sighting.revision != revision:
                inside = False
            elif inside:
                found[-1] = (found[-1][0], sighting.observed_at)
            else:
                found.append((sighting.observed_at, sighting.observed_at))
                inside = True
        if inside and revision == self.current_revision:
            found[-1] = (found[-1][0], None)
        return found


def format_moment(moment: float | None) -> str | None:
    """Return a moment as people read it: ISO 8601 in UTC, to the second."""
    if moment is None:
        return None
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")


def _observations_in(entry: JournalEntry) -> Iterable[RevisionObservation]:
    """Return what a line tells of the persona; a plan tells what it was made for, no more."""
    base = entry.detail.get("base") if entry.kind == "plan" else ""
    revision, at = entry.revision or base, parse_timestamp(entry.at)
    return (
        [RevisionObservation(at, entry.seq, revision)]
        if isinstance(revision, str) and revision and at
        else []
    )


def _live_observation(
    observations: Sequence[RevisionObservation], live_document: PersonaDocument, now: float
) -> RevisionObservation:
    """Return since when the live persona is known to stand: its last change, else just now."""
    others = [
        sighting.observed_at
        for sighting in observations
        if sighting.revision != live_document.revision
    ]
    stamp = parse_timestamp(live_document.updated_at)
    known = stamp is not None and stamp > max(others, default=-math.inf)
    return RevisionObservation(
        stamp if known and stamp is not None else now, math.inf, live_document.revision
    )
