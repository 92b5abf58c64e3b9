"""The goals of tuning by name, and the types that ``goals.toml`` is read into."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, get_args

from tavus_mcp.catalog.facts import Facts, NamedFacts

Goal = Literal[
    "respond_faster",
    "be_more_patient",
    "interrupt_less",
    "be_easier_to_interrupt",
    "be_harder_to_interrupt",
    "sound_more_expressive",
    "sound_calmer",
    "speak_faster",
    "speak_slower",
    "be_more_grounded",
    "be_smarter",
    "ignore_background_noise",
    "re_engage_when_silent",
    "stay_silent",
    "speak_languages",
    "see_the_user",
    "respect_privacy",
    "cost_less",
    "modernize",
]
"""A goal of tuning, as ``goals.toml`` has it; ``modernize`` changes no behaviour."""

Strength = Literal["gentle", "normal", "strong"]
"""How far a goal goes: one level, its usual level, or the last level whatever it costs."""

GOALS: tuple[str, ...] = get_args(Goal)
"""Every goal, in the order it is offered."""


Confidence = Literal["documented", "reported", "inferred"]


class Step(Facts):
    """One field that a goal of tuning changes, and how far.

    ``levels`` run towards the goal: strength gentle takes one level, normal goes to ``normal`` (the
    last level where it is not given), strong to the last one. Levels are values of the field; with
    ``rating`` they are ratings of the model in effect. A step with ``paragraph`` adds that text to
    the prompt; one with ``function`` is carried out by that entry of ``tuning.step_functions``.
    """

    path: str
    reason: str
    effect: str
    trade_off: str
    confidence: Confidence
    levels: tuple[Any, ...] = ()
    normal: Any = None
    assume: Any = None  # the value in effect where none is stored and no default is documented
    strict: bool = False  # a value that is not among the levels is left as it is
    rating: Literal["speed", "intelligence"] | None = None
    paragraph: str | None = None
    function: str | None = None
    strengths: tuple[Strength, ...] = ("gentle", "normal", "strong")
    when: tuple[str, ...] = ()  # names of ``tuning.conditions`` that must all hold
    needs: tuple[str, ...] = ()  # JSON Pointers that must have a value
    unless_set: tuple[str, ...] = ()  # JSON Pointers that must have none
    met_when_bypassed: bool = False  # a mode that bypasses the field fulfils the goal there


class Advice(Facts):
    """A remark that helps a goal but is no change of the persona, with the call to make."""

    path: str
    message: str
    hint: str
    strengths: tuple[Strength, ...] = ("gentle", "normal", "strong")
    when: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    unless_set: tuple[str, ...] = ()


class TuningGoal(NamedFacts):
    """A goal of tuning, with its steps in order of importance.

    ``purpose`` says what the goal is for and ``not_for`` what it is easily confused with, with the
    goal for that in parentheses. ``aliases`` are other names by which it may be requested.
    """

    purpose: str
    not_for: str
    aliases: tuple[str, ...] = ()
    step: tuple[Step, ...] = ()
    advice: tuple[Advice, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The name and its aliases."""
        return (self.name, *self.aliases)


class Paragraph(NamedFacts):
    """A text that tuning may add to a prompt; ``opposes`` names those that contradict it."""

    text: str
    opposes: tuple[str, ...] = ()


class Translation(NamedFacts):
    """The texts that explain the conversion of a legacy setting.

    ``assumed`` is reported where the meaning of the setting was uncertain, ``by_hand`` where it
    cannot be converted, both with ``severity``. ``value`` is written where the result does not
    depend on the old value; ``values`` are the numbers that words stand for.
    """

    confidence: Confidence
    reason: str = ""
    effect: str = ""
    trade_off: str = ""
    assumed: str | None = None
    by_hand: str | None = None
    severity: Literal["warning", "info"] = "warning"
    hint: str | None = None
    value: Any = None
    values: Mapping[str, float] = MappingProxyType({})
