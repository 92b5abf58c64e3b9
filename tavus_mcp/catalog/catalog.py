"""``Catalog``: every question one may ask about what Tavus offers."""

from collections.abc import Callable, Iterable
from functools import cache, lru_cache
from typing import Any, TypeVar

from tavus_mcp.catalog.describe import describe_layer
from tavus_mcp.catalog.facts import (
    ChangelogEntry,
    ContextGuidance,
    EngineFacts,
    FieldAlias,
    FieldFacts,
    Language,
    LayerFacts,
    ModelFacts,
    Note,
    PipelineMode,
    SeedMapping,
    ShutdownReason,
    SttSupport,
    Value,
    VoiceSetting,
)
from tavus_mcp.catalog.goals import (
    Advice,
    GoalPhrases,
    OtherCall,
    Paragraph,
    Step,
    Translation,
    TuningGoal,
    WordClass,
)
from tavus_mcp.models.document import PersonaDocument

F = TypeVar("F")
_NESTED_TYPES: dict[str, Callable[..., Any]] = {
    "values": Value,
    "voice_setting": VoiceSetting,
    "step": Step,
    "advice": Advice,
}


@cache
def read_data(name: str) -> dict[str, Any]:
    """One file of ``data/``, parsed."""
    import tomllib  # here, so that a run which asks nothing pays nothing

    return tomllib.loads(read_text("data", f"{name}.toml"))


def read_text(folder: str, name: str) -> str:
    """A file of this package, also from inside a wheel."""
    from importlib import resources  # here, for the same reason

    return resources.files(__package__).joinpath(folder, name).read_text(encoding="utf-8")


@cache
def read_facts(kind: Callable[..., F], name: str, key: str) -> tuple[F, ...]:
    """Every ``[[key]]`` of a file as ``kind``; an unknown or missing key is a bug, so it raises."""
    return tuple(build_fact(kind, table) for table in read_data(name).get(key, ()))


def build_fact(kind: Callable[..., F], table: dict[str, Any]) -> F:
    """One table as ``kind``, with lists frozen."""
    return kind(**{key: _freeze(key, value) for key, value in table.items()})


def _freeze(key: str, value: Any) -> Any:
    if not isinstance(value, list):
        return value
    nested = _NESTED_TYPES.get(key)
    return tuple(build_fact(nested, item) for item in value) if nested else tuple(value)


def read_fields(name: str) -> tuple[FieldFacts, ...]:
    """The fields a file lists."""
    return read_facts(FieldFacts, name, "field")


def read_engines(name: str) -> tuple[EngineFacts, ...]:
    """The engines a file lists."""
    return read_facts(EngineFacts, name, "engine")


GoalEntity = TypeVar("GoalEntity", TuningGoal, Paragraph, Translation)
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


class Catalog:
    """The facts, read file by file as they are asked for."""

    def layers(self) -> tuple[str, ...]:
        """The names of all known layers, the everyday ones first."""
        return LAYERS

    def layer(self, name: str) -> LayerFacts:
        """Everything about one layer; LookupError names the layers when there is no such one."""
        return _load_layer(_require_known(name, LAYERS, "layer"))

    def describe(self, layer: str) -> dict[str, object]:
        """One layer as compact JSON, for a tool result."""
        return describe_layer(self.layer(layer))

    def fields(self, layer: str) -> tuple[FieldFacts, ...]:
        """The fields of one layer, legacy ones included."""
        return self.layer(layer).fields

    def field(self, layer: str, name: str) -> FieldFacts | None:
        """One field by any of its names; nested ones are dotted, as in extra_body.top_p."""
        return _find_layer_field(layer, name)

    def llm_models(self) -> tuple[ModelFacts, ...]:
        """The hosted language models, recommended first."""
        return self.layer("llm").models

    def llm_model(self, model: str) -> ModelFacts | None:
        """One hosted language model."""
        return _find_model(self.llm_models(), model)

    def recommended_llm(self) -> str:
        """The id of the hosted language model that Tavus uses by default."""
        return next((model.id for model in self.llm_models() if model.default), "...")

    def context_guidance(self) -> ContextGuidance:
        """How long a prompt should and may be."""
        return _load_guidance()

    def tts_engines(self) -> tuple[EngineFacts, ...]:
        """The engines that speak."""
        return self.layer("tts").engines

    def tts_engine(self, engine: str) -> EngineFacts | None:
        """One engine that speaks."""
        return _find_engine(self.tts_engines(), engine)

    def stt_engines(self) -> tuple[EngineFacts, ...]:
        """The engines that hear."""
        return self.layer("stt").engines

    def stt_engine(self, engine: str) -> EngineFacts | None:
        """One engine that hears."""
        return _find_engine(self.stt_engines(), engine)

    def perception_models(self) -> tuple[ModelFacts, ...]:
        """The values of perception_model."""
        return self.layer("perception").models

    def perception_model(self, model: str) -> ModelFacts | None:
        """One value of perception_model."""
        return _find_model(self.perception_models(), model)

    def effective_perception_model(self, document: PersonaDocument) -> str:
        """The perception model in effect: the stored one, else the default."""
        stored = document.text("/layers/perception/perception_model")
        return stored or next((model.id for model in self.perception_models() if model.default), "")

    def turn_models(self) -> tuple[ModelFacts, ...]:
        """The values of turn_detection_model."""
        return self.layer("conversational_flow").models

    def turn_model(self, model: str) -> ModelFacts | None:
        """One value of turn_detection_model, in either spelling; ``id`` is the one to send."""
        return _find_model(self.turn_models(), model)

    def pipeline_modes(self) -> tuple[PipelineMode, ...]:
        """The values of pipeline_mode."""
        return read_facts(PipelineMode, "pipeline_modes", "mode")

    def pipeline_mode(self, name: str) -> PipelineMode | None:
        """One value of pipeline_mode."""
        return next((mode for mode in self.pipeline_modes() if mode.name == name), None)

    def pipeline_notes(self) -> tuple[Note, ...]:
        """What looks like a mode and is none: LiveKit, audio only."""
        return read_facts(Note, "pipeline_modes", "note")

    def persona_fields(self) -> tuple[FieldFacts, ...]:
        """The top-level fields of a persona."""
        return read_fields("persona_fields")

    def persona_field(self, name: str) -> FieldFacts | None:
        """One top-level field, by its name in either vocabulary."""
        return _find_field(self.persona_fields(), name)

    def tool_rules(self) -> tuple[FieldFacts, ...]:
        """What holds for functions, inline and in the registry."""
        return read_facts(FieldFacts, "tools", "rule")

    def tool_rule(self, name: str) -> FieldFacts | None:
        """One rule for functions, such as registry.name."""
        return _find_field(self.tool_rules(), name)

    def languages(self) -> tuple[Language, ...]:
        """The spoken languages."""
        return read_facts(Language, "languages", "language")

    def language(self, name_or_code: str) -> Language | None:
        """One language by its code, its name or another name of it, in any case."""
        wanted = name_or_code.casefold()
        for language in self.languages():
            names = (language.code, language.name, *language.also_called)
            if wanted in {name.casefold() for name in names}:
                return language
        return None

    def stt_support(self) -> tuple[SttSupport, ...]:
        """Which stt engine is known to hear which languages."""
        return read_facts(SttSupport, "languages", "stt_support")

    def language_setting_notes(self) -> tuple[Note, ...]:
        """Where a language is chosen, and in which form."""
        return read_facts(Note, "languages", "how_set")

    def changelog(self) -> tuple[ChangelogEntry, ...]:
        """Dated changes that touch a persona, oldest first."""
        return read_facts(ChangelogEntry, "deprecations", "change")

    def deprecated_since(
        self, path: str, value: str | None = None, *, preposition: str = "since"
    ) -> str:
        """``" since DATE"`` for a field or value that is superseded, deprecated or retired.

        Returns an empty text for any other.
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
        """``" since DATE"`` for a value that became the default, else an empty text."""
        for change in self.changelog():
            if change.kind == "default" and (change.path, change.value) == (path, value):
                return f" since {change.date.isoformat()}"
        return ""

    def field_aliases(self) -> tuple[FieldAlias, ...]:
        """Fields that people send from habit, and where the same is said today."""
        return read_facts(FieldAlias, "habits", "habit")

    def seed_mappings(self) -> tuple[SeedMapping, ...]:
        """What the seed document shows, each with today's equivalent."""
        return read_facts(SeedMapping, "deprecations", "seed")

    def tuning_goal(self, name: str) -> TuningGoal:
        """What moves a persona towards a goal; LookupError names the goals when there is none."""
        goals: tuple[TuningGoal, ...] = read_facts(TuningGoal, "goals", "goal")
        return _find_by_name(goals, name, "goal")

    def paragraph(self, name: str) -> Paragraph:
        """A text that tuning may add to a prompt."""
        return _find_by_name(self.paragraphs(), name, "paragraph")

    def paragraphs(self) -> tuple[Paragraph, ...]:
        """Every text that tuning may add to a prompt."""
        return read_facts(Paragraph, "goals", "paragraph")

    def translation(self, name: str) -> Translation:
        """Why and with what effect something old is said in today's words."""
        known: tuple[Translation, ...] = read_facts(Translation, "goals", "translation")
        return _find_by_name(known, name, "translation")

    def complaints(self) -> tuple[GoalPhrases, ...]:
        """What people say, by the goal of tuning that it points to."""
        return read_facts(GoalPhrases, "complaints", "goal")

    def other_calls(self) -> tuple[OtherCall, ...]:
        """What people say, by the call that does what no goal of tuning does."""
        return read_facts(OtherCall, "complaints", "elsewhere")

    def word_classes(self) -> tuple[WordClass, ...]:
        """The words that may stand for one another in such phrases."""
        return read_facts(WordClass, "complaints", "words")

    def shutdown_reasons(self) -> tuple[ShutdownReason, ...]:
        """How calls can end."""
        return read_facts(ShutdownReason, "conversations", "shutdown_reason")

    def shutdown_reason(self, reason_text: str) -> ShutdownReason | None:
        """One way to end, by a stored reason that begins with its name."""
        known = self.shutdown_reasons()
        return next((reason for reason in known if reason_text.startswith(reason.name)), None)

    def guide_topics(self) -> tuple[str, ...]:
        """The topics there is a guide for."""
        return GUIDE_TOPICS

    def guide(self, topic: str) -> str:
        """One guide, as Markdown; LookupError names the topics when there is no such one."""
        return read_text("guides", f"{_require_known(topic, GUIDE_TOPICS, 'guide')}.md")


@cache
def load_catalog() -> Catalog:
    """The catalog; nothing is read before it is asked for."""
    return Catalog()


@lru_cache(maxsize=1024)
def _find_layer_field(layer: str, name: str) -> FieldFacts | None:
    return _find_field(_load_layer(_require_known(layer, LAYERS, "layer")).fields, name)


@cache
def _load_layer(name: str) -> LayerFacts:
    return build_fact(
        LayerFacts,
        {
            **read_data(name)["layer"],
            "fields": read_fields(name),
            "models": read_facts(ModelFacts, name, "model"),
            "engines": read_engines(name),
        },
    )


@cache
def _load_guidance() -> ContextGuidance:
    return build_fact(ContextGuidance, read_data("llm")["context_guidance"])


def _require_known(name: str, names: tuple[str, ...], kind: str) -> str:
    if name not in names:
        raise LookupError(f"No {kind} {name!r}. There are: {', '.join(names)}.")
    return name


def _find_by_name(candidates: tuple[GoalEntity, ...], name: str, kind: str) -> GoalEntity:
    known = tuple(one.name for one in candidates)
    return candidates[known.index(_require_known(name, known, kind))]


def _find_field(fields: Iterable[FieldFacts], name: str) -> FieldFacts | None:
    return next((field for field in fields if name in field.names), None)


def _find_model(models: Iterable[ModelFacts], model: str) -> ModelFacts | None:
    return next((facts for facts in models if model in (facts.id, *facts.aliases)), None)


def _find_engine(engines: Iterable[EngineFacts], engine: str) -> EngineFacts | None:
    return next((facts for facts in engines if facts.id == engine), None)
