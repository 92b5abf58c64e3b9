"""Bind a plan to the fields that it changes and to what its checks depend on.

A plan does not depend on the rest of the persona: two plans for different fields of one persona can
both be applied.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tavus_mcp.app import App
from tavus_mcp.errors import Conflict
from tavus_mcp.history.states import find_state, is_at_revision
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.document import Document
from tavus_mcp.models.findings import RuleFinding
from tavus_mcp.models.json_patch import ABSENT, Operation, get_at, pointer_of
from tavus_mcp.personas.conflicts import (
    MAKE_PLAN_AGAIN,
    build_revision_conflict,
    describe,
    describe_edits,
    require_unedited,
)
from tavus_mcp.personas.plans import Plan, patch_of
from tavus_mcp.text import quote_path


async def load_plan_base(app: App, plan: Plan, current: Document) -> Document:
    """Return the persona that a plan was made for, with secrets masked.

    Raises ``Conflict`` when the persona changed since and the journal does not hold that state.
    """
    if await is_at_revision(app, current, plan.revision):
        return current
    base = await find_state(app, plan.persona_id, plan.revision)
    if base is None:
        raise await build_revision_conflict(app, None, current, has_plan=True)
    return base


def fit_to_current(plan: Plan, base: Document, current: Document) -> list[Operation]:
    """Return the operations of a plan for the persona as it is now.

    An object that the plan adds, like a layer, may have been added since: then its fields are added
    one by one, so that the other ones in it stay.
    """
    return [
        leaf
        for operation in patch_of(plan)
        for leaf in _split_addition(operation, base.data, current.data)
    ]


def _split_addition(
    operation: Operation, base: JsonObject, current: JsonObject
) -> Iterator[Operation]:
    fields, path = operation.value, operation.path
    is_added_since = get_at(base, path, ABSENT) is ABSENT and isinstance(
        get_at(current, path), dict
    )
    if operation.op == "add" and isinstance(fields, dict) and is_added_since:
        for name, value in fields.items():
            leaf = Operation("add", path + pointer_of([name]), value)
            yield from _split_addition(leaf, base, current)
    else:
        yield operation


async def require_unedited_fields(
    app: App, plan: Plan, base: Document, current: Document, operations: Sequence[Operation]
) -> None:
    """Raise ``Conflict``, with what changed, unless the fields of a plan are as it was made for.

    ``operations`` are those of the plan for the persona as it is now. A field of an object that was
    added since may hold the default that Tavus filled in.
    """
    subject = (
        f"Fields of {current.noun} {current.object_id!r} that this plan changes have changed since"
    )
    planned = {item["path"] for item in plan.detail["patch"]}
    paths = [
        item.path
        for item in operations
        if item.path in planned
        or get_at(current.data, item.path, ABSENT)
        not in (ABSENT, app.catalog.current_default(item.path))
    ]
    await require_unedited(app, base, current, paths, subject)


async def require_same_checks(
    app: App,
    plan: Plan,
    base: Document,
    current: Document,
    findings: Sequence[RuleFinding],
) -> None:
    """Raise ``Conflict`` when checks find more than they did when the plan was made.

    ``findings`` are those on the change of the persona as it is now.
    """
    if base is current or not knows_checks(plan):
        return
    expected = plan.detail["findings"]
    new = [
        item for item in findings if item.severity != "info" and finding_key(item) not in expected
    ]
    if not new:
        return
    whole = f"The {current.noun}"
    problems = "".join(f"\n{quote_path(item.path) or whole}: {item.message}" for item in new)
    raise Conflict(
        f"{describe(current)} has changed since this plan was made, and the checks of "
        f"the plan now find more. Nothing was written.{problems}\nChanged since:"
        f"{await describe_edits(app, base, current)}\n{MAKE_PLAN_AGAIN}"
    )


def knows_checks(plan: Plan) -> bool:
    """Tell whether a plan holds what its checks found; the items of a bulk plan do not."""
    return "findings" in plan.detail


def finding_key(finding: RuleFinding) -> str:
    """Return what identifies a finding in a stored plan: its rule and its path."""
    return f"{finding.rule} {finding.path}"
