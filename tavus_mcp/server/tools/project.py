"""The toolset ``project``: the files of a project and an environment, with ``--project``.

It is imported only by a server that is started with a project.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from mcp.server.mcpserver import Context
from pydantic import Field

from tavus_mcp.app import App
from tavus_mcp.models.base import DeferredModel, JsonObject
from tavus_mcp.project.compare import ComparedObject, Status
from tavus_mcp.project.plan import PlannedItem, PlanOptions, select_notable
from tavus_mcp.project.stored_plans import open_own_session, store_project_plan
from tavus_mcp.server.shared_parameters import doc
from tavus_mcp.server.toolset import Toolset

project = Toolset("project")

_NEXT_STEP_HINT = "plan_project shows what applying the files would do."


class ProjectStatus(DeferredModel):
    """The objects of a project that are not in sync, and how many are."""

    environment: str
    in_sync: int
    objects: list[JsonObject] = Field(default_factory=list)
    only_remote: list[JsonObject] | None = None
    next: str | None = None


class PlannedProject(DeferredModel):
    """What an apply of the files would do; ``plan_id`` is carried out by ``apply_plan``."""

    status: Literal["planned", "unchanged", "conflict"]
    environment: str
    plan_id: str | None = None
    expires_at: str | None = None
    items: list[JsonObject] = Field(default_factory=list)
    conflicts: list[JsonObject] | None = None
    notes: list[JsonObject] | None = None
    next: str | None = None


@project.read("Show project")
async def show_project(app: App, ctx: Context[Any, Any]) -> ProjectStatus:
    """Compare the files of the project with the account: what changed in which, field by field."""
    comparison = await open_own_session(app).compare(ctx.report_progress)
    changed = [item for item in comparison.objects.values() if item.status is not Status.IN_SYNC]
    return ProjectStatus(
        environment=comparison.environment,
        in_sync=len(comparison.objects) - len(changed),
        objects=[_describe(item) for item in changed],
        only_remote=comparison.list_only_remote() or None,
        next=_NEXT_STEP_HINT if changed else None,
    )


@project.read("Plan project")
async def plan_project(
    app: App,
    ctx: Context[Any, Any],
    resolve: Annotated[
        Literal["", "file", "live"], doc("In a conflict, what wins: files or account")
    ] = "",
    prune: Annotated[bool, doc("Delete what the project created and has no file any more")] = False,
) -> PlannedProject:
    """Plan to make the account what the files say, merged with changes of others.

    Show it; after a clear yes apply_plan carries it out.
    """
    stored = await store_project_plan(app, PlanOptions(resolve, prune), ctx.report_progress)
    plan = stored.plan
    status: Literal["planned", "unchanged", "conflict"] = "planned" if plan.items else "unchanged"
    return PlannedProject(
        status="conflict" if plan.conflicts else status,
        environment=plan.environment,
        plan_id=stored.plan_id or None,
        expires_at=stored.expires_at or None,
        items=list(map(_describe_item, plan.items)),
        conflicts=[
            {
                "object": str(item.name),
                "path": item.pointer,
                "message": item.message,
                "file": item.file,
                "account": item.account,
            }
            for item in plan.conflicts
        ]
        or None,
        notes=[{"object": str(name), "message": text} for name, text in plan.notes] or None,
        next="Conflicts: let the person choose resolve." if plan.conflicts else None,
    )


def _describe(item: ComparedObject) -> JsonObject:
    row: JsonObject = {"object": str(item.name), "status": item.status.value}
    if item.document is not None:
        row["id"] = item.document.object_id
    fields = [
        f"{merged.pointer} ({merged.side.value})" for merged in item.fields if not merged.is_settled
    ]
    return {**row, "fields": fields} if fields else row


def _describe_item(item: PlannedItem) -> JsonObject:
    row: JsonObject = {
        "object": str(item.name),
        "action": item.action.value,
        "changes": [change.model_dump(mode="json") for change in item.changes],
    }
    messages = [finding.message for finding in select_notable(item.findings)]
    return {**row, "findings": messages} if messages else row
