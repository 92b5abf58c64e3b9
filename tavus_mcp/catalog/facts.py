"""The types of the catalog's entries. Each entry names its source and the day it was checked."""

from collections.abc import Mapping
from datetime import date
from functools import cached_property
from types import MappingProxyType
from typing import Any, ClassVar, Literal, NamedTuple, dataclass_transform

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

DISCOURAGED_STATUSES: frozenset[Status] = frozenset(
    {"legacy", "deprecated", "retired", "unsupported"}
)


@dataclass_transform(kw_only_default=True, frozen_default=True)
class Facts:
    """One entry of a data file: its columns are the annotated attributes.

    Raises ``TypeError`` for an unknown or a missing column. Instances are shared, so they are not
    to be changed (mypy enforces it). Not dataclasses, because creating twenty of those at import
    takes as long as importing the whole catalog.
    """

    source: str
    checked_on: date

    _columns: ClassVar[frozenset[str]]

    def __init_subclass__(cls) -> None:
        cls._columns = frozenset(
            name for base in cls.__mro__ for name in getattr(base, "__annotations__", ())
        )

    def __init__(self, **columns: Any) -> None:
        unknown = columns.keys() - self._columns
        missing = [name for name in self._columns - columns.keys() if not hasattr(type(self), name)]
        if unknown or missing:
            raise TypeError(f"{type(self).__name__}: unknown {unknown}, missing {missing}")
        self.__dict__.update(columns)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.__dict__})"


class NamedFacts(Facts):
    """An entry that has a name."""

    name: str

    @property
    def names(self) -> tuple[str, ...]:
        """Every name by which it is found."""
        return (self.name,)


class LifecycleFacts(Facts):
    """Something that Tavus introduces and may deprecate and retire."""

    status: Status
    aliases: tuple[str, ...] = ()
    successor: str | None = None
    since: date | None = None
    deprecated_on: date | None = None
    retired_on: date | None = None


class Value(NamedTuple):
    """One allowed value and what it means."""

    value: str
    means: str


class FieldFacts(LifecycleFacts):
    """One field of a layer, of the persona itself, or of a function tool."""

    name: str
    type: str
    summary: str
    current_name: str | None = None  # its name in the newer vocabulary (PAL, face)
    values: tuple[Value, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    min_items: int | None = None
    max_items: int | None = None
    max_length: int | None = None  # characters of the text, or of each text in a list
    advised_length: int | None = None
    pattern: str | None = None
    forbidden_prefix: str | None = None
    default: Any = None
    requires: tuple[str, ...] = ()
    writable: tuple[Literal["create", "patch"], ...] = ("create", "patch")
    readable: bool = True
    successor_values: Mapping[str, str] = MappingProxyType({})
    other_values: Mapping[str, str] = MappingProxyType({})  # other names of its values
    note: str | None = None

    @cached_property
    def allowed_values(self) -> tuple[str, ...]:
        """The allowed values without their meanings; empty when it is not an enumeration."""
        return tuple(choice.value for choice in self.values)

    def value_named(self, word: str) -> str | None:
        """Return the value that a word certainly means: in another case, or under another name."""
        if word in self.allowed_values:
            return word
        folded = word.strip().casefold()
        same = (value for value in self.allowed_values if value.casefold() == folded)
        return next(same, None) or self.other_values.get(folded)

    @property
    def names(self) -> tuple[str, ...]:
        """Every name it goes by, the persona vocabulary's first."""
        renamed = (self.current_name,) if self.current_name else ()
        return (self.name, *renamed, *self.aliases)


class ChoiceFacts(LifecycleFacts):
    """A model or an engine: the value that is sent for it is ``id``."""

    id: str
    default: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Every spelling of its id, the one to send first."""
        return (self.id, *self.aliases)


class ModelFacts(ChoiceFacts):
    """A model of the llm, perception or conversational_flow layer; ratings run from 1 to 3."""

    best_for: str
    speed: int | None = None
    intelligence: int | None = None
    naturalness: int | None = None
    context_tokens: int | None = None
    remark: str | None = None  # what speaks against it, although it is not known to be deprecated


class VoiceSetting(Facts):
    """One key of voice_settings, for one engine and maybe one model family of it."""

    name: str
    type: str
    summary: str
    status: Status
    model_family: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    usual_minimum: float | None = None  # of the provider, where Tavus documents no range
    usual_maximum: float | None = None
    names: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()

    @property
    def owner(self) -> str:
        """The model family that has this setting, or "the engine"."""
        return self.model_family or "The engine"


class EngineFacts(ChoiceFacts):
    """A speech engine: text to speech (tts) or speech to text (stt)."""

    summary: str
    is_automatic: bool = False  # Tavus chooses the engine by itself
    default_model: str | None = None
    known_models: tuple[str, ...] = ()
    model_families: Mapping[str, str] = MappingProxyType({})  # of models named unlike their family
    english_only: Mapping[str, str] = MappingProxyType({})  # models, each with a multilingual one
    forbids: tuple[str, ...] = ()
    multilingual: bool = False
    voice_setting: tuple[VoiceSetting, ...] = ()

    def voice_settings(self, model: str | None = None) -> tuple[VoiceSetting, ...]:
        """The settings of one model (such as sonic-3.5), or all of them without one."""
        if model is None:
            return self.voice_setting
        return tuple(
            setting
            for setting in self.voice_setting
            if setting.model_family is None or self._is_of_family(model, setting.model_family)
        )

    def knows_model(self, model: str) -> bool:
        """Return True for a known model, or another version of a known family (sonic-3.6)."""
        families = (setting.model_family for setting in self.voice_setting)
        return model in self.known_models or any(
            family and self._is_of_family(model, family) for family in families
        )

    def _is_of_family(self, model: str, family: str) -> bool:
        is_version = model == family or model.startswith((f"{family}.", f"{family}-"))
        return is_version or self.model_families.get(model) == family


class LayerFacts(NamedFacts):
    """A layer with all that can be set in it."""

    summary: str
    status: Status
    notes: tuple[str, ...] = ()
    free_object: bool = False  # keys beyond the named ones are normal
    successor: str | None = None
    fields: tuple[FieldFacts, ...] = ()
    models: tuple[ModelFacts, ...] = ()
    engines: tuple[EngineFacts, ...] = ()

    @property
    def choices(self) -> tuple[ChoiceFacts, ...]:
        """Its models and engines."""
        return (*self.models, *self.engines)


class ContextGuidance(Facts):
    """How many tokens a prompt should and may have."""

    comfortable_tokens: int
    slow_from_tokens: int
    maximum_tokens: int
    characters_per_token: int
    note: str

    def estimate_tokens(self, *texts: object) -> int:
        """Estimate the tokens of some texts together; what is no text does not count.

        The tokenizers of the hosted models are not published, so an average is used.
        """
        char_count = sum(len(text) for text in texts if isinstance(text, str))
        return char_count // self.characters_per_token


class PipelineMode(NamedFacts):
    """One value of pipeline_mode."""

    status: Status
    summary: str
    default: bool = False
    requires: tuple[str, ...] = ()
    forbids: tuple[str, ...] = ()
    ignored_layers: tuple[str, ...] = ()
    effects: tuple[str, ...] = ()
    note: str | None = None


class Language(NamedFacts):
    """A spoken language."""

    code: str
    also_called: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Its code and every name of it."""
        return (self.code, self.name, *self.also_called)


class SttSupport(Facts):
    """The languages that an stt engine is known to transcribe; ``complete``: no others."""

    engine: str
    codes: tuple[str, ...]
    complete: bool

    @property
    def names(self) -> tuple[str, ...]:
        """The engine's id."""
        return (self.engine,)


class ChangelogEntry(Facts):
    """Something Tavus changed on a day; path is a JSON Pointer, empty for the whole persona."""

    date: date
    path: str
    kind: ChangeKind
    change: str
    approximate: bool = False
    value: str | None = None
    successor: str | None = None


class ShutdownReason(NamedFacts):
    """How a conversation can end; the stored reason begins with ``name``."""

    summary: str
