"""Fields that went by other names or took other types."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from tavus_mcp.catalog import FieldFacts
from tavus_mcp.checker.lookups import effective_perception_model, has_custom_llm, is_set, text
from tavus_mcp.models.changes import function_name
from tavus_mcp.models.layers import PerceptionLayer
from tavus_mcp.tuning.translating import give_up, translate
from tavus_mcp.tuning.working_copy import Draft

_PERCEPTION = "/layers/perception"
_QUERIES = f"{_PERCEPTION}/visual_awareness_queries"
_OLD = ("deprecated", "retired")


def typed(draft: Draft) -> None:
    """Give words in quotes the type that was meant: "false", "0.7"."""
    for layer in draft.catalog.layers():
        for facts in draft.catalog.fields(layer):
            path = f"/layers/{layer}/" + facts.name.replace(".", "/")
            stored = draft.at(path)
            if not isinstance(stored, str) or facts.status in ("legacy", *_OLD):
                continue
            own = facts.name.startswith("extra_body") and has_custom_llm(draft.document)
            meant = None if own else _meant(facts, stored.strip())
            if meant is not None:
                translate(draft, "word_for_value", path, meant, old=facts.name)
    _interruptibility(draft)


def older_names(draft: Draft) -> None:
    """Move what stands under an older name of a perception field to the one of today."""
    for facts in draft.catalog.fields("perception"):
        path = f"{_PERCEPTION}/{facts.name}"
        if facts.status not in _OLD or not draft.is_set(path):
            continue
        if facts.successor:
            _rename(draft, path, facts)
        else:
            give_up(draft, "removed_field", path, old=facts.name)


def _rename(draft: Draft, path: str, facts: FieldFacts) -> None:
    target = f"{_PERCEPTION}/{facts.successor}"
    words = {"old": facts.name, "new": facts.successor or ""}
    taken = draft.is_set(target)
    value = _both(draft.at(target), draft.at(path)) if taken else draft.at(path)
    if not _fits(draft, facts, value):
        return
    if value != draft.at(target):
        name = "older_name_taken" if taken else "older_name"
        translate(draft, name, target, value, **words)
    give_up(draft, "older_name", path, **words)


def ambient_awareness(draft: Draft) -> None:
    """Say by Raven and a question what the seed's switch seems to have meant."""
    path = f"{_PERCEPTION}/ambient_awareness"
    stored = draft.at(path)
    if stored is None:
        return
    on = stored is True or text(stored).lower() == "true"
    sees = effective_perception_model(draft.document, draft.catalog).startswith("raven")
    if on and sees and not draft.is_set(_QUERIES):
        told = draft.catalog.translation("ambient_awareness")
        translate(draft, "ambient_awareness", _QUERIES, [told.value])
        draft.drop(path, draft.because(told))
    else:
        give_up(draft, "ambient_awareness_asked" if on and sees else "ambient_awareness_off", path)


def hotwords(draft: Draft) -> None:
    """Join a list of hot words to the text of hints that it is today."""
    words = draft.at("/layers/stt/hotwords")
    if isinstance(words, list) and words and all(isinstance(word, str) for word in words):
        translate(draft, "hotwords", "/layers/stt/hotwords", ", ".join(words))


def _interruptibility(draft: Draft) -> None:
    """Read the one word of a docs example that is not in the list of values beside it."""
    path = "/layers/conversational_flow/replica_interruptibility"
    facts = draft.catalog.field("conversational_flow", "replica_interruptibility")
    older = draft.catalog.field("stt", "participant_interrupt_sensitivity")
    stored = text(draft.at(path))
    today = older.successor_values.get(stored) if older else None
    if facts and today and stored not in facts.allowed:
        translate(draft, "interruptibility_word", path, today, new=today)


def _meant(facts: FieldFacts, word: str) -> bool | float | None:
    if facts.type == "boolean":
        return {"true": True, "false": False}.get(word.lower())
    if facts.type not in ("number", "integer"):
        return None
    try:
        value = float(word)
    except ValueError:
        return None
    least = float("-inf") if facts.minimum is None else facts.minimum
    most = float("inf") if facts.maximum is None else facts.maximum
    if not least <= value <= most or value in (float("inf"), float("-inf")):
        return None
    return int(value) if facts.type == "integer" and value == int(value) else value


def _both(today: Any, older: Any) -> Any:
    """Return what stands under two names as one; the one of today comes first."""
    if isinstance(today, list) and isinstance(older, list):
        names = {function_name(item) for item in today if function_name(item)}
        new = [item for item in older if item not in today and function_name(item) not in names]
        return [*today, *new]
    if isinstance(today, str) and isinstance(older, str) and older.strip() not in today:
        return f"{today}\n{older}"
    return today


def _fits(draft: Draft, facts: FieldFacts, value: Any) -> bool:
    """Tell whether the field of today takes a value; what it would refuse stays where it is."""
    successor = draft.catalog.field("perception", facts.successor or "")
    longest = (successor and successor.max_length) or len(str(value))
    texts = value if isinstance(value, list) else [value]
    if any(isinstance(one, str) and len(one) > longest for one in texts):
        return False
    try:
        PerceptionLayer.model_validate({facts.successor: value})
    except ValidationError:
        return False
    return is_set(value)
