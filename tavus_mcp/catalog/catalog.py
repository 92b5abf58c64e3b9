"""``Catalog``: every question one may ask about what Tavus offers."""

from collections.abc import Callable, Iterable
from functools import cache, lru_cache
from typing import Any, TypeVar

from tavus_mcp.catalog.describe import described
from tavus_mcp.catalog.facts import (
    Change,
    ContextGuidance,
    EngineFacts,
    FieldFacts,
    Habit,
    Language,
    LayerFacts,
    ModelFacts,
    Note,
    PipelineMode,
    SeedItem,
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

F = TypeVar("F")
_NESTED: dict[str, Callable[..., Any]] = {
    "values": Value,
    "voice_setting": VoiceSetting,
    "step": Step,
    "advice": Advice,
}


@cache
def read(name: str) -> dict[str, Any]:
    """One file of ``data/``, parsed."""
    import tomllib  # here, so that a run which asks nothing pays nothing

    return tomllib.loads(text("data", f"{name}.toml"))


def text(folder: str, name: str) -> str:
    """A file of this package, also from inside a wheel."""
    from importlib import resources  # here, for the same reason

    return resources.files(__package__).joinpath(folder, name).read_text(encoding="utf-8")


@cache
def facts(kind: Callable[..., F], name: str, key: str) -> tuple[F, ...]:
    """Every ``[[key]]`` of a file as ``kind``; an unknown or missing key is a bug, so it raises."""
    return tuple(fact(kind, table) for table in read(name).get(key, ()))


def fact(kind: Callable[..., F], table: dict[str, Any]) -> F:
    """One table as ``kind``, with lists frozen."""
    return kind(**{key: _frozen(key, value) for key, value in table.items()})


def _frozen(key: str, value: Any) -> Any:
    if not isinstance(value, list):
        return value
    nested = _NESTED.get(key)
    return tuple(fact(nested, item) for item in value) if nested else tuple(value)


def fields_of(name: str) -> tuple[FieldFacts, ...]:
    """The fields a file lists."""
    return facts(FieldFacts, name, "field")


def engines_of(name: str) -> tuple[EngineFacts, ...]:
    """The engines a file lists."""
    return facts(EngineFacts, name, "engine")


Recipe = TypeVar("Recipe", TuningGoal, Paragraph, Translation)
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
        return _layer(_known(name, LAYERS, "layer"))

    def describe(self, layer: str) -> dict[str, object]:
        """One layer as compact JSON, for a tool result."""
        return described(self.layer(layer))

    def fields(self, layer: str) -> tuple[FieldFacts, ...]:
        """The fields of one layer, legacy ones included."""
        return self.layer(layer).fields

    def field(self, layer: str, name: str) -> FieldFacts | None:
        """One field by any of its names; nested ones are dotted, as in extra_body.top_p."""
        return _field(layer, name)

    def llm_models(self) -> tuple[ModelFacts, ...]:
        """The hosted language models, recommended first."""
        return self.layer("llm").models

    def llm_model(self, model: str) -> ModelFacts | None:
        """One hosted language model."""
        return _with_id(self.llm_models(), model)

    def context_guidance(self) -> ContextGuidance:
        """How long a prompt should and may be."""
        return _guidance()

    def tts_engines(self) -> tuple[EngineFacts, ...]:
        """The engines that speak."""
        return self.layer("tts").engines

    def tts_engine(self, engine: str) -> EngineFacts | None:
        """One engine that speaks."""
        return _engine(self.tts_engines(), engine)

    def stt_engines(self) -> tuple[EngineFacts, ...]:
        """The engines that hear."""
        return self.layer("stt").engines

    def stt_engine(self, engine: str) -> EngineFacts | None:
        """One engine that hears."""
        return _engine(self.stt_engines(), engine)

    def perception_models(self) -> tuple[ModelFacts, ...]:
        """The values of perception_model."""
        return self.layer("perception").models

    def perception_model(self, model: str) -> ModelFacts | None:
        """One value of perception_model."""
        return _with_id(self.perception_models(), model)

    def turn_models(self) -> tuple[ModelFacts, ...]:
        """The values of turn_detection_model."""
        return self.layer("conversational_flow").models

    def turn_model(self, model: str) -> ModelFacts | None:
        """One value of turn_detection_model, in either spelling; ``id`` is the one to send."""
        return _with_id(self.turn_models(), model)

    def pipeline_modes(self) -> tuple[PipelineMode, ...]:
        """The values of pipeline_mode."""
        return facts(PipelineMode, "pipeline_modes", "mode")

    def pipeline_mode(self, name: str) -> PipelineMode | None:
        """One value of pipeline_mode."""
        return next((mode for mode in self.pipeline_modes() if mode.name == name), None)

    def pipeline_notes(self) -> tuple[Note, ...]:
        """What looks like a mode and is none: LiveKit, audio only."""
        return facts(Note, "pipeline_modes", "note")

    def persona_fields(self) -> tuple[FieldFacts, ...]:
        """The top-level fields of a persona."""
        return fields_of("persona_fields")

    def persona_field(self, name: str) -> FieldFacts | None:
        """One top-level field, by its name in either vocabulary."""
        return _named(self.persona_fields(), name)

    def tool_rules(self) -> tuple[FieldFacts, ...]:
        """What holds for functions, inline and in the registry."""
        return facts(FieldFacts, "tools", "rule")

    def tool_rule(self, name: str) -> FieldFacts | None:
        """One rule for functions, such as registry.name."""
        return _named(self.tool_rules(), name)

    def languages(self) -> tuple[Language, ...]:
        """The spoken languages."""
        return facts(Language, "languages", "language")

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
        return facts(SttSupport, "languages", "stt_support")

    def how_languages_are_set(self) -> tuple[Note, ...]:
        """Where a language is chosen, and in which form."""
        return facts(Note, "languages", "how_set")

    def deprecations(self) -> tuple[Change, ...]:
        """Dated changes that touch a persona, oldest first."""
        return facts(Change, "deprecations", "change")

    def habits(self) -> tuple[Habit, ...]:
        """Fields that people send from habit, and where the same is said today."""
        return facts(Habit, "habits", "habit")

    def seed_items(self) -> tuple[SeedItem, ...]:
        """What the seed document shows, each with today's equivalent."""
        return facts(SeedItem, "deprecations", "seed")

    def tuning_goal(self, name: str) -> TuningGoal:
        """What moves a persona towards a goal; LookupError names the goals when there is none."""
        goals: tuple[TuningGoal, ...] = facts(TuningGoal, "goals", "goal")
        return _by_name(goals, name, "goal")

    def paragraph(self, name: str) -> Paragraph:
        """A text that tuning may add to a prompt."""
        return _by_name(self.paragraphs(), name, "paragraph")

    def paragraphs(self) -> tuple[Paragraph, ...]:
        """Every text that tuning may add to a prompt."""
        return facts(Paragraph, "goals", "paragraph")

    def translation(self, name: str) -> Translation:
        """Why and with what effect something old is said in today's words."""
        known: tuple[Translation, ...] = facts(Translation, "goals", "translation")
        return _by_name(known, name, "translation")

    def complaints(self) -> tuple[GoalPhrases, ...]:
        """What people say, by the goal of tuning that it points to."""
        return facts(GoalPhrases, "complaints", "goal")

    def other_calls(self) -> tuple[OtherCall, ...]:
        """What people say, by the call that does what no goal of tuning does."""
        return facts(OtherCall, "complaints", "elsewhere")

    def word_classes(self) -> tuple[WordClass, ...]:
        """The words that may stand for one another in such phrases."""
        return facts(WordClass, "complaints", "words")

    def shutdown_reasons(self) -> tuple[ShutdownReason, ...]:
        """How calls can end."""
        return facts(ShutdownReason, "conversations", "shutdown_reason")

    def shutdown_reason(self, told: str) -> ShutdownReason | None:
        """One way to end, by a stored reason that begins with its name."""
        known = self.shutdown_reasons()
        return next((reason for reason in known if told.startswith(reason.name)), None)

    def guide_topics(self) -> tuple[str, ...]:
        """The topics there is a guide for."""
        return GUIDE_TOPICS

    def guide(self, topic: str) -> str:
        """One guide, as Markdown; LookupError names the topics when there is no such one."""
        return text("guides", f"{_known(topic, GUIDE_TOPICS, 'guide')}.md")


@cache
def load_catalog() -> Catalog:
    """The catalog; nothing is read before it is asked for."""
    return Catalog()


@lru_cache(maxsize=1024)
def _field(layer: str, name: str) -> FieldFacts | None:
    return _named(_layer(_known(layer, LAYERS, "layer")).fields, name)


@cache
def _layer(name: str) -> LayerFacts:
    return fact(
        LayerFacts,
        {
            **read(name)["layer"],
            "fields": fields_of(name),
            "models": facts(ModelFacts, name, "model"),
            "engines": engines_of(name),
        },
    )


@cache
def _guidance() -> ContextGuidance:
    return fact(ContextGuidance, read("llm")["context_guidance"])


def _known(name: str, names: tuple[str, ...], what: str) -> str:
    if name not in names:
        raise LookupError(f"No {what} {name!r}. There are: {', '.join(names)}.")
    return name


def _by_name(entries: tuple[Recipe, ...], name: str, what: str) -> Recipe:
    known = tuple(one.name for one in entries)
    return entries[known.index(_known(name, known, what))]


def _named(fields: Iterable[FieldFacts], name: str) -> FieldFacts | None:
    return next((field for field in fields if name in field.names), None)


def _with_id(models: Iterable[ModelFacts], model: str) -> ModelFacts | None:
    return next((facts for facts in models if model in (facts.id, *facts.aliases)), None)


def _engine(engines: Iterable[EngineFacts], engine: str) -> EngineFacts | None:
    return next((facts for facts in engines if facts.id == engine), None)
