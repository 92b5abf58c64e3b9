"""Rules about values that are compared with a list: another name of a known value, or unknown here.

A value that is not in a list may be new. Whether Tavus takes it is not known here, so it is a
warning that names the nearest known values, and no fix exchanges it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tavus_mcp.catalog import Catalog, FieldFacts
from tavus_mcp.catalog.facts import DISCOURAGED_STATUSES
from tavus_mcp.catalog.voice import engine_of, stored_voice_settings
from tavus_mcp.checker.fixes import set_at
from tavus_mcp.checker.placeholders import is_placeholder_id
from tavus_mcp.checker.rule import Violation, rule
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.text import find_nearest_names, quote_foreign

_MODEL = "/layers/tts/tts_model_name"
_MAX_LISTED_VALUES = 12
_WORDS = re.compile(r"[A-Za-z]{1,12}(?:[ :_-][A-Za-z]{1,12}){0,3}")
"""A value that is named in a message although it is like no known one; another may be a key."""
_NOT_EXCHANGED = "The value may be new: Tavus decides, and nothing here is sure to mean the same."
# What other rules cannot check without knowing the value.
_UNCHECKED: dict[str, str] = {
    "/pipeline_mode": "what the mode requires and ignores",
    "/layers/tts/tts_engine": "voice, model and voice_settings",
    "/layers/stt/stt_engine": "the languages that it hears",
    "/layers/perception/perception_model": "what the model sees and hears",
}


@rule("value-other-name", "warning", source="P:quickstart, D:persona/conversational-flow")
def other_name(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """The value has another name at Tavus, such as elevenlabs for 11labs."""
    for path, facts in catalog.value_fields():
        stored = document.text(path)
        value = facts.value_named(stored) if stored else None
        if value is not None and value != stored:
            yield Violation(
                path,
                f"This is not a documented value of {facts.name}; the value of this meaning is "
                f"{value!r}.",
                set_at(path, value),
            )


@rule(
    "value-unknown",
    "warning",
    source="N#60428887827, N#53754823302, N#70932063607",
    no_fix_reason=_NOT_EXCHANGED,
)
def unknown_value(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """The list of values that is known here may be older than what Tavus takes."""
    for path, facts in catalog.value_fields():
        stored = document.text(path)
        is_known = not stored or facts.value_named(stored) or _is_choice(path, stored, catalog)
        if not is_known and not is_placeholder_id(stored):
            known = _offered_values(path, facts, catalog)
            yield unknown_value_violation(path, stored, known, _UNCHECKED.get(path, ""))


@rule("tts-model-unknown", "warning", source="N#70932063607", no_fix_reason=_NOT_EXCHANGED)
def unknown_voice_model(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """A voice model may be misspelled or newer than the list of models that is known here."""
    engine, model = engine_of(document, catalog), document.text(_MODEL)
    if not model or engine is None or not engine.known_models or engine.knows_model(model):
        return
    is_of_other_engine = any(owner.knows_model(model) for owner in catalog.tts_engines)
    if is_of_other_engine or is_placeholder_id(model):
        return
    unchecked = []
    if any(setting.model_family for setting in engine.voice_setting):
        unchecked += ["voice_settings"] * bool(stored_voice_settings(document))
    if engine.english_only and set(document.languages) - {"en"}:
        unchecked.append("the languages that it speaks")
    yield unknown_value_violation(_MODEL, model, engine.known_models, " and ".join(unchecked))


def unknown_value_violation(
    path: str, value: str, known: tuple[str, ...], unchecked: str = ""
) -> Violation:
    """Return the violation of a value that is not known here.

    ``unchecked`` names what could not be checked without knowing the value.
    """
    consequence = f" Not checked, because it depends on this value: {unchecked}." * bool(unchecked)
    nearest = find_nearest_names(value, known)
    listed = ", ".join(known[:_MAX_LISTED_VALUES])
    hint = f"Nearest: {', '.join(nearest)}. Known: {listed}." if nearest else f"Known: {listed}."
    subject = name_value(value, "value", is_near=bool(nearest))
    return Violation(
        path, f"{subject} is not known here; Tavus decides whether it takes it.{consequence}", hint
    )


def name_value(value: str, noun: str, *, is_near: bool = False) -> str:
    """Return what a message calls a value: the value itself, unless it may be a key."""
    return quote_foreign(value) if is_near or _WORDS.fullmatch(value) else f"This {noun}"


def _offered_values(path: str, facts: FieldFacts, catalog: Catalog) -> tuple[str, ...]:
    """Return the known values without models and engines that Tavus advises against."""
    match path.split("/"):
        case ["", "layers", layer, _]:
            discouraged = {
                choice.id
                for choice in catalog.layer(layer).choices
                if choice.status in DISCOURAGED_STATUSES or choice.status == "unknown"
            }
            return tuple(value for value in facts.allowed_values if value not in discouraged)
    return facts.allowed_values


def _is_choice(path: str, value: str, catalog: Catalog) -> bool:
    """Return True for another spelling of a model or an engine of the layer."""
    match path.split("/"):
        case ["", "layers", layer, _]:
            return any(value in choice.names for choice in catalog.layer(layer).choices)
    return False
