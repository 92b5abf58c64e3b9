"""The toolset ``history``: what was done, how it differs, and the way back."""

from __future__ import annotations

from typing import Annotated, Any

from mcp.server.mcpserver import Context

from tavus_mcp.app import App
from tavus_mcp.conversations import measure as measuring
from tavus_mcp.history import revisions as usecase
from tavus_mcp.models.receipt import PlanReceipt, Receipt
from tavus_mcp.personas import restore
from tavus_mcp.server import plan_application
from tavus_mcp.server.parameters import (
    Cursor,
    DryRun,
    IfRevision,
    Limit,
    PersonaIdParameter,
    Reference,
    doc,
)
from tavus_mcp.server.results import Comparison, RevisionPage
from tavus_mcp.server.toolset import Toolset

history = Toolset("history")


@history.read("List revisions")
async def list_revisions(
    app: App, persona_id: PersonaIdParameter, limit: Limit = 20, cursor: Cursor = None
) -> RevisionPage:
    """List changes of a persona, when, by which tool, and the revision after; to undo."""
    page = await usecase.read_history_page(app, persona_id, limit, cursor)
    return RevisionPage(revisions=page.rows, next_cursor=page.next_cursor)


@history.read("Compare personas", aliases={"a": "first", "b": "second"})
async def compare_personas(
    app: App,
    first: Reference,
    second: Reference,
    measure: Annotated[bool, doc("Figures of their calls too")] = False,
) -> Comparison:
    """Compare two personas, or two revisions, field by field."""
    _, one = await usecase.load_referenced_persona(app, first, "first")
    _, other = await usecase.load_referenced_persona(app, second, "second")
    found = usecase.differences(app, one, other)
    figures = await measuring.compare(app, first, second) if measure else None
    return Comparison(
        first=first, second=second, same=not found, differences=found, figures=figures
    )


@history.change("Restore revision")
async def restore_revision(
    app: App,
    persona_id: PersonaIdParameter,
    revision: Annotated[str, doc("The state to have again, of list_revisions")],
    only: Annotated[list[str], doc("Layers or paths; default all")] = [],  # noqa: B006 - read only
    dry_run: DryRun = False,
    if_revision: IfRevision = None,
) -> Receipt:
    """Undo: bring a persona or parts of it back to a revision; a deleted one gets a new id."""
    return await restore.restore(
        app,
        restore.RestoreRequest(
            persona_id, revision, tuple(only), dry_run=dry_run, if_revision=if_revision
        ),
    )


@history.destroy("Apply plan")
async def apply_plan(
    app: App,
    ctx: Context[Any, Any],
    plan_id: Annotated[str, doc("From an answer with status planned")],
) -> PlanReceipt:
    """Carry out exactly one plan, once, after the person agreed to it."""
    return await plan_application.apply_plan(app, plan_id, ctx.report_progress)
