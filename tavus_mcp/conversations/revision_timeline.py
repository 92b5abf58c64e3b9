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

UNKNOWN = "unknown"
BEFORE = "before the journal"


@dataclass(frozen=True, order=True)
class Sighting:
    """A moment (epoch seconds) at which the persona stood at a revision; ``seq`` breaks ties."""

    at: float
    seq: float
    revision: str


@dataclass(frozen=True)
class Timeline:
    """The revisions of a persona by time; ``current`` is empty when the persona is gone."""

    sightings: tuple[Sighting, ...]
    current: str = ""
    changed_elsewhere: bool = False

    @classmethod
    def of(
        cls, lines: Iterable[JournalEntry], live: PersonaDocument | None, now: float
    ) -> Timeline:
        """Return the timeline that the journal's lines and the live persona tell."""
        told = sorted(sighting for line in lines for sighting in _sighted(line))
        if live is None:
            return cls(tuple(told))
        elsewhere = bool(told) and told[-1].revision != live.revision
        last = _since(told, live, now)
        return cls(tuple(sorted([*told, last])), live.revision, elsewhere)

    def revision_at(self, moment: float | None) -> str:
        """Return the revision that stood at a moment, ``UNKNOWN``, or ``BEFORE``."""
        if moment is None:
            return UNKNOWN
        place = bisect_right(self.sightings, moment, key=lambda sighting: sighting.at)
        if place == 0:
            return BEFORE
        before, after = self.sightings[place - 1], self.sightings[place : place + 1]
        changed = bool(after) and after[0].revision != before.revision
        return UNKNOWN if changed and moment > before.at else before.revision

    def spans(self, revision: str) -> list[tuple[float, float | None]]:
        """Return when a revision stood, from first to last sighting; None while it stands."""
        found: list[tuple[float, float | None]] = []
        inside = False
        for sighting in self.sightings:
            if sighting.revision != revision:
                inside = False
            elif inside:
                found[-1] = (found[-1][0], sighting.at)
            else:
                found.append((sighting.at, sighting.at))
                inside = True
        if inside and revision == self.current:
            found[-1] = (found[-1][0], None)
        return found


def moment_text(moment: float | None) -> str | None:
    """Return a moment as people read it: ISO 8601 in UTC, to the second."""
    if moment is None:
        return None
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")


def _sighted(line: JournalEntry) -> Iterable[Sighting]:
    """Return what a line tells of the persona; a plan tells what it was made for, no more."""
    base = line.detail.get("base") if line.kind == "plan" else ""
    revision, at = line.revision or base, parse_timestamp(line.at)
    return (
        [Sighting(at, line.seq, revision)] if isinstance(revision, str) and revision and at else []
    )


def _since(told: Sequence[Sighting], live: PersonaDocument, now: float) -> Sighting:
    """Return since when the live persona is known to stand: its last change, else just now."""
    others = [sighting.at for sighting in told if sighting.revision != live.revision]
    stamp = parse_timestamp(live.updated_at)
    known = stamp is not None and stamp > max(others, default=-math.inf)
    return Sighting(stamp if known and stamp is not None else now, math.inf, live.revision)
