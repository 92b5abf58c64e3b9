"""Persona documents, legacy and current: drawn by hypothesis, and from the checker's cases."""

from __future__ import annotations

import copy
import re
import tomllib
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from tavus_mcp.catalog import load_catalog
from tavus_mcp.catalog.goals import GOALS
from tavus_mcp.checker.check import check
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.json_patch import diff
from tavus_mcp.models.masking import MASK
from tavus_mcp.tuning import Recommendation, build_recommendation

CATALOG = load_catalog()
_RULES = Path(__file__).parents[1] / "checker" / "rules.toml"
RULE_CASES: dict[str, Any] = tomllib.loads(_RULES.read_text(encoding="utf-8"))
BASE: dict[str, Any] = RULE_CASES["base"]
SEED: dict[str, Any] = RULE_CASES["seed"]
STRENGTHS = ("gentle", "normal", "strong")


def recommend_changes(
    data: dict[str, Any], *goals: str, strength: str = "normal", languages: tuple[str, ...] = ()
) -> Recommendation:
    """Return the recommended changes; the goal speak_languages gets German and English."""
    spoken = languages or (("German", "en") if "speak_languages" in goals else ())
    return build_recommendation(PersonaDocument(data), goals, strength, spoken, CATALOG)


def apply_recommendation(recommendation: Recommendation, data: dict[str, Any]) -> dict[str, Any]:
    """Return the document with the recommended changes."""
    return dict(recommendation.change.apply(data))


def find_changed_paths(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Return the paths at which two documents differ; an added object counts as its leaves."""
    found = []
    for operation in diff(before, after):
        waiting = [(operation.path, operation.value if operation.op != "remove" else None)]
        while waiting:
            path, value = waiting.pop()
            if isinstance(value, dict) and value:
                waiting += [(f"{path}/{key}", item) for key, item in value.items()]
            else:
                found.append(path)
    return found


def find_errors(data: dict[str, Any]) -> set[tuple[str | None, str]]:
    """Return rule and message of every finding of severity error."""
    found = check(PersonaDocument(data), CATALOG)
    return {(one.rule, one.message) for one in found if one.severity == "error"}


def case_documents() -> list[tuple[str, dict[str, Any]]]:
    """Return the document of every case of the checker's rules, by its name."""
    return [
        (case["name"], _build_case_document(case))
        for case in (*RULE_CASES["case"], *RULE_CASES["silent"])
    ]


def _build_case_document(case: dict[str, Any]) -> dict[str, Any]:
    data = copy.deepcopy(BASE) | _expand_placeholders(case.get("with", {}))
    return {key: item for key, item in data.items() if key not in case.get("without", [])}


def _expand_placeholders(value: Any) -> Any:
    """Return a value of the data file with ``long:N`` and ``many:N`` expanded."""
    if isinstance(value, dict):
        return {key: _expand_placeholders(item) for key, item in value.items()}
    if isinstance(value, list):
        many = re.fullmatch(r"many:(\d+)", str(value[0])) if value else None
        return (
            [f"item {i}" for i in range(int(many[1]))]
            if many
            else list(map(_expand_placeholders, value))
        )
    long = re.fullmatch(r"long:(\d+)", value) if isinstance(value, str) else None
    return ("bicycle " * int(long[1]))[: int(long[1])] if long else value


def _one_of(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(values)


def _optional_fields(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


_BOOL = _one_of(True, False, "true", "false")
_LEVEL = _one_of("low", "medium", "high", "verylow")
_SENSITIVITY = _one_of("superlow", "verylow", "low", "medium", "high", "auto", "High")
_QUERIES = st.lists(
    _one_of("Is it red?", "is it red? ", "Who?", "Where?", "What?", "How?", "Why?", "Any?"),
    max_size=8,
)
_TOOL = {"type": "function", "function": {"name": "note", "description": "Notes."}}
_OTHER_TOOL = {"type": "function", "function": {"name": "look", "description": "Looks."}}
_TOOLS = st.lists(
    _one_of(_TOOL, _OTHER_TOOL), max_size=2, unique_by=lambda tool: tool["function"]["name"]
)
_VOICES = _one_of(
    "v0a1b2c3d4e5f", "a0e99841-438c-4a64-b679-ae501e7d6091", "21m00Tcm4TlvDq8ikWAM", "larry", ""
)
_HOSTED = st.sampled_from([model.id for model in CATALOG.llm_models] + ["tavus-new-9"])
_EXTRA_BODY = _optional_fields(
    temperature=_one_of(0.0, 0.3, 0.5, 1.0, "0.7"), top_p=_one_of(0.4, 0.95)
)
_PARAGRAPH_NAMES = st.lists(
    _one_of(*(text.name for text in CATALOG.paragraphs)), max_size=2, unique=True
)

_HOSTED_LLM = _optional_fields(
    model=_HOSTED,
    speculative_inference=_BOOL,
    extra_body=_EXTRA_BODY,
    tools=_TOOLS,
    disable_vision=_BOOL,
)
_OWN_LLM = st.fixed_dictionaries(
    {
        "model": _one_of("gpt-4-turbo", "m"),
        "base_url": st.just("https://llm.example.com/v1"),
        "api_key": st.just(MASK),
    },
    optional={
        "speculative_inference": _BOOL,
        "extra_body": _EXTRA_BODY,
        "headers": _one_of({"Authorization": "Bearer sk-live-0123456789"}, {"x-team": "blue"}),
        "odd_field": st.just({"kept": True}),
    },
)
_VOICE_SETTINGS = _optional_fields(
    speed=_one_of(-0.5, 0.0, 0.8, 1.0, 1.1, "fast", "normal", "slowest", "1.1"),
    emotion=_one_of(["anger:low"], ["positivity"]),
    stability=_one_of(0.2, 0.5, 0.9),
    style=_one_of(0.0, 0.4),
    volume=_one_of(1.0, 1.5),
)
_TTS = _optional_fields(
    tts_engine=_one_of("elevenlabs", "cartesia", "azure", "playht", "tavus-auto", ""),
    voice_id=_VOICES,
    external_voice_id=_VOICES,
    tts_model_name=_one_of("sonic-1", "sonic-2", "sonic-3", "sonic-3.5", "PlayHT2.0"),
    tts_emotion_control=_BOOL,
    api_key=st.just(MASK),
    playht_user_id=st.just("u1"),
    voice_settings=_VOICE_SETTINGS,
)
_STT = _optional_fields(
    stt_engine=st.sampled_from([engine.id for engine in CATALOG.stt_engines]),
    hotwords=_one_of("Brompton", ["Brompton", "Kettler"], ""),
    participant_pause_sensitivity=_SENSITIVITY,
    participant_interrupt_sensitivity=_SENSITIVITY,
    smart_turn_detection=_BOOL,
    diarization=st.just(True),
)
_PERCEPTION = _optional_fields(
    perception_model=_one_of("raven-1", "raven-0", "basic", "off"),
    ambient_awareness=_BOOL,
    ambient_awareness_queries=_QUERIES,
    visual_awareness_queries=_QUERIES,
    audio_awareness_queries=_QUERIES,
    perception_analysis_queries=_QUERIES,
    perception_tools=_TOOLS,
    visual_tools=_TOOLS,
    perception_tool_prompt=_one_of("Call note.", ""),
    tool_prompt=_one_of("", "Call look."),
    visual_tool_prompt=_one_of("Call note when red.", ""),
    emotion_recognition=_one_of("full", "limited", "auto"),
)
_FLOW = _optional_fields(
    turn_detection_model=_one_of("sparrow-2", "sparrow-1", "sparrow-0", "time-based", "timebased"),
    turn_taking_patience=_LEVEL.filter(lambda level: level != "verylow"),
    replica_interruptibility=_LEVEL,
    voice_isolation=_one_of("near", "off"),
    idle_engagement=_one_of("off", "patient", "eager"),
    wake_phrase=st.just("hey Ada"),
    active_listening=_one_of("off", "low", "high"),
    turn_commitment=_one_of("low", "medium", "high"),
)
_LAYERS = _optional_fields(
    llm=_HOSTED_LLM | _OWN_LLM,
    tts=_TTS,
    stt=_STT,
    perception=_PERCEPTION,
    conversational_flow=_FLOW,
    vqa=st.just({"enable_vision": True}),
    document_ids=st.just(["d8-b"]),
    future_layer=st.just({"kept": 1}),
)
_PERSONA_FIELDS = {
    "context": _one_of("", "Prices are in euros.", "bicycle"),
    "languages": st.lists(_one_of("en", "de", "hi", "Spanish"), max_size=3, unique=True),
    "document_ids": st.just(["d8-a"]),
    "disclosure_type": _one_of("off", "auto", "always"),
    "greeting": st.just("Hello!"),
    "guardrails_id": st.just("g1"),
    "audio_only": _one_of(True, False),
    "layers": _LAYERS,
    "odd_field": st.just([1, {"kept": True}]),
}


@st.composite
def personas(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a persona as Tavus may return it: legacy and new fields, texts instead of values."""
    data = copy.deepcopy(BASE) | draw(st.fixed_dictionaries({}, optional=_PERSONA_FIELDS))
    for name in draw(_PARAGRAPH_NAMES):
        text = CATALOG.paragraphs[name].text
        data["system_prompt"] += f'\n\n<tuning name="{name}">\n{text}\n</tuning>'
    if draw(st.booleans()) and draw(st.booleans()):
        data["pipeline_mode"] = draw(_one_of("echo", "speech-to-speech"))
        del data["system_prompt"]
        data.pop("context", None)
    return data


goals = st.lists(st.sampled_from(GOALS), min_size=1, max_size=4, unique=True).map(tuple)
