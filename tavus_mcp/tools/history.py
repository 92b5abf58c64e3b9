"""The toolset ``history``: what was done, how it differs, and the way back."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from tavus_mcp.app import App
from tavus_mcp.models.receipt import Receipt
from tavus_mcp.tools.answers import Comparison, RevisionPage
from tavus_mcp.tools.parameters import Cursor, DryRun, IfRevision, Limit, Persona, Reference
from tavus_mcp.tools.toolset import Toolset
from tavus_mcp.usecases import history as usecase

history = Toolset("history")


@history.read("List revisions")
async def list_revisions(
    app: App, persona_id: Persona, limit: Limit = 20, cursor: Cursor = None
) -> RevisionPage:
    """List what happened to a persona, newest first: revision, time, tool, status, paths."""
    page = await usecase.revisions(app, persona_id, limit, cursor)
    return RevisionPage(revisions=page.rows, next_cursor=page.next_cursor)


@history.read("Compare personas", aliases={"a": "first", "b": "second"})
async def compare_personas(app: App, first: Reference, second: Reference) -> Comparison:
    """Compare two personas, or two revisions, field by field."""
    _, one = await usecase.at(app, first)
    _, other = await usecase.at(app, second)
    found = usecase.differences(app, one, other)
    return Comparison(first=first, second=second, same=not found, differences=found)


@history.change("Restore revision")
async def restore_revision(
    app: App,
    persona_id: Persona,
    revision: Annotated[str, Field(description="As list_revisions shows it")],
    only: Annotated[list[str], Field(description="Layers or paths; default all")] = [],  # noqa: B006 - read only
    dry_run: DryRun = False,
    if_revision: IfRevision = None,
) -> Receipt:
    """Bring a persona or parts of it back to a revision; a deleted one comes back with a new id."""
    return await usecase.restore(
        app,
        usecase.Return(persona_id, revision, tuple(only), dry_run=dry_run, if_revision=if_revision),
    )


@history.destroy("Apply plan")
async def apply_plan(
    app: App, plan_id: Annotated[str, Field(description="From a receipt with status planned")]
) -> Receipt:
    """Carry out exactly one plan, once: a dry_run or a deletion the person has agreed to."""
    return await usecase.apply_plan(app, plan_id)
