"""The row of a persona in a list: what distinguishes it from others, with what is in effect."""

from __future__ import annotations

from tavus_mcp.catalog import Catalog
from tavus_mcp.catalog.facts import DISCOURAGED_STATUSES, ChoiceFacts
from tavus_mcp.history.effective_defaults import find_default
from tavus_mcp.models.base import JsonObject, is_set, text
from tavus_mcp.models.document import PersonaDocument

MAX_DETAILED_ROWS = 20
"""Rows of a page up to which each has all its fields."""
LLM_MODEL, TTS_ENGINE = "/layers/llm/model", "/layers/tts/tts_engine"
_MAIN_CHOICES = (
    LLM_MODEL,
    TTS_ENGINE,
    "/layers/stt/stt_engine",
    "/layers/perception/perception_model",
    "/layers/conversational_flow/turn_detection_model",
)
_COMMON_NAMES = ("model", "mode", "updated_at")


def effective_value(document: PersonaDocument, path: str, catalog: Catalog) -> str:
    """Return the stored text of a field, else its default, else "".

    A mode that does not use the layer of the field has no default for it.
    """
    return text(document.at(path)) or _default_text(document, path, catalog)


def describe_value(document: PersonaDocument, path: str, catalog: Catalog) -> str | None:
    """Return the value of a field that is in effect, with ``(default)`` or its status, or None."""
    default = _default_text(document, path, catalog)
    value = text(document.at(path)) or default
    if value and value == default:
        return f"{value} (default)"
    status = _find_status(document, path, value, catalog)
    return f"{value} ({status})" if status else value or None


def describe_defaults(document: PersonaDocument, catalog: Catalog) -> JsonObject:
    """Return the models and engines that a persona leaves to their defaults, by JSON Pointer."""
    return {
        path: f"{default} (default)"
        for path in _MAIN_CHOICES
        if not is_set(document.at(path)) and (default := _default_text(document, path, catalog))
    }


def persona_summary(row: JsonObject, catalog: Catalog) -> JsonObject:
    """Return the fields of a persona that distinguish it in a list."""
    document = PersonaDocument(row)
    return {
        "persona_id": document.persona_id,
        "persona_name": document.name,
        "type": row.get("persona_type"),
        "model": describe_value(document, LLM_MODEL, catalog),
        "engine": describe_value(document, TTS_ENGINE, catalog),
        "mode": document.mode,
        "replica": row.get("default_replica_id"),
        "updated_at": _to_minute(row.get("updated_at") or row.get("created_at")),
    }


def compact_rows(rows: list[JsonObject]) -> tuple[list[JsonObject], JsonObject | None]:
    """Return the rows of a long page with fewer fields, and the values that all of them share."""
    if len(rows) <= MAX_DETAILED_ROWS:
        return rows, None
    names = ("persona_id", "persona_name", "model", "mode", "matches")
    short = [
        {key: row[key] for key in names if key in row}
        | {"updated_at": str(row["updated_at"] or "")[:10] or None}
        for row in rows
    ]
    first = short[0]
    common = {
        key: first[key]
        for key in _COMMON_NAMES
        if first[key] is not None and all(row[key] == first[key] for row in short)
    }
    own = [{key: value for key, value in row.items() if key not in common} for row in short]
    return own, common or None


def _default_text(document: PersonaDocument, path: str, catalog: Catalog) -> str:
    return str(find_default(document, path, catalog) or "")


def _find_status(document: PersonaDocument, path: str, value: str, catalog: Catalog) -> str | None:
    """Return "custom" for a customer's model, and the status of a value that is out of date."""
    if path == LLM_MODEL and document.has_custom_llm:
        return "custom"
    facts: ChoiceFacts | None = None
    if path == LLM_MODEL:
        facts = catalog.llm_models.find(value)
    elif path == TTS_ENGINE:
        facts = catalog.tts_engines.find(value)
    return facts.status if facts and facts.status in DISCOURAGED_STATUSES else None


def _to_minute(value: object) -> str | None:
    """Return a time without seconds."""
    return value[:16] if isinstance(value, str) and value else None
