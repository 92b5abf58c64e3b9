"""The defaults of fields that are in effect in a persona, and before and after a change of it."""

from __future__ import annotations

from typing import Any

from tavus_mcp.catalog import Catalog
from tavus_mcp.deprecations.turn_taking import is_flow_used
from tavus_mcp.models.document import Document, PersonaDocument
from tavus_mcp.models.parts.part_document import find_part_default
from tavus_mcp.models.receipt import NO_DEFAULTS, FieldDefaults, FindDefault


def find_default(document: PersonaDocument, path: str, catalog: Catalog) -> Any:
    """Return the default of a field that is not set, or None if none is in effect.

    A mode that bypasses the layer of the field has none for it. Nor has a custom model for those of
    llm, and the defaults of conversational_flow come with its first field (docs:
    persona/conversational-flow).
    """
    mode = catalog.pipeline_modes.find(document.mode)
    layer = path.split("/")[2] if path.startswith("/layers/") else ""
    if mode is not None and layer in mode.ignored_layers:
        return None
    if layer == "llm" and document.has_custom_llm:
        return None
    if layer == "conversational_flow" and not is_flow_used(document):
        return None
    return catalog.current_default(path)


def defaults_of_change(before: Document, after: Document, catalog: Catalog) -> FieldDefaults:
    """Return the defaults that are in effect before and after a change.

    Before an object is created there are none.
    """

    def defaults_of(document: Document) -> FindDefault:
        if isinstance(document, PersonaDocument):
            return lambda path: find_default(document, path, catalog)
        return find_part_default

    own = defaults_of(before) if before.data else NO_DEFAULTS.before
    return FieldDefaults(own, defaults_of(after))
