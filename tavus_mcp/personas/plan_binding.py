"""Bind a plan to the fields that it changes and to what its checks depend on.

A plan does not depend on the rest of the persona: two plans for different fields of one persona can
both be applied.
"""

from __future__ import annotations

from collections.abc import Sequence

from tavus_mcp.app import App
from tavus_mcp.errors import Conflict
from tavus_mcp.history.states import find_state, is_at_revision
from tavus_mcp.models.document import Document
from tavus_mcp.models.findings import RuleFinding
from tavus_mcp.personas.conflicts import (
    MAKE_PLAN_AGAIN,
    build_revision_conflict,
    describe,
    describe_edits,
    require_unedited,
)
from tavus_mcp.personas.plans import Plan
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


async def require_unedited_fields(app: App, plan: Plan, base: Document, current: Document) -> None:
    """Raise ``Conflict``, with what changed, unless the fields of a plan are as it was made for."""
    subject = (
        f"Fields of {current.noun} {current.object_id!r} that this plan changes have changed since"
    )
    paths = [item["path"] for item in plan.detail["patch"]]
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
