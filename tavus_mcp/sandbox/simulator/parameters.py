"""The numbers behind made-up calls: ``parameters.toml``, which says what each of them means."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources

from tavus_mcp.sandbox.http import Body
from tavus_mcp.sandbox.simulator.random_stream import TriangularDistribution


class DetectionParameters(Body):
    """How a model of turn detection tells an end from a pause."""

    misreads: float
    hesitates: float
    pace: float


class VoiceParameters(Body):
    """How fast a speech engine talks, and how soon."""

    words_per_minute: float
    first_sound: float
    normal: float
    effect: float


class AnswerParameters(Body):
    """What goes into an answer of a language model."""

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
    """What people do of themselves, whoever they are."""

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
    """Why calls end, and how often so."""

    reason: str
    weight: float


class Assumptions(Body):
    """All of them; seconds and shares, by setting."""

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
    """Return the numbers of ``parameters.toml``."""
    text = (
        resources.files("tavus_mcp.sandbox.simulator")
        .joinpath("parameters.toml")
        .read_text("utf-8")
    )
    return Assumptions.model_validate(tomllib.loads(text))
