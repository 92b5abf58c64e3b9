"""Carrying turn-taking over when conversational_flow comes to decide it.

Setting any field of that layer fills in the others with defaults and overrides the turn-taking
fields of stt (docs: persona/conversational-flow). What nobody asked to change is to stay as it was.
"""

from __future__ import annotations

from collections.abc import Iterator

from tavus_mcp.catalog import FieldFacts
from tavus_mcp.catalog.facts import DISCOURAGED
from tavus_mcp.checker.lookups import is_set, layer_of, text, value_at
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.tuning.translating import by_hand, give_up, translate
from tavus_mcp.tuning.working_copy import Draft

FLOW = "/layers/conversational_flow"
_MODEL = f"{FLOW}/turn_detection_model"
_SMART = "/layers/stt/smart_turn_detection"
_TIMER = "time-based"  # what an older switch that is off means, in the words of today
_ISOLATION = f"{FLOW}/voice_isolation"
_TURNS = (f"{FLOW}/turn_taking_patience", f"{FLOW}/replica_interruptibility")


def present(draft: Draft, path: str) -> object:
    """Return what is in effect at a place of conversational_flow, wherever it is stored."""
    stored, decides = draft.at(path), _decides(draft, draft.before)
    if is_set(stored) and (decides or draft.decided(path)):
        return stored
    if path == _MODEL and not decides and _is_timed(draft):
        return _TIMER
    for facts in () if decides else _legacy(draft):
        today = _today(draft, facts)
        if _target(facts) == path and today:
            return today
    if is_set(stored):
        return stored
    if not _is_used(draft.before) and path == _ISOLATION:
        return draft.catalog.translation("voice_isolation").value
    if not _is_used(draft.before) and path == _MODEL:
        return None
    facts_of = draft.catalog.field("conversational_flow", path.rpartition("/")[2])
    return facts_of.default if facts_of else None


def modernize(draft: Draft) -> None:
    """Say all turn-taking in conversational_flow."""
    if not draft.has_effect("/layers/stt"):
        for facts in list(_legacy(draft)):
            give_up(draft, "turn_taking_unheard", _source(facts), old=facts.name)
    elif _decides(draft, draft.before):
        for facts in list(_legacy(draft)):
            give_up(draft, "turn_taking_overridden", _source(facts), old=facts.name)
    elif _is_timed(draft) and not _comes_into_use(draft):
        _keep_timer(draft)
    else:
        _carry(draft)
    _renew_model(draft)
    _say_defaults(draft)


def bring_over(draft: Draft) -> None:
    """Keep what was, where a goal brought conversational_flow into use or changed its turns."""
    if not draft.decided(FLOW) or _decides(draft, draft.before):
        return
    goals = dict.fromkeys(
        goal
        for path, reason in draft.reasons.items()
        if path.startswith(FLOW)
        for goal in reason.goals
    )
    draft.goals = tuple(goals)
    if not _is_used(draft.before) or any(draft.decided(path) for path in _TURNS):
        _carry(draft)
        _renew_model(draft)
    _say_defaults(draft)


def _keep_timer(draft: Draft) -> None:
    """Leave a fixed timer, and what is set beside it: any other word would bring in a model."""
    for facts in _legacy(draft):
        timer = _source(facts) == _SMART
        by_hand(draft, "timer_kept" if timer else "timer_beside", _source(facts), old=facts.name)


def _carry(draft: Draft) -> None:
    """Move the turn-taking fields of stt to the fields that say the same today."""
    # what can be said today comes first: it decides whether the layer comes into use at all
    for facts in sorted(_legacy(draft), key=lambda one: _today(draft, one) is None):
        target, today, source = _target(facts), _today(draft, facts), _source(facts)
        names = {"old": facts.name, "new": target.rpartition("/")[2]}
        _take_back(draft, source)
        if source == _SMART and _is_timed(draft):
            give_up(draft, "timer_replaced", source, **names)
        elif draft.decided(target):
            give_up(draft, "turn_taking_overridden", source, **names)
        elif today is not None and draft.is_open(target):
            translate(draft, facts.name, target, today, **names)
            draft.drop(source, draft.because(draft.catalog.translation(facts.name), **names))
        elif _comes_into_use(draft):
            give_up(draft, "turn_taking_unknown", source, **names)
        else:
            by_hand(draft, "turn_taking_kept", source, **names)


def _take_back(draft: Draft, path: str) -> None:
    """Forget that a place was to be left as it is: it is moved after all."""
    draft.remarks[:] = [
        one for one in draft.remarks if (one.rule, one.path) != ("tuning-by-hand", path)
    ]


def _renew_model(draft: Draft) -> None:
    """Replace a turn model that is on its way out: beside it the layer's settings do not hold."""
    facts = draft.catalog.turn_model(text(draft.at(_MODEL)))
    if facts and facts.status in DISCOURAGED and facts.successor:
        names = {"old": facts.id, "new": facts.successor, "status": facts.status}
        translate(draft, "turn_detection_model", _MODEL, facts.successor, **names)


def _say_defaults(draft: Draft) -> None:
    """Say what comes in with the first use of the layer: a turn model; isolation stays off."""
    if _is_used(draft.before) or not draft.decided(FLOW):
        return
    model = draft.catalog.field("conversational_flow", "turn_detection_model")
    if model and not draft.decided(_MODEL):
        translate(draft, "turn_model_filled_in", _MODEL, model.default, new=str(model.default))
    if not draft.decided(_ISOLATION):
        value = draft.catalog.translation("voice_isolation").value
        translate(draft, "voice_isolation", _ISOLATION, value)


def _legacy(draft: Draft) -> Iterator[FieldFacts]:
    """Yield the turn-taking fields of stt that are stored by now."""
    for facts in draft.catalog.fields("stt"):
        if facts.status == "legacy" and facts.successor and draft.is_set(_source(facts)):
            yield facts


def _today(draft: Draft, facts: FieldFacts) -> str | None:
    return facts.successor_values.get(str(draft.at(_source(facts))).strip().lower())


def _is_timed(draft: Draft) -> bool:
    """Tell whether the older turn detection is off, so that a fixed delay decides."""
    return str(draft.at(_SMART)).strip().lower() == "false"


def _comes_into_use(draft: Draft) -> bool:
    return _is_used(draft.before) or draft.decided(FLOW)


def _source(facts: FieldFacts) -> str:
    return f"/layers/stt/{facts.name}"


def _target(facts: FieldFacts) -> str:
    return "/layers/" + (facts.successor or "").replace(".", "/")


def _is_used(document: PersonaDocument) -> bool:
    return any(map(is_set, layer_of(document, "conversational_flow").values()))


def _decides(draft: Draft, document: PersonaDocument) -> bool:
    """Tell whether the layer is in use with a model that overrides stt."""
    model = draft.catalog.turn_model(text(value_at(document, _MODEL)))
    return _is_used(document) and not (model and model.status in DISCOURAGED)
