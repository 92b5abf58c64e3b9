"""Deleting personas: always a plan first, unless the person was asked and typed the name."""

from __future__ import annotations

from dataclasses import dataclass

import anyio

from tavus_mcp.app import App
from tavus_mcp.errors import Conflict, Failure, NotFound, TavusError, Unavailable
from tavus_mcp.history import record
from tavus_mcp.journal.entry import Entry
from tavus_mcp.models.document import Document
from tavus_mcp.models.findings import Finding
from tavus_mcp.models.receipt import Changed, Receipt, Undo
from tavus_mcp.personas import plans
from tavus_mcp.personas.update import expect


@dataclass(frozen=True)
class Deletion:
    """A deletion that may be carried out: the persona as it was agreed upon."""

    persona_id: str
    if_revision: str | None
    plan: plans.Plan | None = None


async def plan(app: App, document: Document, remarks: tuple[Finding, ...] = ()) -> Receipt:
    """Answer with a plan to delete; nothing is sent."""
    stored = await plans.store(app, plans.of_deletion(document), document)
    receipt = _receipt("planned", document)
    return receipt.model_copy(
        update={
            "plan_id": stored.plan_id,
            "expires_at": stored.expires_at,
            "findings": [*remarks, _ASK_FIRST],
        }
    )


async def delete(app: App, asked: Deletion) -> Receipt:
    """Delete a persona that is still as it was agreed upon, after writing it down whole.

    Raises ``Conflict`` when it changed meanwhile, or when it is not known whether it is gone.
    """
    document = await app.api.get_persona(asked.persona_id)
    await expect(app, document, asked.if_revision, planned=asked.plan is not None)
    if asked.plan is not None:
        await plans.claim(app, asked.plan)
    intent = await record.intend(app, "delete_persona", document, Document({}), ())
    lost: Unavailable | None = None
    try:
        await app.api.delete_persona(asked.persona_id)
    except anyio.get_cancelled_exc_class():
        app.unsettled[asked.persona_id] = intent
        raise
    except Unavailable as error:
        lost = error
    except Failure:
        await record.settle(app, intent, "failed")
        raise
    await _see_that_it_is_gone(app, intent, lost)
    unrecorded = await record.settle(app, intent, "applied")
    return _receipt("applied", document).model_copy(update={"findings": unrecorded})


async def _see_that_it_is_gone(app: App, intent: Entry, lost: Unavailable | None) -> None:
    """Return when the persona is gone; else say what is known, and what is not."""
    told = "the persona is still there"
    try:
        await app.api.get_persona(intent.persona_id)
    except NotFound:
        return
    except TavusError as error:
        if lost is None:
            return  # Tavus said that it is deleted, and nothing says otherwise
        told = f"that failed as well ({type(error).__name__}): it is not known whether it is gone"
    await record.settle(app, intent, "unknown" if lost else "failed")
    raise Conflict(
        f"{lost or 'Tavus answered that it is deleted, but it is not.'} It was looked for: {told}. "
        "Look with get_persona before you try again."
    ) from lost


def declined(document: Document) -> Receipt:
    """Answer that the person said no; there is no plan, and nothing more to ask."""
    return _receipt("planned", document).model_copy(update={"findings": [_NO]})


_NO = Finding(
    severity="warning",
    path="",
    message="The person said no: nothing was deleted, and no plan was made.",
    hint="That is final. Do not ask again unless the person brings it up.",
)
UNCLEAR = Finding(
    severity="warning",
    path="",
    message="The form did not bring the persona's exact name, typed by a person.",
)
_ASK_FIRST = Finding(
    severity="warning",
    path="",
    message="Nothing was deleted. Deleting needs the person's yes.",
    hint="Show this to the person; after a clear yes call apply_plan with the plan_id.",
)


def _receipt(status: str, document: Document) -> Receipt:
    arguments = {"persona_id": document.persona_id, "revision": document.revision}
    return Receipt.model_validate(
        {
            "status": status,
            "persona_id": document.persona_id,
            "persona_name": document.name or None,
            "revision": document.revision if status == "planned" else None,
            "previous_revision": None if status == "planned" else document.revision,
            "changes": [Changed(path="", before=f"persona {document.name!r}")],
            "undo": Undo(tool="restore_revision", arguments=arguments)
            if status == "applied"
            else None,
        }
    )
