"""Turn-taking while goals change conversational_flow: what is in effect, and what is kept.

Setting any field of that layer adds the defaults of the others and overrides the turn-taking
fields of stt (docs: persona/conversational-flow). What no goal changes stays as it was.
"""

from __future__ import annotations

from tavus_mcp.deprecations.turn_taking import (
    FLOW,
    ISOLATION,
    TURN_MODEL,
    current_value,
    flow_overrides_stt,
    is_flow_used,
    is_timer_used,
    legacy_fields,
    pin_defaults,
    replace_turn_model,
    replace_turn_taking,
    target_path,
)
from tavus_mcp.models.base import is_set
from tavus_mcp.tuning.modernize import apply_operations
from tavus_mcp.tuning.working_copy import WorkingCopy

_TIME_BASED = "time-based"  # the turn model that smart_turn_detection=false is equivalent to
_OVERRIDING_FIELDS = (
    f"{FLOW}/turn_taking_patience",
    f"{FLOW}/replica_interruptibility",
    TURN_MODEL,
)
"""Fields that put the turn-taking fields of stt out of effect when a goal sets them."""


def effective_value(working_copy: WorkingCopy, path: str) -> object:
    """Return the value in effect for a field of conversational_flow, wherever it is stored."""
    stored, document, catalog = working_copy.at(path), working_copy.document, working_copy.catalog
    overrides = flow_overrides_stt(working_copy.before, catalog)
    if is_set(stored) and (overrides or working_copy.has_set(path)):
        return stored
    if not overrides:
        if path == TURN_MODEL and is_timer_used(document):
            # a goal that brought the layer into use replaces the timer by the default model
            return None if working_copy.has_set(FLOW) else _TIME_BASED
        for facts in legacy_fields(document, catalog):
            if target_path(facts) == path and (value := current_value(document, facts)):
                return value
    if is_set(stored):
        return stored
    if not is_flow_used(working_copy.before):
        if path == ISOLATION:
            return catalog.translations["voice_isolation"].value
        if path == TURN_MODEL:
            return None
    field = catalog.field("conversational_flow", path.rpartition("/")[2])
    return field.default if field else None


def carry_over_turn_taking(working_copy: WorkingCopy) -> None:
    """Keep the turn-taking of stt where a goal brought conversational_flow into use, or changed
    its turn-taking.
    """
    before, catalog = working_copy.before, working_copy.catalog
    if not working_copy.has_set(FLOW) or flow_overrides_stt(before, catalog):
        return
    goals = dict.fromkeys(
        goal
        for path, reason in working_copy.reasons.items()
        if path.startswith(FLOW)
        for goal in reason.goals
    )
    working_copy.goals = tuple(goals)
    if not is_flow_used(before) or any(map(working_copy.has_set, _OVERRIDING_FIELDS)):
        _replace_turn_taking(working_copy)
    if not is_flow_used(before):
        apply_operations(working_copy, pin_defaults(catalog, _paths_set(working_copy)))


def _replace_turn_taking(working_copy: WorkingCopy) -> None:
    document, catalog = working_copy.document, working_copy.catalog
    operations = replace_turn_taking(document, catalog, _paths_set(working_copy), activate=True)
    moved = {operation.path for operation in operations}
    working_copy.findings[:] = [  # modernize kept these fields; now they are moved after all
        finding
        for finding in working_copy.findings
        if finding.rule != "tuning-by-hand" or finding.path not in moved
    ]
    apply_operations(working_copy, operations)
    apply_operations(working_copy, replace_turn_model(working_copy.document, catalog))


def _paths_set(working_copy: WorkingCopy) -> set[str]:
    names = ("turn_taking_patience", "replica_interruptibility", "turn_detection_model")
    paths = [f"{FLOW}/{name}" for name in names] + [ISOLATION]
    return {path for path in paths if working_copy.has_set(path)}
