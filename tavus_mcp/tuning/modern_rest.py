"""What the goal ``modernize`` leaves as it is, because nothing is known to say it today."""

from __future__ import annotations

from tavus_mcp.checker.check import check
from tavus_mcp.checker.lookups import layer_of
from tavus_mcp.models.json_patch import pointer_of
from tavus_mcp.tuning.translating import by_hand
from tavus_mcp.tuning.working_copy import Draft

_UNSEEN = ("undocumented", "unknown")
_OLD = ("legacy", "deprecated", "retired", "unknown", "spelling")


def undocumented(draft: Draft) -> None:
    """Flag what is stored in a layer and stands in no docs page, or in no schema at all."""
    for layer in draft.catalog.layers():
        # the newer layers stand in no docs page either, and some are free objects
        documented = draft.catalog.layer(layer).status == "current"
        for name in layer_of(draft.document, layer) if documented else ():
            path = f"/layers/{layer}" + pointer_of([name])
            facts = draft.catalog.field(layer, name)
            if not draft.is_set(path):
                continue
            if facts is None:
                by_hand(draft, "unknown_field", path)
            elif facts.status in _UNSEEN:
                what = "undocumented_name" if facts.successor else "undocumented_field"
                by_hand(draft, what, path, old=facts.name, new=facts.successor or "")


def left_over(draft: Draft) -> None:
    """Point to the checker where it finds something old of which nothing was said."""
    said = {one.path for one in draft.remarks}
    for one in check(draft.document, draft.catalog):
        if one.path not in said and any(word in (one.rule or "").split("-") for word in _OLD):
            by_hand(draft, "left_over", one.path)
            said.add(one.path)
