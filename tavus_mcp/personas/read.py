"""Reading: one persona, the list of them, and what they point at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tavus_mcp.app import App
from tavus_mcp.checker import draft_input
from tavus_mcp.errors import InvalidArgument, NotFound
from tavus_mcp.history import record
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.document import Document
from tavus_mcp.models.findings import Finding

SHOWN = 1_500
"""Characters of a prompt that are shown unless the whole is asked for."""

MANY = 20
"""Rows up to which each says everything of itself."""


@dataclass(frozen=True)
class Shown:
    """A persona as it is shown: its revision, the true length of what was cut, what to know."""

    document: JsonObject
    revision: str
    cut: dict[str, int]
    findings: list[Finding]


async def persona(
    app: App, persona_id: str, layers: Sequence[str] | None, *, full_prompt: bool
) -> Shown:
    """Read one persona; tells of a cancelled write whether it took effect."""
    try:
        document = await app.api.get_persona(persona_id)
    except NotFound as error:
        raise await record.gone_by_cancelled(app, persona_id, error) from error
    findings = await record.told_of_cancelled(app, document)
    shown: JsonObject = app.masker.mask(document.data)
    if layers is not None and isinstance(shown.get("layers"), dict):
        shown["layers"] = {name: layer for name, layer in shown["layers"].items() if name in layers}
    cut: dict[str, int] = {}
    whole = shown if full_prompt else _shortened(shown, "", cut)
    return Shown(whole, document.revision, cut, findings)


async def draft_or_saved(
    app: App, persona_id: str | None, draft: JsonObject | None
) -> tuple[Document, list[Finding]]:
    """Return what is to be checked, a saved persona or a draft, and what to say of its form."""
    if (persona_id is None) is (draft is None):
        raise InvalidArgument(["/: give either persona_id or document, not both and not neither."])
    if persona_id is not None:
        return await app.api.get_persona(persona_id), []
    return draft_input.read(draft or {})


def summary(row: JsonObject) -> JsonObject:
    """Show a persona in a list: what tells it from others."""
    document = Document(row)
    return {
        "persona_id": document.persona_id,
        "persona_name": document.name,
        "type": row.get("persona_type"),
        "model": document.at("/layers/llm/model"),
        "engine": document.at("/layers/tts/tts_engine"),
        "mode": row.get("pipeline_mode"),
        "replica": row.get("default_replica_id"),
        "updated_at": _moment(row.get("updated_at") or row.get("created_at")),
    }


def factored(rows: list[JsonObject]) -> tuple[list[JsonObject], JsonObject | None]:
    """Show a long page so that a hundred rows stay readable: less of each, what is shared once."""
    if len(rows) <= MANY:
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


def only(*names: str) -> Callable[[JsonObject], JsonObject]:
    """Return a way to show a row: these fields of it, in this order, when it has them."""

    def show(row: JsonObject) -> JsonObject:
        return {name: row[name] for name in names if row.get(name) not in (None, "", [])}

    return show


def _moment(value: object) -> str | None:
    """Show a time to the minute; what is finer does not tell personas apart."""
    return value[:16] if isinstance(value, str) and value else None


def _shortened(value: Any, path: str, cut: dict[str, int]) -> Any:
    if isinstance(value, dict):
        return {key: _shortened(item, f"{path}/{key}", cut) for key, item in value.items()}
    if isinstance(value, list):
        return [_shortened(item, f"{path}/{index}", cut) for index, item in enumerate(value)]
    if isinstance(value, str) and len(value) > SHOWN:
        cut[path] = len(value)
        return f"{value[:SHOWN]}… [cut: {len(value)} characters in all; full_prompt=true shows it]"
    return value
