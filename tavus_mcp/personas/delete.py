"""Delete objects: by a plan, unless the person was asked and typed the name of a persona."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tavus_mcp.app import App
from tavus_mcp.errors import NotFound, TavusError
from tavus_mcp.history.record import (
    RecordedWrite,
    WriteIntent,
    WriteOrigin,
    deletion_tool,
    recorded_write,
)
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.document import Document, PersonaDocument
from tavus_mcp.models.findings import APPLY_AFTER_YES, RuleFinding
from tavus_mcp.models.receipt import FieldChange, Receipt, Undo
from tavus_mcp.personas import plans
from tavus_mcp.personas.conflicts import require_revision
from tavus_mcp.personas.revive import describe_loss
from tavus_mcp.tavus_api.endpoints import PERSONA_ENDPOINT, ObjectEndpoint


@dataclass(frozen=True)
class DeleteRequest:
    """A confirmed deletion; ``if_revision`` is the revision that was confirmed.

    ``detail`` is stored with the journal's entries of a deletion, and so is that of ``origin``.
    """

    object_id: str
    if_revision: str | None
    plan: plans.Plan | None = None
    endpoint: ObjectEndpoint = PERSONA_ENDPOINT
    detail: JsonObject = field(default_factory=dict)
    origin: WriteOrigin = field(default_factory=WriteOrigin)


async def plan_deletion(
    app: App, document: PersonaDocument, findings: tuple[RuleFinding, ...] = ()
) -> Receipt:
    """Store a plan to delete a persona; nothing is sent."""
    plan = plans.build_deletion_plan(document, "delete_persona")
    listed = [*findings, CONFIRMATION_REQUIRED, _loss_finding(app, document)]
    return await store_deletion_plan(app, plan, document, listed)


async def store_deletion_plan(
    app: App, plan: plans.Plan, document: Document, findings: Sequence[RuleFinding]
) -> Receipt:
    """Store a plan to delete an object, and return its receipt."""
    plan = await plans.store_plan(app, plan, document)
    return _build_receipt(
        "planned",
        document,
        plan_id=plan.plan_id,
        expires_at=plan.expires_at,
        findings=[*findings, *plans.protected_findings(app)],
    )


async def delete(app: App, request: DeleteRequest) -> Receipt:
    """Delete an object that is still at the confirmed revision, after recording all of it.

    While the server is protected, a deletion of a persona without a plan answers one instead.
    Raises ``Conflict`` when it changed meanwhile, or when it is not known whether it is gone.
    """
    document = await app.api.get_object(request.endpoint, request.object_id)
    plans.refuse_stock_persona(document)
    await require_revision(app, document, request.if_revision, has_plan=request.plan is not None)
    if plans.must_be_planned(app, plan=request.plan) and isinstance(document, PersonaDocument):
        return await plan_deletion(app, document)
    used_seq = await plans.mark_used(app, request.plan) if request.plan else request.origin.seq
    kind, detail = request.endpoint.kind, {**request.detail, **request.origin.detail}
    intent = WriteIntent(kind, deletion_tool(kind), document, used_seq=used_seq, detail=detail)
    async with recorded_write(app, intent) as write:
        await app.api.delete_object(request.endpoint, request.object_id)
    await _require_deleted(app, request.endpoint, write, document)
    unrecorded = await write.record_outcome("applied")
    undo = Undo(
        tool="restore_revision",
        arguments={"persona_id": document.journal_id, "revision": document.revision},
    )
    return _build_receipt("applied", document, findings=unrecorded, undo=undo)


async def _require_deleted(
    app: App, endpoint: ObjectEndpoint, write: RecordedWrite, document: Document
) -> None:
    """Return when the object is gone; raise ``Conflict`` when it is there or that is unknown."""
    lost = write.lost_response
    result = f"the {document.noun} is still there"
    try:
        await app.api.get_object(endpoint, document.object_id)
    except NotFound:
        return
    except TavusError as error:
        if lost is None:
            return  # Tavus answered that it is deleted, and nothing contradicts that
        result = f"that failed as well ({type(error).__name__}): it is not known whether it is gone"
    raise await write.record_conflict(
        "unknown" if lost else "failed",
        f"{lost or 'Tavus answered that it is deleted, but it is not.'} It was looked for: "
        f"{result}. Look with {document.read_call} before you try again.",
    )


def name_to_type(document: Document) -> str:
    """Return what a person types to confirm a deletion: the name, or the id if it has none."""
    return document.name.strip() or document.object_id


def build_declined_receipt(document: Document) -> Receipt:
    """Return the receipt of a deletion that the person declined; there is no plan."""
    return _build_receipt("declined", document, changes=[], findings=[_DELETION_DECLINED])


_DELETION_DECLINED = RuleFinding(
    severity="warning",
    path="",
    message="The person said no. Nothing was deleted, and there is no plan.",
    hint="The answer is final. Do not ask again unless the person brings it up.",
)
NAME_NOT_CONFIRMED = RuleFinding(
    severity="warning",
    path="",
    message="The form did not bring the persona's exact name, typed by a person.",
)
CONFIRMATION_REQUIRED = RuleFinding(
    severity="warning",
    path="",
    message="Nothing was deleted. Deleting needs the person's yes.",
    hint=APPLY_AFTER_YES,
)


def _loss_finding(app: App, document: PersonaDocument) -> RuleFinding:
    return RuleFinding(
        severity="warning",
        path="",
        message=describe_loss(app, document),
        hint="restore_revision brings the rest back, under a new id.",
    )


def _build_receipt(status: str, document: Document, **fields: Any) -> Receipt:
    is_deleted = status == "applied"
    return Receipt.model_validate(
        {
            "status": status,
            **document.identify(),
            "revision": None if is_deleted else document.revision,
            "previous_revision": document.revision if is_deleted else None,
            "changes": [FieldChange(path="", before=document.name)],
            **fields,
        }
    )
