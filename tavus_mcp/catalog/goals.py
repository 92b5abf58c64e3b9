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
"""A goal of tuning; ``modernize`` says the same in today's words."""

Strength = Literal["gentle", "normal", "strong"]
"""``gentle`` moves each setting one step; ``strong`` goes to the end and takes what it costs."""

GOALS: tuple[str, ...] = get_args(Goal)
"""Every goal, in the order it is offered."""


Confidence = Literal["documented", "reported", "inferred"]


class Step(Facts):
    """One place that a goal of tuning moves, and how far.

    ``ladder`` runs towards the goal: gentle takes one rung, normal goes to ``normal`` (the end
    where nothing is said), strong to the end. Rungs are values of the field; with ``rating`` they
    are ratings of the model that stands there, with ``paragraph`` nothing but a text is added to
    the prompt, and ``thought`` names the piece of code that has to look closer.
    """

    path: str
    reason: str
    effect: str
    trade_off: str
    confidence: Confidence
    levels: tuple[Any, ...] = ()
    normal: Any = None
    assume: Any = None  # what is in effect where nothing is stored, if no default is known
    strict: bool = False  # what is not on the ladder is left alone
    rating: Literal["speed", "intelligence"] | None = None
    paragraph: str | None = None
    function: str | None = None
    strengths: tuple[Strength, ...] = ("gentle", "normal", "strong")
    when: tuple[str, ...] = ()  # names of conditions
    needs: tuple[str, ...] = ()  # JSON Pointers where something must stand
    unless_set: tuple[str, ...] = ()  # and where nothing may
    met_when_bypassed: bool = False  # a mode that bypasses the place gives the goal what it wants


class Advice(Facts):
    """What helps a goal but is no change of the persona: a remark with the call to make."""

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
    """A text that tuning may add to a prompt, and the texts that pull the other way."""

    text: str
    opposes: tuple[str, ...] = ()


class Translation(NamedFacts):
    """Why and with what effect something old is said in today's words.

    ``assumed`` is told where the meaning was not certain, ``by_hand`` where it cannot be carried
    over. ``value`` is what is written where that does not depend on the old value; ``values`` are
    the numbers that words stand for.
    """

    confidence: Confidence
    reason: str = ""
    effect: str = ""
    trade_off: str = ""
    assumed: str | None = None
    by_hand: str | None = None
    hint: str | None = None
    value: Any = None
    values: Mapping[str, float] = MappingProxyType({})
