"""Rules about the conversational-flow layer: who speaks when."""

from __future__ import annotations

import json
from collections.abc import Iterator

from tavus_mcp.catalog import Catalog
from tavus_mcp.catalog.facts import DISCOURAGED_STATUSES
from tavus_mcp.checker.fixes import alternative_fix, configure, unset_fields
from tavus_mcp.checker.rule import Violation, rule
from tavus_mcp.checker.rules.stt import to_conversational_flow
from tavus_mcp.models.base import is_set
from tavus_mcp.models.document import PersonaDocument

_LAYER = "/layers/conversational_flow"
_MODEL = f"{_LAYER}/turn_detection_model"


@rule("flow-defaults-filled-in", "info", source="J:persona/conversational-flow")
def implicit_defaults(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Setting one field of this layer switches the others on with their defaults."""
    layer = document.layer("conversational_flow")
    if not any(map(is_set, layer.values())):
        return
    filled = {
        facts.name: facts.default
        for facts in catalog.fields("conversational_flow")
        if facts.status == "current" and facts.default is not None
    }
    missing = {name: default for name, default in filled.items() if not is_set(layer.get(name))}
    if missing:
        told = ", ".join(f"{name} {json.dumps(default)}" for name, default in missing.items())
        yield Violation(
            _LAYER,
            f"Since the layer is used, Tavus fills in {told}.",
            "To settle it, with these values or others: ",
            *to_conversational_flow(document, catalog, missing),
        )


@rule("flow-sleep-without-wake", "error", source="V:recipes/meetings.py, P:event-schema")
def sleep_without_wake(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Who was sent to sleep needs a word to wake up."""
    for facts in catalog.fields("conversational_flow"):
        for needed in facts.requires:
            if _is_field_set(document, facts.name) and not _is_field_set(document, needed):
                yield Violation(
                    f"{_LAYER}/{facts.name}",
                    f"{facts.name} needs a {needed}, and there is none.",
                    configure("conversational_flow", **{needed: f"<{needed.upper()}>"}),
                    ", or ",
                    alternative_fix(unset_fields("conversational_flow", facts.name)),
                )


@rule("flow-phrases-alike", "warning", source="P:event-schema")
def phrases_alike(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """One phrase cannot mean both: be quiet, and listen."""
    wake, sleep = (document.text(f"{_LAYER}/{name}_phrase") for name in ("wake", "sleep"))
    if sleep and wake.lower() == sleep.lower():
        yield Violation(
            f"{_LAYER}/sleep_phrase",
            "The phrase to sleep is the phrase to wake up.",
            configure("conversational_flow", sleep_phrase="<SLEEP_PHRASE>"),
        )


@rule("flow-idle-while-asleep", "info", source="J:persona/conversational-flow")
def idle_while_asleep(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """One field keeps the replica silent, the other has it speak up in a silence."""
    if _is_field_set(document, "wake_phrase") and _value(document, "idle_engagement") in (
        "patient",
        "eager",
    ):
        yield Violation(
            f"{_LAYER}/idle_engagement",
            "The replica is to wait for its wake phrase, and to speak up when nobody does.",
            "To keep it silent: ",
            configure("conversational_flow", idle_engagement="off"),
        )


@rule("flow-turn-model-legacy", "warning", source="D:persona/conversational-flow")
def turn_model_legacy(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Older turn models can be reached by the API only, and nobody supports them."""
    facts = catalog.turn_models.find(document.text(_MODEL))
    if facts and facts.status in DISCOURAGED_STATUSES:
        yield Violation(
            _MODEL,
            f"{facts.id} is {facts.status} and unsupported.",
            *to_conversational_flow(
                document, catalog, turn_detection_model=facts.successor or "sparrow-2"
            ),
        )


@rule("flow-turn-model-older", "info", source="N#71101102522")
def turn_model_older(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """A model that was the default once stays where it is stored."""
    facts = catalog.turn_models.find(document.text(_MODEL))
    newest = next((model for model in catalog.turn_models if model.default), None)
    if facts and newest and facts.status == "current" and facts.id != newest.id:
        yield Violation(
            _MODEL,
            f"{newest.id} is the default since {newest.since}; this persona stays with {facts.id}.",
            configure("conversational_flow", turn_detection_model=newest.id),
        )


@rule("flow-active-listening-language", "warning", source="D:persona/conversational-flow")
def active_listening_language(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Its small signs of listening are English ones."""
    foreign = [code for code in document.languages if code != "en"]
    if foreign and _value(document, "active_listening") in ("low", "medium", "high"):
        yield Violation(
            f"{_LAYER}/active_listening",
            "Active listening is a beta for English, and the persona has other languages.",
            configure("conversational_flow", active_listening="off"),
        )


def _value(document: PersonaDocument, name: str) -> str:
    return document.text(f"{_LAYER}/{name}")


def _is_field_set(document: PersonaDocument, name: str) -> bool:
    return document.is_set(f"{_LAYER}/{name}")
