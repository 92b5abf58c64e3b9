"""The types the facts come in: each knows its source and the day it was checked.

Named tuples, because they are made in a fraction of the time that dataclasses take at import.
"""

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

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
SeedStatus = Literal[
    "current", "alias", "legacy", "deprecated", "retired", "misused", "undocumented", "unsupported"
]

DISCOURAGED_STATUSES: frozenset[Status] = frozenset(
    {"legacy", "deprecated", "retired", "unsupported"}
)


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
    def allowed_values(self) -> tuple[str, ...]:
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


class FieldAlias(NamedTuple):
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


class ChangelogEntry(NamedTuple):
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


class SeedMapping(NamedTuple):
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


class ShutdownReason(NamedTuple):
    """How a call can end; ``name`` is what the stored reason begins with."""

    source: str
    checked_on: date
    name: str
    summary: str
