"""The toolset ``history``: what was done, how it differs, and the way back."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, cast

from mcp.server.mcpserver import Context

from tavus_mcp.app import App
from tavus_mcp.conversations.measure import compare
from tavus_mcp.history import revisions
from tavus_mcp.history.history_page import read_history_page
from tavus_mcp.journal.entry import split_journal_id
from tavus_mcp.models.document import PartKindName
from tavus_mcp.models.receipt import PlanReceipt, Receipt
from tavus_mcp.parts import apply_plan as apply
from tavus_mcp.parts.revive import plan_revival
from tavus_mcp.parts.rules import RULES
from tavus_mcp.personas import plans, restore
from tavus_mcp.server.results import Comparison, RevisionPage
from tavus_mcp.server.shared_parameters import (
    Cursor,
    DryRun,
    IfRevision,
    Limit,
    ObjectIdParameter,
    Reference,
    doc,
)
from tavus_mcp.server.toolset import Toolset

history = Toolset("history")


@history.read("List revisions")
async def list_revisions(
    app: App, persona_id: ObjectIdParameter, limit: Limit = 20, cursor: Cursor = None
) -> RevisionPage:
    """List the changes of a persona: when, by which tool, values, the revision after each."""
    page = await read_history_page(app, persona_id, limit, cursor)
    return RevisionPage(
        revisions=page.rows, common=page.common, next_cursor=page.next_cursor, note=page.note
    )


@history.read("Compare personas", aliases={"a": "first", "b": "second"})
async def compare_personas(
    app: App,
    first: Reference,
    second: Reference,
    measure: Annotated[bool, doc("Metrics of their calls too")] = False,
) -> Comparison:
    """Compare two personas, or two revisions, field by field."""
    _, left = await revisions.load_referenced_persona(app, first, "first")
    _, right = await revisions.load_referenced_persona(app, second, "second")
    differences = revisions.differences(app, left, right)
    return Comparison(
        first=first,
        second=second,
        same=not differences,
        differences=differences,
        figures=await compare(app, first, second) if measure else None,
    )


@history.change("Restore revision")
async def restore_revision(
    app: App,
    persona_id: ObjectIdParameter,
    revision: Annotated[str, doc("Revision to restore, from list_revisions")],
    only: Annotated[
        list[str], doc('Fields, layers or pointers, like "tts" or "/greeting"; default all')
    ] = [],  # noqa: B006 - read only
    dry_run: DryRun = False,
    if_revision: IfRevision = None,
    after_revision: Annotated[
        str | None, doc("After the change to undo; finds later edits")
    ] = None,
    overwrite: Annotated[list[str], doc("Restore these even if edited")] = [],  # noqa: B006 - read only
) -> Receipt:
    """Undo: restore a persona, a part or fields of it; a deleted one gets a new id."""
    request = restore.RestoreRequest(
        persona_id,
        revision,
        tuple(only),
        dry_run=dry_run,
        if_revision=if_revision,
        after_revision=after_revision,
        overwrite=tuple(overwrite),
    )
    kind, _ = split_journal_id(persona_id)
    if kind == "persona":
        return await restore.restore(app, request)
    if plan := await plan_revival(app, persona_id, revision):
        return plan
    rules = RULES[cast("PartKindName", kind)]
    return await restore.restore(app, replace(request, rules=rules))


@history.change("Discard plan", for_view_only=True)
async def discard_plan(
    app: App,
    plan_id: Annotated[str, doc("From an answer with status planned")],
) -> Receipt:
    """Discard a plan that a person declined in the view, so that it cannot be applied."""
    plan = await plans.discard_plan(app, plan_id)
    is_of_persona = plan.object_kind == "persona"
    return Receipt(status="declined", persona_id=(is_of_persona and plan.object_id) or None)


@history.destroy("Apply plan")
async def apply_plan(
    app: App,
    ctx: Context[Any, Any],
    plan_id: Annotated[str, doc("From an answer with status planned")],
) -> PlanReceipt:
    """Carry out one plan, once, of one persona or many, after the person agreed to it."""
    if app.project is not None:
        from tavus_mcp.project.stored_plans import apply_stored_plan  # only where it is needed

        receipt = await apply_stored_plan(app, plan_id, ctx.report_progress)
        if receipt is not None:
            return receipt
    return await apply.apply_plan(app, plan_id, ctx.report_progress)
