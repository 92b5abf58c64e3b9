"""The assumptions behind simulated calls, from ``parameters.toml``, which explains each."""

from __future__ import annotations

from functools import cache

from tavus_mcp.sandbox.data_files import read_toml
from tavus_mcp.sandbox.http import Body
from tavus_mcp.sandbox.simulator.random_stream import TriangularDistribution


class DetectionParameters(Body):
    """How a turn-detection model distinguishes the end of a turn from a pause."""

    misreads: float
    hesitates: float
    pace: float


class VoiceParameters(Body):
    """Speaking rate and latency of a speech engine."""

    words_per_minute: float
    first_sound: float
    normal: float
    effect: float


class AnswerParameters(Body):
    """Latency and length of an answer of a language model."""

    head_start: float
    guess_holds: float
    per_thousand_tokens: float
    slow_from: int
    per_thousand_slow: float
    most_tokens: int
    words: TriangularDistribution
    temperature: float
    varies: float


class CommonBehaviour(Body):
    """Behaviour that all callers share."""

    holds: float
    unsure: float
    notices: float
    startle: TriangularDistribution
    hold: float
    nudged: float
    answers: TriangularDistribution
    waits: float
    yields: TriangularDistribution
    greets_after: float
    leaves_after: TriangularDistribution
    between_echoes: TriangularDistribution
    noise: TriangularDistribution


class CallerKind(Body):
    """One kind of caller."""

    weight: float
    exchanges: tuple[int, int]
    words: TriangularDistribution
    words_per_minute: TriangularDistribution
    pauses: float
    pause: TriangularDistribution
    thinks: TriangularDistribution
    falls_silent: float
    silence: TriangularDistribution
    barges: float
    listens: TriangularDistribution
    insists: float
    noise: float
    camera: float


class Ending(Body):
    """A reason for the end of a call, with its weight."""

    reason: str
    weight: float


class Assumptions(Body):
    """The content of ``parameters.toml``: seconds and shares by setting."""

    detection: dict[str, DetectionParameters]
    patience: dict[str, float]
    pause_sensitivity: dict[str, float]
    interruptibility: dict[str, float]
    interrupt_sensitivity: dict[str, float]
    isolation: dict[str, float]
    idle: dict[str, float]
    hearing: dict[str, float]
    thinking: dict[str, TriangularDistribution]
    speeds: dict[str, int]
    answer: AnswerParameters
    voices: dict[str, VoiceParameters]
    manners: CommonBehaviour
    callers: dict[str, CallerKind]
    ending: list[Ending]


@cache
def assumptions() -> Assumptions:
    """Return the content of ``parameters.toml``."""
    return Assumptions.model_validate(read_toml("simulator", "parameters.toml"))
