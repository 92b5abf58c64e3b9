"""``Catalog``: what Tavus offers. Every data file is read when it is first needed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, cached_property, lru_cache
from typing import Any, Generic, Protocol, TypeVar

from tavus_mcp.catalog.describe import describable_names, describe_field, describe_layer
from tavus_mcp.catalog.facts import (
    DISCOURAGED_STATUSES,
    ChangelogEntry,
    ContextGuidance,
    EngineFacts,
    FieldFacts,
    Language,
    LayerFacts,
    ModelFacts,
    PipelineMode,
    ShutdownReason,
    SttSupport,
    Value,
    VoiceSetting,
)
from tavus_mcp.catalog.goals import (
    Advice,
    Paragraph,
    Step,
    Translation,
    TuningGoal,
)
from tavus_mcp.models.document import PersonaDocument

LAYERS = (
    "llm",
    "tts",
    "stt",
    "perception",
    "conversational_flow",
    "conferencing",
    "capabilities",
    "knowledge_base",
    "transport",
    "sts",
    "mcp",
    "vqa",
)
_END_OF_LIFE_KINDS = frozenset({"superseded", "deprecated", "retired"})
_GOAL_TABLE_PLACEHOLDER = "{goal_table}\n"
GUIDE_TOPICS = (
    "llm",
    "tts",
    "perception",
    "stt",
    "conversational_flow",
    "pipeline-modes",
    "languages",
    "interactions",
    "replicas",
    "tuning",
    "measuring",
    "fleet",
    "files",
)


class _Named(Protocol):
    @property
    def names(self) -> tuple[str, ...]: ...


Fact = TypeVar("Fact")
Entry = TypeVar("Entry", bound=_Named)
_NESTED_TYPES: dict[str, Callable[..., Any]] = {
    "values": Value,
    "voice_setting": VoiceSetting,
    "step": Step,
    "advice": Advice,
}


@cache
def read_data(name: str) -> dict[str, Any]:
    """Parse one file of ``data/``."""
    import tomllib  # here, because most runs read no data

    return tomllib.loads(read_text("data", f"{name}.toml"))


def read_text(folder: str, name: str) -> str:
    """Read a file of this package, also from inside a wheel."""
    from importlib import resources  # here for the same reason

    return resources.files(__package__).joinpath(folder, name).read_text(encoding="utf-8")


@cache
def read_facts(kind: Callable[..., Fact], name: str, key: str) -> tuple[Fact, ...]:
    """Return every ``[[key]]`` of a data file as ``kind``.

    Raises ``TypeError`` for an unknown or a missing column: that is a bug in the data.
    """
    return tuple(build_fact(kind, table) for table in read_data(name).get(key, ()))


def build_fact(kind: Callable[..., Fact], table: dict[str, Any]) -> Fact:
    """Return one TOML table as ``kind``, its lists as tuples."""
    return kind(**{key: _freeze(key, value) for key, value in table.items()})


def _freeze(key: str, value: Any) -> Any:
    if not isinstance(value, list):
        return value
    nested = _NESTED_TYPES.get(key)
    return tuple(build_fact(nested, item) for item in value) if nested else tuple(value)


class Table(Generic[Entry]):
    """The entries under one key of one data file, in its order; read when they are first needed.

    Iterating yields all of them. ``find`` and ``table[name]`` look one up by any of its names.
    """

    def __init__(
        self, kind: Callable[..., Entry], file: str, key: str, *, ignore_case: bool = False
    ) -> None:
        self._source = (kind, file, key)
        self._ignore_case = ignore_case

    def __iter__(self) -> Iterator[Entry]:
        return iter(read_facts(*self._source))

    def find(self, name: str) -> Entry | None:
        """Return the entry of that name, or None."""
        return self._by_name.get(name.casefold() if self._ignore_case else name)

    def __getitem__(self, name: str) -> Entry:
        """Return the entry of that name; the ``LookupError`` for an unknown one lists all."""
        entry = self.find(name)
        if entry is None:
            raise _unknown_name_error(self._source[2], name, [entry.names[0] for entry in self])
        return entry

    @cached_property
    def _by_name(self) -> dict[str, Entry]:
        by_name: dict[str, Entry] = {}
        for entry in self:
            for name in entry.names:
                by_name.setdefault(name.casefold() if self._ignore_case else name, entry)
        return by_name


class Catalog:
    """What Tavus offers: the tables of entries that have a name, and what else the files hold."""

    layer_names = LAYERS
    guide_topics = GUIDE_TOPICS

    llm_models = Table(ModelFacts, "llm", "model")
    tts_engines = Table(EngineFacts, "tts", "engine")
    stt_engines = Table(EngineFacts, "stt", "engine")
    stt_support = Table(SttSupport, "languages", "stt_support")
    perception_models = Table(ModelFacts, "perception", "model")
    turn_models = Table(ModelFacts, "conversational_flow", "model")
    pipeline_modes = Table(PipelineMode, "pipeline_modes", "mode")
    persona_fields = Table(FieldFacts, "persona_fields", "field")
    tool_rules = Table(FieldFacts, "tools", "rule")
    languages = Table(Language, "languages", "language", ignore_case=True)
    tuning_goals = Table(TuningGoal, "goals", "goal", ignore_case=True)
    paragraphs = Table(Paragraph, "goals", "paragraph")
    translations = Table(Translation, "goals", "translation")

    def layer(self, name: str) -> LayerFacts:
        """Return everything about one layer; the ``LookupError`` for an unknown one lists all."""
        return _load_layer(_require_known(name, LAYERS, "layer"))

    def describe(self, layer: str) -> dict[str, object]:
        """Return one layer as compact JSON, for a tool result."""
        return describe_layer(self.layer(layer))

    def describe_field(self, layer: str, name: str) -> dict[str, object] | None:
        """Return one field or voice setting of a layer as compact JSON; None for an unknown one."""
        return describe_field(self.layer(layer), name)

    def field_names(self, layer: str) -> tuple[str, ...]:
        """Return the names that ``describe_field`` knows, legacy ones excluded."""
        return describable_names(self.layer(layer))

    def fields(self, layer: str) -> tuple[FieldFacts, ...]:
        """Return the fields of one layer, legacy ones included."""
        return self.layer(layer).fields

    @staticmethod
    @lru_cache(maxsize=1024)
    def field(layer: str, name: str) -> FieldFacts | None:
        """Return one field by any of its names; nested ones are dotted (``extra_body.top_p``)."""
        fields = _load_layer(_require_known(layer, LAYERS, "layer")).fields
        return next((field for field in fields if name in field.names), None)

    def default_value(self, path: str) -> Any:
        """Return the value that Tavus uses for a field that is not set, or None.

        ``path`` is a JSON Pointer into a persona (docs: create-persona).
        """
        field = self._field_at(path)
        return field.default if field else None

    def current_default(self, path: str) -> Any:
        """Return the default of a field as results show it; None for a legacy field.

        What replaces a legacy field may override it, so that its default says nothing.
        """
        field = self._field_at(path)
        return field.default if field and field.status not in DISCOURAGED_STATUSES else None

    def _field_at(self, path: str) -> FieldFacts | None:
        match path.split("/")[1:]:
            case ["layers", layer, *names] if layer in LAYERS and names:
                return self.field(layer, ".".join(names))
            case [name]:
                return self.persona_fields.find(name)
        return None

    @staticmethod
    @cache
    def value_fields() -> tuple[tuple[str, FieldFacts], ...]:
        """Return JSON Pointer and facts of each field with a list of known values.

        Read-only and legacy fields are left out: the values of the latter are converted.
        """
        persona_fields = [
            (f"/{facts.name}", facts)
            for facts in read_facts(FieldFacts, "persona_fields", "field")
            if facts.writable
        ]
        layer_fields = [
            (f"/layers/{layer}/" + facts.name.replace(".", "/"), facts)
            for layer in LAYERS
            for facts in _load_layer(layer).fields
        ]
        return tuple(
            (path, facts)
            for path, facts in persona_fields + layer_fields
            if facts.values and facts.status not in DISCOURAGED_STATUSES
        )

    @staticmethod
    @cache
    def value_paths() -> frozenset[str]:
        """Return the JSON Pointers of those fields."""
        return frozenset(path for path, _ in Catalog.value_fields())

    def recommended_llm(self) -> str:
        """Return the id of the hosted language model that Tavus uses by default."""
        return next((model.id for model in self.llm_models if model.default), "...")

    def effective_perception_model(self, document: PersonaDocument) -> str:
        """Return the perception model in effect: the stored one, else the default."""
        stored = document.text("/layers/perception/perception_model")
        return stored or next((model.id for model in self.perception_models if model.default), "")

    @staticmethod
    @cache
    def context_guidance() -> ContextGuidance:
        """Return how long a prompt should and may be."""
        return build_fact(ContextGuidance, read_data("llm")["context_guidance"])

    def changelog(self) -> tuple[ChangelogEntry, ...]:
        """Return the dated changes that touch a persona, oldest first."""
        return read_facts(ChangelogEntry, "deprecations", "change")

    def deprecated_since(
        self, path: str, value: str | None = None, *, preposition: str = "since"
    ) -> str:
        """Return ``" since DATE"`` for a field or value that is superseded, deprecated or retired.

        The text is empty for any other.
        """
        changes = [
            change
            for change in self.changelog()
            if change.kind in _END_OF_LIFE_KINDS and (change.path, change.value) == (path, value)
        ]
        if not changes:
            return ""
        about = "about " if changes[-1].approximate else ""
        return f" {preposition} {about}{changes[-1].date.isoformat()}"

    def default_since(self, path: str, value: str) -> str:
        """Return ``" since DATE"`` for a value that became the default, else an empty text."""
        for change in self.changelog():
            if change.kind == "default" and (change.path, change.value) == (path, value):
                return f" since {change.date.isoformat()}"
        return ""

    def shutdown_reason(self, reason_text: str) -> ShutdownReason | None:
        """Return the known way to end a conversation with which a stored reason begins."""
        known = read_facts(ShutdownReason, "conversations", "shutdown_reason")
        return next((reason for reason in known if reason_text.startswith(reason.name)), None)

    def guide(self, topic: str) -> str:
        """Return one guide as Markdown; the ``LookupError`` for an unknown topic lists all."""
        text = read_text("guides", f"{_require_known(topic, GUIDE_TOPICS, 'guide')}.md")
        if _GOAL_TABLE_PLACEHOLDER not in text:
            return text
        return text.replace(_GOAL_TABLE_PLACEHOLDER, _render_goal_table(self.tuning_goals))


@cache
def load_catalog() -> Catalog:
    """Return the catalog; no file is read before it is needed."""
    return Catalog()


@cache
def _load_layer(name: str) -> LayerFacts:
    return build_fact(
        LayerFacts,
        {
            **read_data(name)["layer"],
            "fields": read_facts(FieldFacts, name, "field"),
            "models": read_facts(ModelFacts, name, "model"),
            "engines": read_facts(EngineFacts, name, "engine"),
        },
    )


def _render_goal_table(goals: Iterable[TuningGoal]) -> str:
    """Render the goals as a Markdown table, for the guide."""
    rows = ["| goal | for | not for | also called |", "| --- | --- | --- | --- |"]
    rows += [
        f"| `{goal.name}` | {goal.purpose} | {goal.not_for} | {', '.join(goal.aliases)} |"
        for goal in goals
    ]
    return "".join(f"{row}\n" for row in rows)


def _require_known(name: str, known: Sequence[str], kind: str) -> str:
    if name not in known:
        raise _unknown_name_error(kind, name, known)
    return name


def _unknown_name_error(kind: str, name: str, known: Sequence[str]) -> LookupError:
    return LookupError(f"No {kind} {name!r}. There are: {', '.join(known)}.")
