"""A finished conversation: who spoke when and for how long, and how it ended.

Parsed from ``GET /v2/conversations/{id}?verbose=true`` (docs: webhooks, get-conversation). Its
events are a replay of callbacks: they may be duplicated, out of order, in two vocabularies, or
missing. Parsing never fails; malformed parts become None or empty. All times are in seconds.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from pydantic import AwareDatetime, TypeAdapter

from tavus_mcp.models.base import JsonObject

USER, AGENT = "user", "assistant"
_ROLES = {"replica": AGENT, "pal": AGENT, "face": AGENT}
_PROMPT_ROLE = "system"
"""Older transcripts begin with an entry of this role, which is the prompt."""
SIMULATED_NAME_PREFIX = "Made up by the sandbox"
"""Prefix of the names of simulated conversations."""
_MAX_TURN_SECONDS = 86_400.0
_MAX_EPOCH_SECONDS = 1e11
"""Epoch seconds of the next thousand years are below this, milliseconds above."""
_OFFSET = re.compile(r"(?:Z|[+-]\d\d:?\d\d)$", re.IGNORECASE)


@dataclass(frozen=True)
class Turn:
    """One turn of a transcript; times are None where Tavus gave no usable ones.

    ``role`` is ``user``, ``assistant``, or another word as it was received. ``start`` counts from
    the beginning of the call, or from its first turn if only timestamps are known.
    """

    role: str
    content: str
    start: float | None = None
    duration: float | None = None

    @property
    def end(self) -> float | None:
        """End of the turn, if start and duration are known."""
        if self.start is None or self.duration is None:
            return None
        return self.start + self.duration


@dataclass(frozen=True)
class Conversation:
    """One conversation; ``turns`` is None when Tavus holds no transcript of it."""

    turns: tuple[Turn, ...] | None = None
    shutdown_reason: str = ""
    analysis: str = ""
    analysis_failure: str = ""

    @classmethod
    def parse(cls, raw: JsonObject) -> Conversation:
        """Parse a reply of GET /v2/conversations/{id}?verbose=true.

        Malformed parts become None or empty; never raises.
        """
        return cls(
            turns=_longest_transcript(raw),
            shutdown_reason=_earliest_text(raw, "system.shutdown", "shutdown_reason"),
            analysis=_earliest_text(raw, "application.perception_analysis", "analysis"),
            analysis_failure=_earliest_text(raw, "application.perception_unavailable", "reason"),
        )

    def spoken_turns(self) -> list[Turn]:
        """Return the turns of user and agent, without those of other roles."""
        return [turn for turn in self.turns or () if turn.role in (USER, AGENT)]


def parse_timestamp(value: object) -> float | None:
    """Return epoch seconds of a number or an ISO text (UTC if it has no zone), else None."""
    if isinstance(value, str) and "-" in value[1:]:
        return _parse_iso(value.strip())
    number = parse_number(value)
    return number if number is not None and 0 < number < _MAX_EPOCH_SECONDS else None


def parse_number(value: object) -> float | None:
    """Return a finite number, given as a number or a text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _parse_iso(text: str) -> float | None:
    with_zone = text if _OFFSET.search(text) else f"{text}Z"
    try:
        return float(_datetime_adapter().validate_python(with_zone).timestamp())
    except (ValueError, OverflowError):
        return None


@cache
def _datetime_adapter() -> TypeAdapter[Any]:
    return TypeAdapter(AwareDatetime)


def _events(raw: JsonObject, kind: str) -> Iterator[tuple[float, JsonObject]]:
    """Yield the time and the properties of each event of a kind."""
    events = raw.get("events")
    for event in events if isinstance(events, list) else ():
        if not isinstance(event, dict) or event.get("event_type") != kind:
            continue
        properties = event.get("properties")
        if isinstance(properties, dict):
            yield parse_timestamp(event.get("timestamp")) or _MAX_EPOCH_SECONDS, properties


def _earliest_text(raw: JsonObject, kind: str, name: str) -> str:
    """Return the text of the earliest event of this kind, else the one at the top level."""
    dated = [(time, _text(properties.get(name))) for time, properties in _events(raw, kind)]
    texts = sorted(pair for pair in dated if pair[1])
    return texts[0][1] if texts else _text(raw.get(name))


def _longest_transcript(raw: JsonObject) -> tuple[Turn, ...] | None:
    """Return the longest transcript: of an event, or at the top level as in older docs."""
    events = _events(raw, "application.transcription_ready")
    lists = [properties.get("transcript") for _, properties in events]
    lists.append(raw.get("transcript"))
    transcripts = [_turns(entries) for entries in lists if isinstance(entries, list)]
    return max(transcripts, key=lambda turns: (len(turns), repr(turns)), default=None)


def _turns(entries: Sequence[object]) -> tuple[Turn, ...]:
    """Return the turns of a transcript; starts that are missing are derived from timestamps."""
    dated = [
        (_turn(entry), parse_timestamp(entry.get("timestamp")))
        for entry in entries
        if isinstance(entry, dict) and _role(entry) != _PROMPT_ROLE
    ]
    if any(turn.start is not None for turn, _ in dated):
        origins = [
            time - turn.start for turn, time in dated if time is not None and turn.start is not None
        ]
    else:
        origins = [time for _, time in dated if time is not None]
    origin = min(origins, default=None)
    turns = [
        replace(turn, start=time - origin)
        if turn.start is None and time is not None and origin is not None
        else turn
        for turn, time in dated
    ]
    if any(turn.start is None for turn in turns):
        return tuple(turns)
    return tuple(sorted(turns, key=_sort_key))


def _sort_key(turn: Turn) -> tuple[float, float, str, str]:
    return turn.start or 0.0, turn.duration or 0.0, turn.role, turn.content


def _turn(entry: JsonObject) -> Turn:
    start, duration = (parse_number(entry.get(name)) for name in ("seconds_from_start", "duration"))
    is_plausible = duration is not None and 0 <= duration <= _MAX_TURN_SECONDS
    return Turn(
        role=_role(entry),
        content=_text(entry.get("content")),
        start=start if start is not None and abs(start) < _MAX_EPOCH_SECONDS else None,
        duration=round(duration, 3) if duration is not None and is_plausible else None,
    )


def _role(entry: JsonObject) -> str:
    role = _text(entry.get("role")).strip().lower()
    return _ROLES.get(role, role)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
