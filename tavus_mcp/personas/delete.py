"""Delete personas: by a plan, unless the person was asked and typed the persona's name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tavus_mcp.app import App
from tavus_mcp.errors import NotFound, TavusError
from tavus_mcp.history.record import RecordedWrite, WriteIntent, recorded_write
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.findings import RuleFinding
from tavus_mcp.models.receipt import FieldChange, Receipt, Undo
from tavus_mcp.personas import plans
from tavus_mcp.personas.conflicts import require_revision
from tavus_mcp.personas.revive import describe_loss


@dataclass(frozen=True)
class DeleteRequest:
    """A confirmed deletion; ``if_revision`` is the revision that was confirmed."""

    persona_id: str
    if_revision: str | None
    plan: plans.Plan | None = None


async def plan_deletion(
    app: App, document: PersonaDocument, findings: tuple[RuleFinding, ...] = ()
) -> Receipt:
    """Store a plan to delete a persona; nothing is sent."""
    plan = await plans.store_plan(app, plans.build_deletion_plan(document), document)
    return _build_receipt(
        "planned",
        document,
        plan_id=plan.plan_id,
        expires_at=plan.expires_at,
        findings=[
            *findings,
            CONFIRMATION_REQUIRED,
            _loss_finding(app, document),
            *plans.protected_findings(app),
        ],
    )


async def delete(app: App, request: DeleteRequest) -> Receipt:
    """Delete a persona that is still at the confirmed revision, after recording all of it.

    While the server is protected, a deletion without a plan answers one instead.
    Raises ``Conflict`` when it changed meanwhile, or when it is not known whether it is gone.
    """
    document = await app.api.get_persona(request.persona_id)
    await require_revision(app, document, request.if_revision, has_plan=request.plan is not None)
    if plans.must_be_planned(app, plan=request.plan):
        return await plan_deletion(app, document)
    used_seq = await plans.mark_used(app, request.plan) if request.plan else 0
    intent = WriteIntent("persona", "delete_persona", document, used_seq=used_seq)
    async with recorded_write(app, intent) as write:
        await app.api.delete_persona(request.persona_id)
    await _require_deleted(app, write)
    unrecorded = await write.record_outcome("applied")
    undo = Undo(
        tool="restore_revision",
        arguments={"persona_id": document.persona_id, "revision": document.revision},
    )
    return _build_receipt("applied", document, findings=unrecorded, undo=undo)


async def _require_deleted(app: App, write: RecordedWrite) -> None:
    """Return when the persona is gone; raise ``Conflict`` when it is there or that is unknown."""
    lost = write.lost_response
    result = "the persona is still there"
    try:
        await app.api.get_persona(write.intent.persona_id)
    except NotFound:
        return
    except TavusError as error:
        if lost is None:
            return  # Tavus answered that it is deleted, and nothing contradicts that
        result = f"that failed as well ({type(error).__name__}): it is not known whether it is gone"
    raise await write.record_conflict(
        "unknown" if lost else "failed",
        f"{lost or 'Tavus answered that it is deleted, but it is not.'} It was looked for: "
        f"{result}. Look with get_persona before you try again.",
    )


def build_declined_receipt(document: PersonaDocument) -> Receipt:
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
    hint="Show this to the person; after a clear yes call apply_plan with the plan_id.",
)


def _loss_finding(app: App, document: PersonaDocument) -> RuleFinding:
    return RuleFinding(
        severity="warning",
        path="",
        message=describe_loss(app, document),
        hint="restore_revision brings the rest back, under a new id.",
    )


def _build_receipt(status: str, document: PersonaDocument, **fields: Any) -> Receipt:
    is_deleted = status == "applied"
    return Receipt.model_validate(
        {
            "status": status,
            "persona_id": document.persona_id,
            "persona_name": document.name or None,
            "revision": None if is_deleted else document.revision,
            "previous_revision": document.revision if is_deleted else None,
            "changes": [FieldChange(path="", before=document.name)],
            **fields,
        }
    )
