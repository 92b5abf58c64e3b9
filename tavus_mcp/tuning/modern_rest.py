"""What the goal ``modernize`` leaves as it is, because nothing is known to say it today."""

from __future__ import annotations

from tavus_mcp.checker.check import check
from tavus_mcp.models.json_patch import pointer_of
from tavus_mcp.tuning.translating import flag_for_manual_change
from tavus_mcp.tuning.working_copy import WorkingCopy

_UNDOCUMENTED_STATUSES = ("undocumented", "unknown")
_OLD_RULE_WORDS = ("legacy", "deprecated", "retired", "unknown", "spelling")


def flag_undocumented(working_copy: WorkingCopy) -> None:
    """Flag what is stored in a layer and stands in no docs page, or in no schema at all."""
    for layer in working_copy.catalog.layer_names:
        # the newer layers stand in no docs page either, and some are free objects
        documented = working_copy.catalog.layer(layer).status == "current"
        for name in working_copy.document.layer(layer) if documented else ():
            path = f"/layers/{layer}" + pointer_of([name])
            facts = working_copy.catalog.field(layer, name)
            if not working_copy.is_set(path):
                continue
            if facts is None:
                flag_for_manual_change(working_copy, "unknown_field", path)
            elif facts.status in _UNDOCUMENTED_STATUSES:
                what = "undocumented_name" if facts.successor else "undocumented_field"
                flag_for_manual_change(
                    working_copy, what, path, old=facts.name, new=facts.successor or ""
                )


def flag_remaining(working_copy: WorkingCopy) -> None:
    """Point to the checker where it finds something old of which nothing was said."""
    said = {one.path for one in working_copy.findings}
    for one in check(working_copy.document, working_copy.catalog):
        if one.path not in said and any(
            word in (one.rule or "").split("-") for word in _OLD_RULE_WORDS
        ):
            flag_for_manual_change(working_copy, "left_over", one.path)
            said.add(one.path)
