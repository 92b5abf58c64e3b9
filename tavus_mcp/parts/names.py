"""Explain an id that names no part: it is often the name of a part, or of an inline function."""

from __future__ import annotations

import re

from tavus_mcp.app import App
from tavus_mcp.errors import TavusError
from tavus_mcp.models.document import Document, PartKindName, PersonaDocument
from tavus_mcp.models.parts.part_document import PartDocument
from tavus_mcp.parts.kinds import KINDS
from tavus_mcp.tavus_api.pagination import MAX_PAGE_ROWS
from tavus_mcp.text import join_first, quote_foreign

_FUNCTION_NAME_PATH = re.compile(r"/layers/\w+/(\w+_)?tools/\d+/(function/)?name")


async def explain_part_name(
    app: App, kind: PartKindName, name: str, persona: Document | None = None
) -> str:
    """Return a sentence about a name in place of an id: of parts, or of an inline function.

    It is empty if it is neither; only the functions of ``persona`` are known.
    """
    ids = await _find_ids(app, kind, name)
    if ids:
        quoted = join_first([quote_foreign(object_id) for object_id in ids])
        return f"{quote_foreign(name)} is the name of the {KINDS[kind].noun} {quoted}: give the id."
    if kind != "tool" or persona is None or name not in _inline_functions(persona):
        return ""
    return (
        f"{quote_foreign(name)} is an inline function of this persona, not a registry tool. "
        "remove_function_tool removes it; save_tool creates a registry tool, which attach_parts "
        "attaches by its id."
    )


async def _find_ids(app: App, kind: PartKindName, name: str) -> list[str]:
    """Return the ids of the parts that have a name, among the first of the account.

    Case, blanks, ``-`` and ``_`` make no difference. There are none if Tavus does not answer.
    """
    listing = KINDS[kind].endpoint.listing
    if listing is None:
        return []
    try:
        page = await app.api.fetch_page(listing, MAX_PAGE_ROWS)
    except TavusError:
        return []
    parts = [PartDocument.parse(kind, row) for row in page.rows]
    wanted = _fold(name)
    return [part.object_id for part in parts if part.object_id and _fold(part.name) == wanted]


def _fold(name: str) -> str:
    return re.sub(r"[\s_-]+", "_", name.strip()).casefold()


def _inline_functions(persona: Document) -> set[str]:
    texts = PersonaDocument(persona.data).texts
    return {text for path, text in texts if _FUNCTION_NAME_PATH.fullmatch(path)}
