"""Conversion of the turn-taking fields of stt, and which layer decides turn-taking.

Setting any field of conversational_flow adds the defaults of the others and overrides the
turn-taking fields of stt (docs: persona/conversational-flow).
"""

from __future__ import annotations

from collections.abc import Collection

from tavus_mcp.catalog import Catalog, FieldFacts
from tavus_mcp.catalog.facts import DISCOURAGED_STATUSES
from tavus_mcp.deprecations.conversion import (
    ConvertedOperation,
    Operations,
    assign,
    is_settable,
    keep,
    remove,
)
from tavus_mcp.models.base import is_set
from tavus_mcp.models.document import PersonaDocument

FLOW = "/layers/conversational_flow"
TURN_MODEL = f"{FLOW}/turn_detection_model"
ISOLATION = f"{FLOW}/voice_isolation"
_SMART_TURN_DETECTION = "/layers/stt/smart_turn_detection"


def convert_turn_taking(document: PersonaDocument, catalog: Catalog) -> Operations:
    """Return the operations that express the turn-taking fields of stt in conversational_flow.

    A fixed timer (``smart_turn_detection`` off) and the fields beside it are kept: every setting
    of conversational_flow would enable a turn-detection model.
    """
    fields = legacy_fields(document, catalog)
    mode = catalog.pipeline_modes.find(document.mode)
    if mode and "stt" in mode.ignored_layers:
        return [remove("turn_taking_unheard", source_path(it), old=it.name) for it in fields]
    if flow_overrides_stt(document, catalog):
        return [remove("turn_taking_overridden", source_path(it), old=it.name) for it in fields]
    if is_timer_used(document) and not is_flow_used(document):
        return [_keep_beside_timer(facts) for facts in fields]
    return replace_turn_taking(document, catalog)


def replace_turn_taking(
    document: PersonaDocument,
    catalog: Catalog,
    decided: Collection[str] = (),
    *,
    activate: bool = False,
) -> Operations:
    """Return the operations that move the turn-taking fields of stt, whatever they hold.

    ``decided`` are paths of conversational_flow that have their value from elsewhere, which
    overrides stt. ``activate``: the layer comes into use in any case, so that nothing can be kept
    in stt. If the layer was not in use, its turn model is set and voice isolation stays off.
    """
    fields = legacy_fields(document, catalog)
    values = {facts.name: _settable_value(document, facts) for facts in fields}
    active = activate or is_flow_used(document) or any(values.values())
    operations: Operations = []
    for facts in fields:
        source, target, value = source_path(facts), target_path(facts), values[facts.name]
        words = {"old": facts.name, "new": target.rpartition("/")[2]}
        if source == _SMART_TURN_DETECTION and is_timer_used(document):
            operations.append(remove("timer_replaced", source, **words))
        elif target in decided:
            operations.append(remove("turn_taking_overridden", source, **words))
        elif value is not None:
            operations.append(assign(facts.name, target, value, **words))
            operations.append(remove(facts.name, source, **words))
        elif active:
            operations.append(remove("turn_taking_unknown", source, **words))
        else:
            operations.append(keep("turn_taking_kept", source, **words))
    assigned = {item.path for item in operations if item.kind == "set"}
    if assigned and not is_flow_used(document):
        operations += pin_defaults(catalog, {*decided, *assigned})
    return operations


def replace_turn_model(document: PersonaDocument, catalog: Catalog) -> Operations:
    """Return the operations that replace a discouraged turn model by its successor.

    Beside such a model the fields of stt hold, beside its successor they do not: they are moved.
    """
    facts = catalog.turn_models.find(document.text(TURN_MODEL))
    if facts is None or facts.status not in DISCOURAGED_STATUSES or not facts.successor:
        return []
    words = {"old": facts.id, "new": facts.successor, "status": facts.status}
    return [
        *replace_turn_taking(document, catalog, {TURN_MODEL}),
        assign("turn_detection_model", TURN_MODEL, facts.successor, **words),
    ]


def pin_defaults(catalog: Catalog, decided: Collection[str]) -> Operations:
    """Return the operations for the first use of conversational_flow.

    The turn model that Tavus adds is set, and voice isolation, which Tavus would turn on, stays
    off. ``decided`` are the paths that have a value already.
    """
    operations: Operations = []
    model = catalog.field("conversational_flow", "turn_detection_model")
    if model and TURN_MODEL not in decided:
        words = {"new": str(model.default)}
        operations.append(assign("turn_model_filled_in", TURN_MODEL, model.default, **words))
    if ISOLATION not in decided:
        value = catalog.translations["voice_isolation"].value
        operations.append(assign("voice_isolation", ISOLATION, value))
    return operations


def legacy_fields(document: PersonaDocument, catalog: Catalog) -> list[FieldFacts]:
    """Return the turn-taking fields of stt that are set."""
    return [
        facts
        for facts in catalog.fields("stt")
        if facts.status == "legacy" and facts.successor and document.is_set(source_path(facts))
    ]


def current_value(document: PersonaDocument, facts: FieldFacts) -> str | None:
    """Return the value of today for a turn-taking field of stt; None if there is none."""
    stored = str(document.value(source_path(facts))).strip().lower()
    return facts.successor_values.get(stored)


def source_path(facts: FieldFacts) -> str:
    """Return the path of a turn-taking field of stt."""
    return f"/layers/stt/{facts.name}"


def target_path(facts: FieldFacts) -> str:
    """Return the path in conversational_flow that replaces a turn-taking field of stt."""
    return "/layers/" + (facts.successor or "").replace(".", "/")


def is_timer_used(document: PersonaDocument) -> bool:
    """Return True if smart_turn_detection is off: a fixed delay decides when a turn ends."""
    return str(document.value(_SMART_TURN_DETECTION)).strip().lower() == "false"


def is_flow_used(document: PersonaDocument) -> bool:
    """Return True if conversational_flow has a field that is set; empty values do not count."""
    return any(map(is_set, document.layer("conversational_flow").values()))


def flow_overrides_stt(document: PersonaDocument, catalog: Catalog) -> bool:
    """Return True if conversational_flow is in use with a model that overrides stt."""
    model = catalog.turn_models.find(document.text(TURN_MODEL))
    return is_flow_used(document) and not (model and model.status in DISCOURAGED_STATUSES)


def _keep_beside_timer(facts: FieldFacts) -> ConvertedOperation:
    is_timer = source_path(facts) == _SMART_TURN_DETECTION
    return keep("timer_kept" if is_timer else "timer_beside", source_path(facts), old=facts.name)


def _settable_value(document: PersonaDocument, facts: FieldFacts) -> str | None:
    value = current_value(document, facts)
    return value if is_settable(document, target_path(facts)) else None
