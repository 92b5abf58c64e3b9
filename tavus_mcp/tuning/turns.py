"""Carrying turn-taking over when conversational_flow comes to decide it.

Setting any field of that layer fills in the others with defaults and overrides the turn-taking
fields of stt (docs: persona/conversational-flow). What nobody asked to change is to stay as it was.
"""

from __future__ import annotations

from collections.abc import Iterator

from tavus_mcp.catalog import FieldFacts
from tavus_mcp.catalog.facts import DISCOURAGED_STATUSES
from tavus_mcp.models.base import is_set, text
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.tuning.translating import flag_for_manual_change, remove_with_reason, translate
from tavus_mcp.tuning.working_copy import WorkingCopy

FLOW = "/layers/conversational_flow"
_TURN_MODEL = f"{FLOW}/turn_detection_model"
_SMART_TURN_DETECTION = "/layers/stt/smart_turn_detection"
_TIME_BASED = "time-based"  # what an older switch that is off means, in the words of today
_ISOLATION = f"{FLOW}/voice_isolation"
_TURN_TAKING = (f"{FLOW}/turn_taking_patience", f"{FLOW}/replica_interruptibility")


def effective_value(working_copy: WorkingCopy, path: str) -> object:
    """Return what is in effect at a place of conversational_flow, wherever it is stored."""
    stored, decides = working_copy.at(path), _flow_overrides_stt(working_copy, working_copy.before)
    if is_set(stored) and (decides or working_copy.has_set(path)):
        return stored
    if path == _TURN_MODEL and not decides and _is_timer_used(working_copy):
        return _TIME_BASED
    for facts in () if decides else _legacy_fields(working_copy):
        today = _current_value(working_copy, facts)
        if _target_path(facts) == path and today:
            return today
    if is_set(stored):
        return stored
    if not _is_flow_used(working_copy.before) and path == _ISOLATION:
        return working_copy.catalog.translations["voice_isolation"].value
    if not _is_flow_used(working_copy.before) and path == _TURN_MODEL:
        return None
    facts_of = working_copy.catalog.field("conversational_flow", path.rpartition("/")[2])
    return facts_of.default if facts_of else None


def modernize_turn_taking(working_copy: WorkingCopy) -> None:
    """Say all turn-taking in conversational_flow."""
    if not working_copy.has_effect("/layers/stt"):
        for facts in list(_legacy_fields(working_copy)):
            remove_with_reason(
                working_copy, "turn_taking_unheard", _source_path(facts), old=facts.name
            )
    elif _flow_overrides_stt(working_copy, working_copy.before):
        for facts in list(_legacy_fields(working_copy)):
            remove_with_reason(
                working_copy, "turn_taking_overridden", _source_path(facts), old=facts.name
            )
    elif _is_timer_used(working_copy) and not _is_flow_activated(working_copy):
        _flag_timer_settings(working_copy)
    else:
        _move_legacy_fields(working_copy)
    _replace_discouraged_model(working_copy)
    _pin_defaults(working_copy)


def carry_over_turn_taking(working_copy: WorkingCopy) -> None:
    """Keep what was, where a goal brought conversational_flow into use or changed its turns."""
    if not working_copy.has_set(FLOW) or _flow_overrides_stt(working_copy, working_copy.before):
        return
    goals = dict.fromkeys(
        goal
        for path, reason in working_copy.reasons.items()
        if path.startswith(FLOW)
        for goal in reason.goals
    )
    working_copy.goals = tuple(goals)
    if not _is_flow_used(working_copy.before) or any(
        working_copy.has_set(path) for path in _TURN_TAKING
    ):
        _move_legacy_fields(working_copy)
        _replace_discouraged_model(working_copy)
    _pin_defaults(working_copy)


def _flag_timer_settings(working_copy: WorkingCopy) -> None:
    """Leave a fixed timer, and what is set beside it: any other word would bring in a model."""
    for facts in _legacy_fields(working_copy):
        timer = _source_path(facts) == _SMART_TURN_DETECTION
        flag_for_manual_change(
            working_copy,
            "timer_kept" if timer else "timer_beside",
            _source_path(facts),
            old=facts.name,
        )


def _move_legacy_fields(working_copy: WorkingCopy) -> None:
    """Move the turn-taking fields of stt to the fields that say the same today."""
    # what can be said today comes first: it decides whether the layer comes into use at all
    for facts in sorted(
        _legacy_fields(working_copy), key=lambda one: _current_value(working_copy, one) is None
    ):
        target, today, source = (
            _target_path(facts),
            _current_value(working_copy, facts),
            _source_path(facts),
        )
        names = {"old": facts.name, "new": target.rpartition("/")[2]}
        _withdraw_manual_flags(working_copy, source)
        if source == _SMART_TURN_DETECTION and _is_timer_used(working_copy):
            remove_with_reason(working_copy, "timer_replaced", source, **names)
        elif working_copy.has_set(target):
            remove_with_reason(working_copy, "turn_taking_overridden", source, **names)
        elif today is not None and working_copy.is_settable(target):
            translate(working_copy, facts.name, target, today, **names)
            working_copy.remove(
                source,
                working_copy.reason_of_translation(
                    working_copy.catalog.translations[facts.name], **names
                ),
            )
        elif _is_flow_activated(working_copy):
            remove_with_reason(working_copy, "turn_taking_unknown", source, **names)
        else:
            flag_for_manual_change(working_copy, "turn_taking_kept", source, **names)


def _withdraw_manual_flags(working_copy: WorkingCopy, path: str) -> None:
    """Forget that a place was to be left as it is: it is moved after all."""
    working_copy.findings[:] = [
        one for one in working_copy.findings if (one.rule, one.path) != ("tuning-by-hand", path)
    ]


def _replace_discouraged_model(working_copy: WorkingCopy) -> None:
    """Replace a turn model that is on its way out: beside it the layer's settings do not hold."""
    facts = working_copy.catalog.turn_models.find(text(working_copy.at(_TURN_MODEL)))
    if facts and facts.status in DISCOURAGED_STATUSES and facts.successor:
        names = {"old": facts.id, "new": facts.successor, "status": facts.status}
        translate(working_copy, "turn_detection_model", _TURN_MODEL, facts.successor, **names)


def _pin_defaults(working_copy: WorkingCopy) -> None:
    """Say what comes in with the first use of the layer: a turn model; isolation stays off."""
    if _is_flow_used(working_copy.before) or not working_copy.has_set(FLOW):
        return
    model = working_copy.catalog.field("conversational_flow", "turn_detection_model")
    if model and not working_copy.has_set(_TURN_MODEL):
        translate(
            working_copy, "turn_model_filled_in", _TURN_MODEL, model.default, new=str(model.default)
        )
    if not working_copy.has_set(_ISOLATION):
        value = working_copy.catalog.translations["voice_isolation"].value
        translate(working_copy, "voice_isolation", _ISOLATION, value)


def _legacy_fields(working_copy: WorkingCopy) -> Iterator[FieldFacts]:
    """Yield the turn-taking fields of stt that are stored by now."""
    for facts in working_copy.catalog.fields("stt"):
        if (
            facts.status == "legacy"
            and facts.successor
            and working_copy.is_set(_source_path(facts))
        ):
            yield facts


def _current_value(working_copy: WorkingCopy, facts: FieldFacts) -> str | None:
    return facts.successor_values.get(str(working_copy.at(_source_path(facts))).strip().lower())


def _is_timer_used(working_copy: WorkingCopy) -> bool:
    """Tell whether the older turn detection is off, so that a fixed delay decides."""
    return str(working_copy.at(_SMART_TURN_DETECTION)).strip().lower() == "false"


def _is_flow_activated(working_copy: WorkingCopy) -> bool:
    return _is_flow_used(working_copy.before) or working_copy.has_set(FLOW)


def _source_path(facts: FieldFacts) -> str:
    return f"/layers/stt/{facts.name}"


def _target_path(facts: FieldFacts) -> str:
    return "/layers/" + (facts.successor or "").replace(".", "/")


def _is_flow_used(document: PersonaDocument) -> bool:
    return any(map(is_set, document.layer("conversational_flow").values()))


def _flow_overrides_stt(working_copy: WorkingCopy, document: PersonaDocument) -> bool:
    """Tell whether the layer is in use with a model that overrides stt."""
    model = working_copy.catalog.turn_models.find(document.text(_TURN_MODEL))
    return _is_flow_used(document) and not (model and model.status in DISCOURAGED_STATUSES)
