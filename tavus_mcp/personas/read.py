"""Read personas: one of them with long texts cut, and the rows of lists."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tavus_mcp.app import App
from tavus_mcp.checker import draft_input
from tavus_mcp.errors import InvalidArgument, NotFound
from tavus_mcp.history.cancelled_writes import explain_missing, report_cancelled_write
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.findings import RuleFinding

PROMPT_PREVIEW_CHARS = 1_500
"""Characters of a text that are returned unless ``full_prompt`` is set."""

MAX_DETAILED_ROWS = 20
"""Rows of a page up to which each has all its fields."""


@dataclass(frozen=True)
class PersonaView:
    """A persona as it is returned: ``full_lengths`` has the length of each text that was cut."""

    document: JsonObject
    revision: str
    full_lengths: dict[str, int]
    findings: list[RuleFinding]


async def read_persona_view(
    app: App, persona_id: str, layers: Sequence[str] | None, *, full_prompt: bool
) -> PersonaView:
    """Read one persona; a cancelled write of it is reported in the findings."""
    try:
        document = await app.api.get_persona(persona_id)
    except NotFound as error:
        raise await explain_missing(app, persona_id, error) from error
    findings = await report_cancelled_write(app, document)
    view: JsonObject = app.masker.mask(document.data)
    if layers is not None and isinstance(view.get("layers"), dict):
        view["layers"] = {name: layer for name, layer in view["layers"].items() if name in layers}
    full_lengths: dict[str, int] = {}
    if not full_prompt:
        view = _shorten_texts(view, "", full_lengths)
    return PersonaView(view, document.revision, full_lengths, findings)


async def load_draft_or_persona(
    app: App, persona_id: str | None, draft: JsonObject | None
) -> tuple[PersonaDocument, list[RuleFinding]]:
    """Return the persona or draft to check, and the findings on the form of a draft."""
    if (persona_id is None) is (draft is None):
        raise InvalidArgument(["/: give either persona_id or document, not both and not neither."])
    if persona_id is not None:
        return await app.api.get_persona(persona_id), []
    return draft_input.parse_draft(draft or {})


def persona_summary(row: JsonObject) -> JsonObject:
    """Return the fields of a persona that distinguish it in a list."""
    document = PersonaDocument(row)
    return {
        "persona_id": document.persona_id,
        "persona_name": document.name,
        "type": row.get("persona_type"),
        "model": document.at("/layers/llm/model"),
        "engine": document.at("/layers/tts/tts_engine"),
        "mode": row.get("pipeline_mode"),
        "replica": row.get("default_replica_id"),
        "updated_at": _to_minute(row.get("updated_at") or row.get("created_at")),
    }


def compact_rows(rows: list[JsonObject]) -> tuple[list[JsonObject], JsonObject | None]:
    """Return the rows of a long page with fewer fields, and the values that all of them share."""
    if len(rows) <= MAX_DETAILED_ROWS:
        return rows, None
    short = [
        {key: row[key] for key in ("persona_id", "persona_name", "model", "mode")}
        | {"updated_at": str(row["updated_at"] or "")[:10] or None}
        for row in rows
    ]
    first = short[0]
    common = {
        key: first[key]
        for key in ("model", "mode", "updated_at")
        if first[key] is not None and all(row[key] == first[key] for row in short)
    }
    own = [{key: value for key, value in row.items() if key not in common} for row in short]
    return own, common or None


def pick_fields(*names: str) -> Callable[[JsonObject], JsonObject]:
    """Return a function that picks these fields of a row, in this order, if they have a value."""

    def pick(row: JsonObject) -> JsonObject:
        return {name: row[name] for name in names if row.get(name) not in (None, "", [])}

    return pick


def _to_minute(value: object) -> str | None:
    """Return a time without seconds."""
    return value[:16] if isinstance(value, str) and value else None


def _shorten_texts(value: Any, path: str, full_lengths: dict[str, int]) -> Any:
    if isinstance(value, dict):
        return {
            key: _shorten_texts(item, f"{path}/{key}", full_lengths) for key, item in value.items()
        }
    if isinstance(value, list):
        return [
            _shorten_texts(item, f"{path}/{index}", full_lengths)
            for index, item in enumerate(value)
        ]
    if isinstance(value, str) and len(value) > PROMPT_PREVIEW_CHARS:
        full_lengths[path] = len(value)
        return (
            f"{value[:PROMPT_PREVIEW_CHARS]}… [cut: {len(value)} characters in all; "
            f"full_prompt=true shows it]"
        )
    return value
