"""The types the facts come in: each knows its source and the day it was checked.

Named tuples, because they are made in a fraction of the time that dataclasses take at import.
"""

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from tavus_mcp.models.goals import Strength

Status = Literal[
    "recommended",
    "current",
    "probably_current",
    "legacy",
    "deprecated",
    "retired",
    "undocumented",
    "unsupported",
    "internal",
    "unknown",
]
ChangeKind = Literal[
    "added", "default", "behaviour", "renamed", "superseded", "deprecated", "retired"
]
Confidence = Literal["documented", "reported", "inferred"]
SeedStatus = Literal[
    "current", "alias", "legacy", "deprecated", "retired", "misused", "undocumented", "unsupported"
]

DISCOURAGED: frozenset[Status] = frozenset({"legacy", "deprecated", "retired", "unsupported"})


class Value(NamedTuple):
    """One allowed value and what it means."""

    value: str
    means: str


class FieldFacts(NamedTuple):
    """One field of a layer, of the persona itself, or of a function."""

    source: str
    checked_on: date
    name: str
    type: str
    summary: str
    status: Status
    aliases: tuple[str, ...] = ()
    current_name: str | None = None  # what the newer vocabulary (PAL, face) calls it
    values: tuple[Value, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    min_items: int | None = None
    max_items: int | None = None
    max_length: int | None = None  # of the text, or of each text in a list
    advised_length: int | None = None
    pattern: str | None = None
    forbidden_prefix: str | None = None
    default: Any = None
    requires: tuple[str, ...] = ()
    writable: tuple[Literal["create", "patch"], ...] = ("create", "patch")
    readable: bool = True
    successor: str | None = None
    successor_values: Mapping[str, str] = MappingProxyType({})
    since: date | None = None
    deprecated_on: date | None = None
    retired_on: date | None = None
    note: str | None = None

    @property
    def allowed(self) -> tuple[str, ...]:
        """The allowed values without their meanings; empty when it is not an enumeration."""
        return tuple(choice.value for choice in self.values)

    @property
    def names(self) -> tuple[str, ...]:
        """Every name it goes by, ours first."""
        renamed = (self.current_name,) if self.current_name else ()
        return (self.name, *renamed, *self.aliases)


class ModelFacts(NamedTuple):
    """A model of the llm, perception or turn-taking kind; ratings run from 1 to 3."""

    source: str
    checked_on: date
    id: str
    status: Status
    best_for: str
    default: bool = False
    aliases: tuple[str, ...] = ()
    speed: int | None = None
    intelligence: int | None = None
    naturalness: int | None = None
    context_tokens: int | None = None
    successor: str | None = None
    since: date | None = None
    deprecated_on: date | None = None
    retired_on: date | None = None


class VoiceSetting(NamedTuple):
    """One key of voice_settings, for one engine and maybe one model family of it."""

    source: str
    checked_on: date
    name: str
    type: str
    summary: str
    status: Status
    model_family: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    names: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()


class EngineFacts(NamedTuple):
    """A speech engine: one that speaks (tts) or one that hears (stt)."""

    source: str
    checked_on: date
    id: str
    status: Status
    summary: str
    default: bool = False
    default_model: str | None = None
    known_models: tuple[str, ...] = ()
    forbids: tuple[str, ...] = ()
    multilingual: bool = False
    voice_setting: tuple[VoiceSetting, ...] = ()
    successor: str | None = None
    since: date | None = None
    retired_on: date | None = None

    def voice_settings(self, model: str | None = None) -> tuple[VoiceSetting, ...]:
        """The settings that hold for one model (such as sonic-3.5), or all without one."""
        if model is None:
            return self.voice_setting
        return tuple(
            setting
            for setting in self.voice_setting
            if setting.model_family is None or _is_of_family(model, setting.model_family)
        )


def _is_of_family(model: str, family: str) -> bool:
    return model == family or model.startswith((f"{family}.", f"{family}-"))


class LayerFacts(NamedTuple):
    """A layer with all that can be set in it."""

    source: str
    checked_on: date
    name: str
    summary: str
    status: Status
    notes: tuple[str, ...] = ()
    free_object: bool = False  # keys beyond the named ones are normal
    successor: str | None = None
    fields: tuple[FieldFacts, ...] = ()
    models: tuple[ModelFacts, ...] = ()
    engines: tuple[EngineFacts, ...] = ()

    @property
    def choices(self) -> tuple[ModelFacts | EngineFacts, ...]:
        """Its models and engines: what one picks by id."""
        return (*self.models, *self.engines)


class ContextGuidance(NamedTuple):
    """How many tokens a prompt should and may have."""

    source: str
    checked_on: date
    comfortable_tokens: int
    slow_from_tokens: int
    maximum_tokens: int
    characters_per_token: int
    note: str


class PipelineMode(NamedTuple):
    """One value of pipeline_mode."""

    source: str
    checked_on: date
    name: str
    status: Status
    summary: str
    default: bool = False
    requires: tuple[str, ...] = ()
    forbids: tuple[str, ...] = ()
    ignored_layers: tuple[str, ...] = ()
    effects: tuple[str, ...] = ()
    note: str | None = None


class Note(NamedTuple):
    """A remark with a name; where a language is chosen also says what is taken there."""

    source: str
    checked_on: date
    name: str
    summary: str
    takes: str | None = None
    status: Status = "current"
    successor: str | None = None


class Language(NamedTuple):
    """A spoken language."""

    source: str
    checked_on: date
    name: str
    code: str
    also_called: tuple[str, ...] = ()


class SttSupport(NamedTuple):
    """The languages an stt engine is known to hear; not complete means that there are more."""

    source: str
    checked_on: date
    engine: str
    codes: tuple[str, ...]
    complete: bool


class Habit(NamedTuple):
    """Fields that people send from habit, and where the same is said today.

    ``where`` names layers, an empty one for the persona itself; ``to`` is a JSON Pointer, None
    when a persona has nothing like it; ``form`` names how the value is turned on the way.
    """

    source: str
    checked_on: date
    names: tuple[str, ...]
    where: tuple[str, ...]
    why: str
    to: str | None = None
    form: Literal["language-codes", "text"] | None = None


class Change(NamedTuple):
    """Something Tavus changed on a day; path is a JSON Pointer, empty for the whole persona."""

    source: str
    checked_on: date
    date: date
    path: str
    kind: ChangeKind
    change: str
    approximate: bool = False
    value: str | None = None
    successor: str | None = None


class SeedItem(NamedTuple):
    """Something the seed document shows, with today's equivalent."""

    source: str
    checked_on: date
    id: str
    item: str
    status: SeedStatus
    equivalent: str
    path: str | None = None
    value: str | None = None
    target: str | None = None
    replacement: str | None = None


class Step(NamedTuple):
    """One place that a goal of tuning moves, and how far.

    ``ladder`` runs towards the goal: gentle takes one rung, normal goes to ``normal`` (the end
    where nothing is said), strong to the end. Rungs are values of the field; with ``rating`` they
    are ratings of the model that stands there, with ``paragraph`` nothing but a text is added to
    the prompt, and ``thought`` names the piece of code that has to look closer.
    """

    source: str
    checked_on: date
    path: str
    reason: str
    effect: str
    trade_off: str
    confidence: Confidence
    ladder: tuple[Any, ...] = ()
    normal: Any = None
    assume: Any = None  # what is in effect where nothing is stored, if no default is known
    strict: bool = False  # what is not on the ladder is left alone
    rating: Literal["speed", "intelligence"] | None = None
    paragraph: str | None = None
    thought: str | None = None
    strengths: tuple[Strength, ...] = ("gentle", "normal", "strong")
    when: tuple[str, ...] = ()  # names of conditions
    needs: tuple[str, ...] = ()  # JSON Pointers where something must stand
    lacks: tuple[str, ...] = ()  # and where nothing may


class Advice(NamedTuple):
    """What helps a goal but is no change of the persona: a remark with the call to make."""

    source: str
    checked_on: date
    path: str
    message: str
    hint: str
    strengths: tuple[Strength, ...] = ("gentle", "normal", "strong")
    when: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()


class TuningGoal(NamedTuple):
    """A goal of tuning, with its steps in order of importance."""

    source: str
    checked_on: date
    name: str
    summary: str
    step: tuple[Step, ...] = ()
    advice: tuple[Advice, ...] = ()


class Paragraph(NamedTuple):
    """A text that tuning may add to a prompt, and the texts that pull the other way."""

    source: str
    checked_on: date
    name: str
    text: str
    opposes: tuple[str, ...] = ()


class Translation(NamedTuple):
    """Why and with what effect something old is said in today's words.

    ``assumed`` is told where the meaning was not certain, ``by_hand`` where it cannot be carried
    over. ``value`` is what is written where that does not depend on the old value; ``values`` are
    the numbers that words stand for.
    """

    source: str
    checked_on: date
    name: str
    confidence: Confidence
    reason: str = ""
    effect: str = ""
    trade_off: str = ""
    assumed: str | None = None
    by_hand: str | None = None
    hint: str | None = None
    value: Any = None
    values: Mapping[str, float] = MappingProxyType({})


class WordClass(NamedTuple):
    """Words that may stand for one another in a phrase."""

    source: str
    checked_on: date
    name: str
    words: tuple[str, ...]


class GoalPhrases(NamedTuple):
    """What people say who want one goal of tuning; ``name`` is the goal (``models.goals``)."""

    source: str
    checked_on: date
    name: str
    means: str
    phrases: tuple[str, ...]


class OtherCall(NamedTuple):
    """What people say who want what no goal of tuning does, and the call that does it.

    The call takes ``persona_id``, ``arguments`` and ``dry_run``; ``first`` is what to read before.
    """

    source: str
    checked_on: date
    name: str
    tool: str
    arguments: tuple[str, ...]
    phrases: tuple[str, ...]
    first: str | None = None


class ShutdownReason(NamedTuple):
    """How a call can end; ``name`` is what the stored reason begins with."""

    source: str
    checked_on: date
    name: str
    summary: str
