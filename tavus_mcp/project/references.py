"""Look up what the objects of a plan refer to: replicas, and objects that are in no file."""

from __future__ import annotations

from tavus_mcp.app import App
from tavus_mcp.models.json_patch import pointer_tokens
from tavus_mcp.personas.reference_lookup import Reference, find_missing
from tavus_mcp.project.adapters import ADAPTERS
from tavus_mcp.project.compare import Comparison
from tavus_mcp.project.kinds import REFERENCES, ObjectName
from tavus_mcp.project.plan import (
    Action,
    PlannedItem,
    ProjectPlan,
    build_id_finder,
    live_ids,
    placeholder_id,
)
from tavus_mcp.project.refusals import RefusedProject, locate


async def require_references(app: App, comparison: Comparison, plan: ProjectPlan) -> None:
    """Raise ``RefusedProject`` with every id in a new or changed object that names nothing.

    Objects of the project are not looked up: the comparison has read them, or the plan creates
    them.
    """
    ids = live_ids(comparison)
    created = [item.name for item in plan.items if item.action is Action.CREATE]
    find_id = build_id_finder(ids, created)
    known = _list_keys({**{name: placeholder_id(name) for name in created}, **ids})
    references: list[tuple[PlannedItem, Reference]] = []
    for item in plan.items:
        if item.action in (Action.CREATE, Action.UPDATE):
            adapter, fields = ADAPTERS[item.name.folder], item.wire_fields(find_id)
            found = adapter.list_references(app, item.compared.document, fields)
            references += [(item, reference) for reference in found if reference.key not in known]
    missing = {item.key for item in await find_missing(app, (row for _, row in references))}
    problems = [
        problem
        for item, reference in references
        if reference.key in missing
        for problem in locate(item.compared.rendered, [reference.describe_missing()])
    ]
    if problems:
        raise RefusedProject(problems)


def _list_keys(ids: dict[ObjectName, str]) -> set[tuple[str, str]]:
    """Return the fields of personas that can name objects, with the ids of these."""
    return {
        (pointer_tokens(reference.id_pointer)[0], object_id)
        for reference in REFERENCES
        for name, object_id in ids.items()
        if name.kind is reference.kind
    }
