"""A call as Tavus tells it afterwards: who spoke when and for how long, and how it ended.

Read from ``GET /v2/conversations/{id}?verbose=true`` (docs: webhooks, get-conversation): the events
are a replay of callbacks, so they come twice, out of order, in two vocabularies, or not at all.
Whatever stands there, reading does not fail; what cannot be a time is no time. Seconds throughout.
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
"""How the names of calls begin that nobody held."""
_MAX_TURN_SECONDS = 86_400.0
_MAX_EPOCH_SECONDS = 1e11
"""No epoch second of the next thousand years is above this; milliseconds are."""
_OFFSET = re.compile(r"(?:Z|[+-]\d\d:?\d\d)$", re.IGNORECASE)


@dataclass(frozen=True)
class Turn:
    """What one side said in one go; times are None where Tavus gave none that can be used.

    ``role`` is ``user``, ``assistant``, or another word as it came. ``start`` counts from the
    beginning of the call, or from its first turn when only the hour of the day is known.
    """

    role: str
    content: str
    start: float | None = None
    duration: float | None = None

    @property
    def end(self) -> float | None:
        """When the turn ended, if start and duration are known."""
        if self.start is None or self.duration is None:
            return None
        return self.start + self.duration


@dataclass(frozen=True)
class Conversation:
    """One conversation; ``turns`` is None when Tavus holds no transcript of it."""

    conversation_id: str
    turns: tuple[Turn, ...] | None = None
    shutdown_reason: str = ""
    analysis: str = ""
    analysis_failure: str = ""

    @classmethod
    def parse(cls, raw: JsonObject) -> Conversation:
        """Return the call of a reply; see the module for what is endured."""
        return cls(
            conversation_id=_text(raw.get("conversation_id")),
            turns=_longest_transcript(raw),
            shutdown_reason=_earliest_text(raw, "system.shutdown", "shutdown_reason"),
            analysis=_earliest_text(raw, "application.perception_analysis", "analysis"),
            analysis_failure=_earliest_text(raw, "application.perception_unavailable", "reason"),
        )

    def spoken_turns(self) -> list[Turn]:
        """Return what the user and the agent said; other roles speak to neither."""
        return [turn for turn in self.turns or () if turn.role in (USER, AGENT)]


def parse_timestamp(value: object) -> float | None:
    """Return a point in time as epoch seconds: a number or ISO text (UTC when it says no zone)."""
    if isinstance(value, str) and "-" in value[1:]:
        return _parse_iso(value.strip())
    number = parse_number(value)
    return number if number is not None and 0 < number < _MAX_EPOCH_SECONDS else None


def parse_number(value: object) -> float | None:
    """Return a finite number, also one written as text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _parse_iso(text: str) -> float | None:
    whole = text if _OFFSET.search(text) else f"{text}Z"
    try:
        return float(_datetime_adapter().validate_python(whole).timestamp())
    except (ValueError, OverflowError):
        return None


@cache
def _datetime_adapter() -> TypeAdapter[Any]:
    return TypeAdapter(AwareDatetime)


def _events(raw: JsonObject, kind: str) -> Iterator[tuple[float, JsonObject]]:
    """Yield the properties of the events of a kind, each with when it was sent."""
    events = raw.get("events")
    for event in events if isinstance(events, list) else ():
        if not isinstance(event, dict) or event.get("event_type") != kind:
            continue
        properties = event.get("properties")
        if isinstance(properties, dict):
            yield parse_timestamp(event.get("timestamp")) or _MAX_EPOCH_SECONDS, properties


def _earliest_text(raw: JsonObject, kind: str, name: str) -> str:
    """Return the earliest text an event of this kind told, else the one at the top level."""
    found = [(at, _text(properties.get(name))) for at, properties in _events(raw, kind)]
    texts = sorted(pair for pair in found if pair[1])
    return texts[0][1] if texts else _text(raw.get(name))


def _longest_transcript(raw: JsonObject) -> tuple[Turn, ...] | None:
    """Return the fullest transcript there is: of an event, or at the top as older docs have it."""
    events = _events(raw, "application.transcription_ready")
    lists = [properties.get("transcript") for _, properties in events]
    lists.append(raw.get("transcript"))
    read = [_turns(entries) for entries in lists if isinstance(entries, list)]
    return max(read, key=lambda turns: (len(turns), repr(turns)), default=None)


def _turns(entries: Sequence[object]) -> tuple[Turn, ...]:
    told = [
        (_turn(entry), parse_timestamp(entry.get("timestamp")))
        for entry in entries
        if isinstance(entry, dict) and _role(entry) != _PROMPT_ROLE
    ]
    both = [at - turn.start for turn, at in told if at is not None and turn.start is not None]
    if any(turn.start is not None for turn, _ in told):
        zero = min(both, default=None)
    else:
        zero = min((at for _, at in told if at is not None), default=None)
    placed = [
        replace(turn, start=at - zero)
        if turn.start is None and at is not None and zero is not None
        else turn
        for turn, at in told
    ]
    if any(turn.start is None for turn in placed):
        return tuple(placed)
    return tuple(sorted(placed, key=_sort_key))


def _sort_key(turn: Turn) -> tuple[float, float, str, str]:
    return turn.start or 0.0, turn.duration or 0.0, turn.role, turn.content


def _turn(entry: JsonObject) -> Turn:
    start, duration = (parse_number(entry.get(name)) for name in ("seconds_from_start", "duration"))
    fit = duration is not None and 0 <= duration <= _MAX_TURN_SECONDS
    return Turn(
        role=_role(entry),
        content=_text(entry.get("content")),
        start=start if start is not None and abs(start) < _MAX_EPOCH_SECONDS else None,
        duration=round(duration, 3) if duration is not None and fit else None,
    )


def _role(entry: JsonObject) -> str:
    role = _text(entry.get("role")).strip().lower()
    return _ROLES.get(role, role)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
