"""Bulk deletions and their undo, which creates the personas again under new ids."""

from __future__ import annotations

from tavus_mcp.app import App
from tavus_mcp.errors import NotFound, Refused, TavusError
from tavus_mcp.fleet.plan_items import (
    ALREADY_SO,
    DELETE,
    RESTORE,
    TOOL,
    PlanItem,
    PlanItemProgress,
    PlannedPersona,
    SkippedPersona,
    name_in_plan,
)
from tavus_mcp.history.record import is_state_of, record_observed
from tavus_mcp.history.restoring import CUSTOM_LLM, unrestored_paths
from tavus_mcp.history.revisions import load_revision
from tavus_mcp.history.revivals import revived_id
from tavus_mcp.models.document import Document, PersonaDocument
from tavus_mcp.models.findings import RuleFinding, warning
from tavus_mcp.models.receipt import FieldChange
from tavus_mcp.personas.plans import Plan
from tavus_mcp.text import quote_paths


async def plan_deletion(app: App, document: PersonaDocument) -> PlannedPersona:
    """Return the item that deletes a persona, with what its undo cannot bring back."""
    await record_observed(app, document)
    stored = await load_revision(app, document.persona_id, document.revision)
    item = PlanItem(
        name_in_plan(app, document.name),
        Plan(DELETE, TOOL, document.persona_id, document.revision, {}),
    )
    findings = [
        warning(
            "new-id-after-undo",
            "An undo creates the persona again under a new id. Its conversations stay with the "
            "old id.",
        ),
        *_lost_key_findings(stored),
    ]
    change = FieldChange(path="", before=item.persona_name)
    return PlannedPersona(item, [change], findings)


async def plan_restoration(
    app: App, item: PlanItem, current: PersonaDocument | TavusError
) -> PlannedPersona | SkippedPersona:
    """Return the item that creates a deleted persona again.

    ``current`` is the answer to reading it by its old id.
    """
    persona_id = item.persona_id
    if isinstance(current, PersonaDocument):
        return SkippedPersona(ALREADY_SO, persona_id, "It was not deleted.")
    if not isinstance(current, NotFound):
        return SkippedPersona("unreadable", persona_id, str(current))
    if new_id := await revived_id(app, persona_id):
        return SkippedPersona(ALREADY_SO, persona_id, f"It was restored before, as {new_id}.")
    try:
        stored = await load_revision(app, persona_id, item.plan.revision)
    except Refused as error:
        return SkippedPersona("refused", persona_id, str(error))
    plan = Plan(RESTORE, TOOL, persona_id, item.plan.revision, {})
    new_id_finding = warning(
        "new-id",
        "It is created again under a new id.",
        hint="Replace the old id wherever it is used.",
    )
    return PlannedPersona(
        PlanItem(item.persona_name, plan),
        [FieldChange(path="", after=item.persona_name)],
        [new_id_finding, *_lost_key_findings(stored)],
    )


async def plan_deletion_of_restored(
    app: App, progress: PlanItemProgress, current: PersonaDocument | TavusError
) -> PlannedPersona | SkippedPersona:
    """Return the item that deletes a persona which a plan created again, if it is as it was then.

    ``progress`` has the outcome of its creation, ``current`` the answer to reading it.
    """
    outcome = progress.used_entry
    if isinstance(current, NotFound):
        return SkippedPersona(ALREADY_SO, outcome.persona_id, "It was deleted since.")
    if isinstance(current, TavusError):
        return SkippedPersona("unreadable", outcome.persona_id, str(current))
    if not is_state_of(outcome, current):
        reason = "It was edited since it was created again. delete_persona deletes it as it is."
        return SkippedPersona("refused", outcome.persona_id, reason)
    return await plan_deletion(app, current)


def _lost_key_findings(stored: Document) -> list[RuleFinding]:
    """Return a finding that names all that an undo of a deletion cannot bring back, if any."""
    paths = unrestored_paths(stored, (), {})
    if not paths:
        return []
    reason = "keys are stored nowhere"
    if set(paths) & set(CUSTOM_LLM):
        reason = "a custom LLM needs its key, and keys are stored nowhere"
    return [
        warning(
            "key-not-restored",
            f"An undo cannot bring back {quote_paths(paths)}: {reason}.",
            path=paths[0],
            hint="Give the key again after an undo.",
        )
    ]
