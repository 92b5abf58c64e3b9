"""Publish the draft of a persona, by a plan that a person accepted (docs: publish-pal)."""

from __future__ import annotations

from tavus_mcp.app import App
from tavus_mcp.history.record import RecordedWrite, WriteIntent, recorded_write
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.findings import APPLY_AFTER_YES, RuleFinding, info, warning
from tavus_mcp.models.json_patch import diff
from tavus_mcp.models.receipt import Receipt
from tavus_mcp.personas import plans
from tavus_mcp.personas.conflicts import PUBLICATION_TOOL, require_revision
from tavus_mcp.personas.receipts import WriteReport, build_receipt, build_undo
from tavus_mcp.personas.write_effect import EDITS_DISCARDED, response_lost
from tavus_mcp.tavus_api.write_answer import WriteAnswer

TOOL = PUBLICATION_TOOL


async def store_publication_plan(
    app: App,
    live: PersonaDocument,
    *,
    discard_editor_changes: bool = False,
    cause_seq: int = 0,
) -> plans.Plan:
    """Store a plan to publish the draft of a persona, which is live as it was read.

    ``cause_seq`` is the number of the write that went to the draft, if one did.
    """
    plan = plans.build_publication_plan(live, discard_editor_changes)
    return await plans.store_plan(app, plan, live, cause_seq=cause_seq)


async def plan_publication(app: App, persona_id: str, *, discard_editor_changes: bool) -> Receipt:
    """Return a plan to publish the draft of a persona; nothing is sent."""
    live = await app.api.get_persona(persona_id)
    plans.refuse_stock_persona(live)
    plan = await store_publication_plan(app, live, discard_editor_changes=discard_editor_changes)
    findings = [_PUBLICATION_PLANNED]
    findings += [_EDITS_AT_RISK] if discard_editor_changes else []
    return build_receipt(app, WriteReport("planned", live, live, (), findings), plan=plan)


async def publish(app: App, plan: plans.Plan) -> Receipt:
    """Publish the draft of a persona that is still live at the revision of the plan.

    Raises ``Conflict`` when the persona changed meanwhile, or when the answer was lost and nothing
    shows that it was published, and the errors of the API: 409 while the dashboard holds
    unpublished edits, unless the plan discards them.
    """
    before = await app.api.get_persona(plan.persona_id)
    await require_revision(app, before, plan.revision, has_plan=True)
    used_seq = await plans.mark_used(app, plan)
    intent = WriteIntent("persona", TOOL, before, used_seq=used_seq)
    answer = WriteAnswer()
    async with recorded_write(app, intent) as write:
        answer = await app.api.publish_persona(
            plan.persona_id, force=plans.discards_editor_changes(plan)
        )
    current = before
    with write.read_back(f"Read persona {plan.persona_id!r} with get_persona."):
        current = await app.api.get_persona(plan.persona_id)
    operations = diff(before.writable_fields(), current.writable_fields())
    findings = [EDITS_DISCARDED] if answer.has_discarded_edits else []
    findings += await _effect_findings(write, is_changed=bool(operations))
    status = "applied" if operations else "unchanged"
    if not write.is_read_back:
        status = "unverified"
    findings += [*write.mismatches, *await write.record_outcome(status, current)]
    undo = build_undo(before, current, operations, app.masker)
    report = WriteReport(status, before, current, operations, findings)
    return build_receipt(app, report, undo=undo)


async def _effect_findings(write: RecordedWrite, *, is_changed: bool) -> list[RuleFinding]:
    """Return what a publication did; raise ``Conflict`` when that is not known."""
    if write.lost_response is not None:
        if not is_changed:
            raise await write.record_conflict(
                "unknown",
                f"{write.lost_response} The live persona was read again and is as before, so it is "
                "not known whether the draft was published. Look with get_persona before you try "
                "again.",
            )
        return [response_lost("persona")]
    return [] if is_changed or not write.is_read_back else [_NOTHING_PUBLISHED]


_PUBLICATION_PLANNED = warning(
    "publication",
    "Nothing was published. The plan makes the draft of this persona live. Tavus does not return "
    "drafts, so what changes is known only afterwards; the receipt will list it with its undo.",
    hint=APPLY_AFTER_YES,
    source="P:publish-pal",
)
_EDITS_AT_RISK = warning(
    "discards-edits",
    "Unpublished edits that were made in the Tavus dashboard are discarded. Tavus does not "
    "return them, so they cannot be shown or restored.",
    source="P:editing-lifecycle",
)
_NOTHING_PUBLISHED = info(
    "nothing-published",
    "Tavus accepted the publication, and the live persona reads as before: there was no draft, or "
    "it held nothing else.",
    source="P:publish-pal",
)
