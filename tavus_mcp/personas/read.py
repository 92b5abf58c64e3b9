"""Reading: one persona, the list of them, and what they point at."""

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
"""Characters of a prompt that are shown unless the whole is asked for."""

MAX_DETAILED_ROWS = 20
"""Rows up to which each says everything of itself."""


@dataclass(frozen=True)
class PersonaView:
    """A persona as it is shown: its revision, the true length of what was cut, what to know."""

    document: JsonObject
    revision: str
    full_lengths: dict[str, int]
    findings: list[RuleFinding]


async def read_persona_view(
    app: App, persona_id: str, layers: Sequence[str] | None, *, full_prompt: bool
) -> PersonaView:
    """Read one persona; tells of a cancelled write whether it took effect."""
    try:
        document = await app.api.get_persona(persona_id)
    except NotFound as error:
        raise await explain_missing(app, persona_id, error) from error
    findings = await report_cancelled_write(app, document)
    shown: JsonObject = app.masker.mask(document.data)
    if layers is not None and isinstance(shown.get("layers"), dict):
        shown["layers"] = {name: layer for name, layer in shown["layers"].items() if name in layers}
    cut: dict[str, int] = {}
    whole = shown if full_prompt else _shorten_texts(shown, "", cut)
    return PersonaView(whole, document.revision, cut, findings)


async def load_draft_or_persona(
    app: App, persona_id: str | None, draft: JsonObject | None
) -> tuple[PersonaDocument, list[RuleFinding]]:
    """Return what is to be checked, a saved persona or a draft, and what to say of its form."""
    if (persona_id is None) is (draft is None):
        raise InvalidArgument(["/: give either persona_id or document, not both and not neither."])
    if persona_id is not None:
        return await app.api.get_persona(persona_id), []
    return draft_input.parse_draft(draft or {})


def persona_summary(row: JsonObject) -> JsonObject:
    """Show a persona in a list: what tells it from others."""
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
    """Show a long page so that a hundred rows stay readable: less of each, what is shared once."""
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
    """Return a way to show a row: these fields of it, in this order, when it has them."""

    def show(row: JsonObject) -> JsonObject:
        return {name: row[name] for name in names if row.get(name) not in (None, "", [])}

    return show


def _to_minute(value: object) -> str | None:
    """Show a time to the minute; what is finer does not tell personas apart."""
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
