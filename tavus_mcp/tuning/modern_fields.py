"""Fields that went by other names or took other types."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from tavus_mcp.catalog import FieldFacts
from tavus_mcp.models.base import is_set, text
from tavus_mcp.models.changes import function_name
from tavus_mcp.models.layers import PerceptionLayer
from tavus_mcp.tuning.translating import remove_with_reason, translate
from tavus_mcp.tuning.working_copy import WorkingCopy

_PERCEPTION = "/layers/perception"
_QUERIES = f"{_PERCEPTION}/visual_awareness_queries"
_DEPRECATED_STATUSES = ("deprecated", "retired")


def convert_quoted_values(working_copy: WorkingCopy) -> None:
    """Give words in quotes the type that was meant: "false", "0.7"."""
    for layer in working_copy.catalog.layer_names:
        for facts in working_copy.catalog.fields(layer):
            path = f"/layers/{layer}/" + facts.name.replace(".", "/")
            stored = working_copy.at(path)
            if not isinstance(stored, str) or facts.status in ("legacy", *_DEPRECATED_STATUSES):
                continue
            own = facts.name.startswith("extra_body") and working_copy.document.has_custom_llm
            meant = None if own else _parse_quoted(facts, stored.strip())
            if meant is not None:
                translate(working_copy, "word_for_value", path, meant, old=facts.name)
    _replace_interruptibility_word(working_copy)


def rename_older_fields(working_copy: WorkingCopy) -> None:
    """Move what stands under an older name of a perception field to the one of today."""
    for facts in working_copy.catalog.fields("perception"):
        path = f"{_PERCEPTION}/{facts.name}"
        if facts.status not in _DEPRECATED_STATUSES or not working_copy.is_set(path):
            continue
        if facts.successor:
            _rename_field(working_copy, path, facts)
        else:
            remove_with_reason(working_copy, "removed_field", path, old=facts.name)


def _rename_field(working_copy: WorkingCopy, path: str, facts: FieldFacts) -> None:
    target = f"{_PERCEPTION}/{facts.successor}"
    words = {"old": facts.name, "new": facts.successor or ""}
    taken = working_copy.is_set(target)
    value = (
        _merge_values(working_copy.at(target), working_copy.at(path))
        if taken
        else working_copy.at(path)
    )
    if not _is_accepted_by_successor(working_copy, facts, value):
        return
    if value != working_copy.at(target):
        name = "older_name_taken" if taken else "older_name"
        translate(working_copy, name, target, value, **words)
    remove_with_reason(working_copy, "older_name", path, **words)


def replace_ambient_awareness(working_copy: WorkingCopy) -> None:
    """Say by Raven and a question what the seed's switch seems to have meant."""
    path = f"{_PERCEPTION}/ambient_awareness"
    stored = working_copy.at(path)
    if stored is None:
        return
    on = stored is True or text(stored).lower() == "true"
    sees = working_copy.catalog.effective_perception_model(working_copy.document).startswith(
        "raven"
    )
    if on and sees and not working_copy.is_set(_QUERIES):
        told = working_copy.catalog.translations["ambient_awareness"]
        translate(working_copy, "ambient_awareness", _QUERIES, [told.value])
        working_copy.remove(path, working_copy.reason_of_translation(told))
    else:
        remove_with_reason(
            working_copy,
            "ambient_awareness_asked" if on and sees else "ambient_awareness_off",
            path,
        )


def join_hotwords(working_copy: WorkingCopy) -> None:
    """Join a list of hot words to the text of hints that it is today."""
    words = working_copy.at("/layers/stt/hotwords")
    if isinstance(words, list) and words and all(isinstance(word, str) for word in words):
        translate(working_copy, "hotwords", "/layers/stt/hotwords", ", ".join(words))


def _replace_interruptibility_word(working_copy: WorkingCopy) -> None:
    """Read the one word of a docs example that is not in the list of values beside it."""
    path = "/layers/conversational_flow/replica_interruptibility"
    facts = working_copy.catalog.field("conversational_flow", "replica_interruptibility")
    older = working_copy.catalog.field("stt", "participant_interrupt_sensitivity")
    stored = text(working_copy.at(path))
    today = older.successor_values.get(stored) if older else None
    if facts and today and stored not in facts.allowed_values:
        translate(working_copy, "interruptibility_word", path, today, new=today)


def _parse_quoted(facts: FieldFacts, word: str) -> bool | float | None:
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


def _merge_values(current: Any, older: Any) -> Any:
    """Return what stands under two names as one; the one of today comes first."""
    if isinstance(current, list) and isinstance(older, list):
        names = {function_name(item) for item in current if function_name(item)}
        new = [item for item in older if item not in current and function_name(item) not in names]
        return [*current, *new]
    if isinstance(current, str) and isinstance(older, str) and older.strip() not in current:
        return f"{current}\n{older}"
    return current


def _is_accepted_by_successor(working_copy: WorkingCopy, facts: FieldFacts, value: Any) -> bool:
    """Tell whether the field of today takes a value; what it would refuse stays where it is."""
    successor = working_copy.catalog.field("perception", facts.successor or "")
    longest = (successor and successor.max_length) or len(str(value))
    texts = value if isinstance(value, list) else [value]
    if any(isinstance(one, str) and len(one) > longest for one in texts):
        return False
    try:
        PerceptionLayer.model_validate({facts.successor: value})
    except ValidationError:
        return False
    return is_set(value)
