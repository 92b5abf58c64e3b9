"""Conversions of the perception layer: older names of fields, and the switch of early examples."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from tavus_mcp.catalog import Catalog, FieldFacts
from tavus_mcp.deprecations.conversion import Operations, assign, assign_stored, remove
from tavus_mcp.models.base import is_set
from tavus_mcp.models.changes import function_name
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.layers import PerceptionLayer

PERCEPTION = "/layers/perception"
QUERIES = f"{PERCEPTION}/visual_awareness_queries"
_AMBIENT_AWARENESS = f"{PERCEPTION}/ambient_awareness"
# Names under which queries are stored now, or before another conversion renames them.
_QUERY_FIELDS = (
    "visual_awareness_queries",
    "ambient_awareness_queries",
    "queries",
    "awareness_queries",
    "visual_queries",
)


def older_fields(catalog: Catalog) -> list[FieldFacts]:
    """Return the fields of perception that are deprecated or retired."""
    statuses = ("deprecated", "retired")
    return [facts for facts in catalog.fields("perception") if facts.status in statuses]


def rename_older_fields(document: PersonaDocument, catalog: Catalog) -> Operations:
    """Move fields with an older name to the name of today, and remove fields nothing reads.

    A value that the field of today refuses is kept: the rule about the older name reports it.
    """
    operations: Operations = []
    for facts in older_fields(catalog):
        path = f"{PERCEPTION}/{facts.name}"
        if not document.is_set(path):
            continue
        if facts.successor is None:
            operations.append(remove("removed_field", path, old=facts.name))
        elif _is_accepted(catalog, facts.successor, _joined_value(document, facts)):
            operations += rename_field(document, facts)
    return operations


def rename_field(document: PersonaDocument, facts: FieldFacts) -> Operations:
    """Return the operations that move a field to its successor; values of both are joined."""
    path, target = f"{PERCEPTION}/{facts.name}", f"{PERCEPTION}/{facts.successor}"
    words = {"old": facts.name, "new": facts.successor or ""}
    value = _joined_value(document, facts)
    operations = [remove("older_name", path, **words)]
    if value != document.value(target):
        text = "older_name_taken" if document.is_set(target) else "older_name"
        operations.insert(0, assign_stored(text, target, value, **words))
    return operations


def replace_ambient_awareness(document: PersonaDocument, catalog: Catalog) -> Operations:
    """Replace the undocumented switch of early examples by a query, if it is on and none is set.

    Where nothing is seen, or the switch is off, it is removed.
    """
    stored = document.value(_AMBIENT_AWARENESS)
    if stored is None:
        return []
    is_on = stored is True or document.text(_AMBIENT_AWARENESS).lower() == "true"
    model = catalog.effective_perception_model(document)
    facts = catalog.perception_models.find(model)
    successor = (facts and facts.successor) or model
    if not is_on or not successor.startswith("raven"):
        return [remove("ambient_awareness_off", _AMBIENT_AWARENESS)]
    if any(document.is_set(f"{PERCEPTION}/{name}") for name in _QUERY_FIELDS):
        return [remove("ambient_awareness_asked", _AMBIENT_AWARENESS)]
    query = catalog.translations["ambient_awareness"].value
    return [
        assign("ambient_awareness", QUERIES, [query]),
        remove("ambient_awareness", _AMBIENT_AWARENESS),
    ]


def _joined_value(document: PersonaDocument, facts: FieldFacts) -> Any:
    """Return the value of an older field joined with that of its successor, which comes first.

    Of equal queries, and of functions with one name, the first is kept.
    """
    current = document.value(f"{PERCEPTION}/{facts.successor}")
    older = document.value(f"{PERCEPTION}/{facts.name}")
    if not is_set(current):
        return _unique_entries([], older) if isinstance(older, list) else older
    if isinstance(current, list) and isinstance(older, list):
        return _unique_entries(current, older)
    if isinstance(current, str) and isinstance(older, str) and older.strip() not in current:
        return f"{current}\n\n{older}"
    return current


def _unique_entries(current: list[Any], older: list[Any]) -> list[Any]:
    names = {function_name(item) for item in current if function_name(item)}
    entries: list[Any] = []
    known: list[Any] = []
    for item in (*current, *(item for item in older if function_name(item) not in names)):
        identity = item.strip().lower() if isinstance(item, str) else item
        if identity not in known:
            known.append(identity)
            entries.append(item)
    return entries


def _is_accepted(catalog: Catalog, name: str, value: Any) -> bool:
    """Return True if a field takes a value; what it refuses stays where it is."""
    facts = catalog.field("perception", name)
    max_length = (facts and facts.max_length) or len(str(value))
    texts = value if isinstance(value, list) else [value]
    if any(isinstance(item, str) and len(item) > max_length for item in texts):
        return False
    try:
        PerceptionLayer.model_validate({name: value})
    except ValidationError:
        return False
    return is_set(value)
