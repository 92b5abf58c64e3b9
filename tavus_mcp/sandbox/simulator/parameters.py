"""The numbers behind made-up calls: ``parameters.toml``, which says what each of them means."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources

from tavus_mcp.sandbox.http import Body
from tavus_mcp.sandbox.simulator.random_stream import Spread


class Detection(Body):
    """How a model of turn detection tells an end from a pause."""

    misreads: float
    hesitates: float
    pace: float


class Voice(Body):
    """How fast a speech engine talks, and how soon."""

    words_per_minute: float
    first_sound: float
    normal: float
    effect: float


class Answer(Body):
    """What goes into an answer of a language model."""

    head_start: float
    guess_holds: float
    per_thousand_tokens: float
    slow_from: int
    per_thousand_slow: float
    most_tokens: int
    words: Spread
    temperature: float
    varies: float


class Manners(Body):
    """What people do of themselves, whoever they are."""

    holds: float
    unsure: float
    notices: float
    startle: Spread
    hold: float
    nudged: float
    answers: Spread
    waits: float
    yields: Spread
    greets_after: float
    leaves_after: Spread
    between_echoes: Spread
    noise: Spread


class Kind(Body):
    """One kind of caller."""

    weight: float
    exchanges: tuple[int, int]
    words: Spread
    words_per_minute: Spread
    pauses: float
    pause: Spread
    thinks: Spread
    falls_silent: float
    silence: Spread
    barges: float
    listens: Spread
    insists: float
    noise: float
    camera: float


class Ending(Body):
    """Why calls end, and how often so."""

    reason: str
    weight: float


class Assumptions(Body):
    """All of them; seconds and shares, by setting."""

    detection: dict[str, Detection]
    patience: dict[str, float]
    pause_sensitivity: dict[str, float]
    interruptibility: dict[str, float]
    interrupt_sensitivity: dict[str, float]
    isolation: dict[str, float]
    idle: dict[str, float]
    hearing: dict[str, float]
    thinking: dict[str, Spread]
    speeds: dict[str, int]
    answer: Answer
    voices: dict[str, Voice]
    manners: Manners
    callers: dict[str, Kind]
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
