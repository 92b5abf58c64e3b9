"""Rules about the conversational_flow layer: turn-taking."""

from __future__ import annotations

import json
from collections.abc import Iterator

from tavus_mcp.catalog import Catalog
from tavus_mcp.catalog.facts import DISCOURAGED_STATUSES
from tavus_mcp.checker.conversion_fixes import conversion_calls
from tavus_mcp.checker.fixes import Alternative, configure, set_at, unset_at
from tavus_mcp.checker.rule import Violation, rule
from tavus_mcp.checker.rule_factories import Hint, Match, discouraged_choice
from tavus_mcp.deprecations.turn_taking import is_flow_used, replace_turn_model
from tavus_mcp.models.base import is_set
from tavus_mcp.models.document import PersonaDocument

_LAYER = "/layers/conversational_flow"
_MODEL = f"{_LAYER}/turn_detection_model"


@rule(
    "flow-defaults-filled-in",
    "info",
    source="J:persona/conversational-flow",
    no_fix_reason="The values are in effect; to set them changes nothing.",
)
def implicit_defaults(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Setting one field of this layer enables the others with their defaults."""
    layer = document.layer("conversational_flow")
    if not is_flow_used(document):
        return
    missing = {
        facts.name: facts.default
        for facts in catalog.fields("conversational_flow")
        if facts.status == "current" and facts.default is not None
        if not is_set(layer.get(facts.name))
    }
    if missing:
        defaults = ", ".join(f"{name} {json.dumps(value)}" for name, value in missing.items())
        keep_off: Hint = ()
        if missing.get("voice_isolation", "off") != "off":
            call = Alternative(configure("conversational_flow", voice_isolation="off"))
            keep_off = ("Without this layer voice isolation is off; to keep it off: ", call, ". ")
        yield Violation(
            _LAYER,
            f"Tavus also sets these defaults: {defaults}.",
            *keep_off,
            'Other values: describe_layer(layer="conversational_flow").',
        )


@rule("flow-sleep-without-wake", "error", source="V:recipes/meetings.py, P:event-schema")
def sleep_without_wake(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """A persona that a phrase sends to sleep needs a phrase that wakes it up."""
    for facts in catalog.fields("conversational_flow"):
        path = f"{_LAYER}/{facts.name}"
        for needed in facts.requires if document.is_set(path) else ():
            if not document.is_set(f"{_LAYER}/{needed}"):
                yield Violation(
                    path,
                    f"{facts.name} needs a {needed}, which is not set.",
                    configure("conversational_flow", **{needed: f"<{needed.upper()}>"}),
                    ", or ",
                    Alternative(unset_at(path)),
                )


@rule("flow-phrases-alike", "warning", source="P:event-schema")
def phrases_alike(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """One phrase cannot both send the persona to sleep and wake it up."""
    wake, sleep = (document.text(f"{_LAYER}/{name}_phrase") for name in ("wake", "sleep"))
    if sleep and wake.lower() == sleep.lower():
        yield Violation(
            f"{_LAYER}/sleep_phrase",
            "sleep_phrase and wake_phrase are the same phrase.",
            configure("conversational_flow", sleep_phrase="<SLEEP_PHRASE>"),
        )


@rule("flow-idle-while-asleep", "warning", source="J:persona/conversational-flow")
def idle_while_asleep(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """wake_phrase keeps the replica silent, while idle_engagement has it speak in a silence."""
    path = f"{_LAYER}/idle_engagement"
    if document.is_set(f"{_LAYER}/wake_phrase") and document.text(path) in ("patient", "eager"):
        yield Violation(
            path,
            "With wake_phrase the replica stays silent, and with idle_engagement it speaks up "
            "in a silence.",
            "To keep it silent: ",
            set_at(path, "off"),
        )


@rule("flow-turn-model-legacy", "warning", source="D:persona/conversational-flow")
@discouraged_choice(
    _MODEL,
    Catalog.turn_models,
    dict.fromkeys(
        DISCOURAGED_STATUSES, "{facts.id} is {facts.status}, and Tavus does not support it."
    ),
)
def turn_model_legacy(match: Match) -> Hint:
    """Older turn-detection models are available in the API only, and unsupported."""
    return conversion_calls(replace_turn_model(match.document, match.catalog))


@rule("flow-turn-model-older", "info", source="N#71101102522")
def turn_model_older(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """A stored model stays in use when the default changes."""
    facts = catalog.turn_models.find(document.text(_MODEL))
    newest = next((model for model in catalog.turn_models if model.default), None)
    if facts and newest and facts.status == "current" and facts.id != newest.id:
        yield Violation(
            _MODEL,
            f"{newest.id} is the default since {newest.since}; this persona keeps {facts.id}.",
            configure("conversational_flow", turn_detection_model=newest.id),
        )


@rule("flow-active-listening-language", "warning", source="D:persona/conversational-flow")
def active_listening_language(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """The signs of active listening are English words."""
    path = f"{_LAYER}/active_listening"
    has_foreign_language = any(code != "en" for code in document.languages)
    if has_foreign_language and document.text(path) in ("low", "medium", "high"):
        yield Violation(
            path,
            "active_listening is a beta for English, and the persona has other languages.",
            unset_at(path),
        )
