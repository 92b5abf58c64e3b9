"""Read personas: one of them with long texts cut, and the rows of lists."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tavus_mcp.app import App
from tavus_mcp.checker import draft_input
from tavus_mcp.errors import InvalidArgument
from tavus_mcp.history.cancelled_writes import report_cancelled_write
from tavus_mcp.history.revisions import load_persona
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.findings import RuleFinding
from tavus_mcp.models.json_patch import pointer_of
from tavus_mcp.models.masking import Masker
from tavus_mcp.personas.field_selection import select_fields
from tavus_mcp.personas.lost_creations import report_lost_creations
from tavus_mcp.personas.summary import describe_defaults

PROMPT_PREVIEW_CHARS = 1_500
"""Characters of a text that are returned unless ``full_prompt`` is set."""


@dataclass(frozen=True)
class PersonaView:
    """A persona as it is returned; its secrets are masked when it is rendered.

    ``not_set`` names chosen fields that are not set, and their defaults; ``full_lengths`` has the
    length of each text that was cut.
    """

    document: JsonObject
    revision: str
    not_set: JsonObject
    full_lengths: dict[str, int]
    findings: list[RuleFinding]


async def read_persona_view(
    app: App,
    persona_id: str,
    *,
    fields: Sequence[str] = (),
    layers: Sequence[str] = (),
    full_prompt: bool = False,
) -> PersonaView:
    """Read one persona, or chosen fields and layers of it.

    A cancelled write of it is reported in the findings.
    """
    document = await load_persona(app, persona_id)
    findings = await report_cancelled_write(app, document)
    findings += await report_lost_creations(app)
    if fields or layers:
        chosen, not_set = select_fields(document, fields, layers, app.catalog)
    else:
        chosen, not_set = document, describe_defaults(document, app.catalog)
    view: JsonObject = chosen.data
    full_lengths: dict[str, int] = {}
    if not full_prompt:
        view = _shorten_texts(view, (), full_lengths, app.masker)
    return PersonaView(view, document.revision, not_set, full_lengths, findings)


async def load_draft_or_persona(
    app: App, persona_id: str | None, draft: JsonObject | None
) -> tuple[PersonaDocument, list[RuleFinding]]:
    """Return the persona or draft to check, and the findings on the form of a draft.

    An empty draft beside an id is not given, as some hosts send it.
    """
    if persona_id is not None and not draft:
        draft = None
    if (persona_id is None) is (draft is None):
        raise InvalidArgument(["Give persona_id or document, not both."])
    if persona_id is not None:
        return await load_persona(app, persona_id), []
    return draft_input.parse_draft(draft or {})


def pick_fields(*names: str) -> Callable[[JsonObject], JsonObject]:
    """Return a function that picks these fields of a row, in this order, if they have a value."""

    def pick(row: JsonObject) -> JsonObject:
        return {name: row[name] for name in names if row.get(name) not in (None, "", [])}

    return pick


def _shorten_texts(
    value: Any, parts: tuple[str, ...], full_lengths: dict[str, int], masker: Masker
) -> Any:
    if isinstance(value, dict):
        return {
            key: _shorten_texts(item, (*parts, key), full_lengths, masker)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [
            _shorten_texts(item, (*parts, str(index)), full_lengths, masker)
            for index, item in enumerate(value)
        ]
    if not isinstance(value, str) or len(value) <= PROMPT_PREVIEW_CHARS:
        return value
    text: str = masker.mask_at(parts, value)  # before it is cut: no secret may be cut in two
    if len(text) <= PROMPT_PREVIEW_CHARS:
        return text
    full_lengths[pointer_of(parts)] = len(text)
    return (
        f"{text[:PROMPT_PREVIEW_CHARS]}… [cut: {len(text)} characters; full_prompt=true shows all]"
    )
