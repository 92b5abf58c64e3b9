"""Read parts: one of them with long texts and lists cut, and the rows of lists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from tavus_mcp.app import App
from tavus_mcp.errors import InvalidArgument, NotFound
from tavus_mcp.history.cancelled_writes import explain_missing, report_cancelled_write
from tavus_mcp.history.record import journal_id
from tavus_mcp.models.base import JsonObject, parse_id
from tavus_mcp.models.document import PartKindName
from tavus_mcp.models.findings import RuleFinding
from tavus_mcp.models.parts.part_document import PartDocument
from tavus_mcp.parts.kinds import KINDS
from tavus_mcp.parts.names import explain_part_name
from tavus_mcp.personas.lost_creations import report_lost_creations

MAX_LIST_ITEMS = 200
"""Items of a list that are returned, as of a dictionary with thousands of rules."""


@dataclass(frozen=True)
class PartView:
    """A part as it is returned; ``full_lengths`` has the number of items of each list cut."""

    document: JsonObject
    revision: str
    full_lengths: dict[str, int]
    findings: list[RuleFinding]


def parse_part_id(kind: PartKindName, object_id: str) -> str:
    """Return a validated id; that of a skill is ``PERSONA_ID:SKILL_ID``."""
    parts = object_id.split(":")
    if len(parts) != (2 if kind == "skill" else 1):
        form = "PERSONA_ID:SKILL_ID" if kind == "skill" else "the id alone"
        raise InvalidArgument([f"/id: for kind {kind} give {form}."])
    try:
        return ":".join(map(parse_id, parts))
    except ValueError as error:
        raise InvalidArgument([f"/id: {error}."]) from None


async def read_part(app: App, kind: PartKindName, object_id: str) -> PartDocument:
    """Read one part; raise ``NotFound`` if there is none, as for a skill that is not attached."""
    object_id = parse_part_id(kind, object_id)
    try:
        document = await app.api.get_object(KINDS[kind].endpoint, object_id)
    except NotFound as error:
        missing = await explain_missing(app, journal_id(kind, object_id), error)
        if name := await explain_part_name(app, kind, object_id):
            missing = NotFound(name, status=missing.status)
        raise missing from error
    if not document.data:
        persona_id, _, skill_id = object_id.partition(":")
        raise NotFound(f"Skill {skill_id!r} is not attached to persona {persona_id!r}.", status=404)
    return cast("PartDocument", document)


async def read_part_view(app: App, kind: PartKindName, object_id: str) -> PartView:
    """Read one part for a model; a cancelled write of it is reported in the findings."""
    document = await read_part(app, kind, object_id)
    findings = await report_cancelled_write(app, document)
    findings += await report_lost_creations(app)
    full_lengths: dict[str, int] = {}
    view = _cut_lists(app.masker.mask(document.data), full_lengths)
    return PartView(view, document.revision, full_lengths, findings)


def _cut_lists(document: JsonObject, full_lengths: dict[str, int]) -> JsonObject:
    result: dict[str, Any] = {}
    for name, value in document.items():
        is_long = isinstance(value, list) and len(value) > MAX_LIST_ITEMS
        result[name] = value[:MAX_LIST_ITEMS] if is_long else value
        if is_long:
            full_lengths[f"/{name}"] = len(value)
    return result
