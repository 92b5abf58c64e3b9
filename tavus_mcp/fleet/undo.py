"""Undo a bulk plan: restore what it changed, of the personas that it changed, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tavus_mcp.app import App
from tavus_mcp.checker.check import EVERY_RULE
from tavus_mcp.errors import Refused
from tavus_mcp.fleet.plan_items import (
    RESTORE,
    RESTORED_BY,
    PlanItem,
    PlanItemProgress,
    ProposeChange,
    ProposedChange,
    action_of,
    load_progress,
)
from tavus_mcp.history.cancelled_writes import has_taken_effect
from tavus_mcp.history.revisions import load_revision
from tavus_mcp.history.revivals import revived_id
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.json_patch import apply_patch, outermost_list
from tavus_mcp.personas import plans
from tavus_mcp.personas.readback import is_equivalent_value
from tavus_mcp.personas.receipts import build_undo, loss_findings
from tavus_mcp.personas.restore import RestoreFields
from tavus_mcp.personas.undo_conflicts import (
    UndoConflict,
    UndoGuard,
    UndoneChange,
    describe_undo_conflicts,
)
from tavus_mcp.text import quote_foreign_names, quote_paths

_ONLY_DRAFTED = (
    "Its change went to a draft that this plan's receipt could publish and that was not published "
    "here, so there is nothing live to undo. The draft can be discarded in the Tavus dashboard."
)
UndoneItems = Mapping[str, tuple[PlanItem, PlanItemProgress]]
"""The items of a bulk plan that took effect or may have, with their progress, by persona id."""


async def load_undone_items(
    app: App, plan: plans.Plan, items: Sequence[PlanItem], persona_ids: Sequence[str] = ()
) -> UndoneItems:
    """Return the items of a bulk plan that can be undone; with ``persona_ids`` those of them only.

    Those of a plan that created deleted personas again are under their new ids. Raises ``Refused``
    when it changed nothing, or did not change one of ``persona_ids``.
    """
    if action_of(plan) == RESTORE:
        undone = await _load_restored_items(app, plan, items)
    else:
        progress = await load_progress(app, plan)
        undone = {
            item.persona_id: (item, progress[item.persona_id])
            for item in items
            if item.persona_id in progress and _may_have_changed(progress[item.persona_id])
        }
    if not undone:
        raise Refused("/undo_of: this plan has changed no persona, so there is nothing to undo.")
    if unchanged := [item for item in persona_ids if item not in undone]:
        names = quote_foreign_names(unchanged)
        raise Refused(f"/persona_ids: this plan has not changed {names}. Nothing was planned.")
    return {item: undone[item] for item in undone if not persona_ids or item in persona_ids}


async def _load_restored_items(
    app: App, plan: plans.Plan, items: Sequence[PlanItem]
) -> dict[str, tuple[PlanItem, PlanItemProgress]]:
    """Return the items whose personas a plan created again, by their new ids."""
    restored = {}
    for item in items:
        new_id = await revived_id(app, item.persona_id)
        entries = await app.journal.entries_of_persona(new_id) if new_id else []
        for outcome in entries:
            if outcome.detail.get(RESTORED_BY) == plan.plan_id and outcome.revision:
                restored[new_id] = item, PlanItemProgress(outcome, outcome=outcome)
    return restored


def prepare_undo(app: App, undone_items: UndoneItems) -> ProposeChange:
    """Return the proposal to restore what a plan changed of each persona."""

    async def propose(document: PersonaDocument) -> ProposedChange:
        return await _propose_restore(app, document, *undone_items[document.persona_id])

    return propose


def _may_have_changed(item_progress: PlanItemProgress) -> bool:
    is_unchanged = item_progress.outcome is not None and item_progress.outcome.status == "unchanged"
    return not item_progress.is_void and not is_unchanged


async def _propose_restore(
    app: App, current: PersonaDocument, item: PlanItem, item_progress: PlanItemProgress
) -> ProposedChange:
    """Propose the values from before the plan; raise ``Refused`` if they were edited since."""
    if item_progress.outcome is not None and item_progress.outcome.status == "drafted":
        raise Refused(_ONLY_DRAFTED)
    before = await load_revision(app, item.persona_id, item.plan.revision)
    operations = plans.patch_of(item.plan)
    expected = PersonaDocument(app.masker.mask(apply_patch(before.data, operations)))
    if item_progress.outcome is not None and item_progress.is_applied:
        after = await load_revision(app, item.persona_id, item_progress.outcome.revision)
    elif item_progress.intent is not None and has_taken_effect(app, item_progress.intent, current):
        after = expected
    else:
        raise Refused("It is not known whether the plan changed it; look with list_revisions.")
    undo = build_undo(before, after, operations, app.masker)
    if undo is None:
        raise Refused("Nothing of it can come back: Tavus never shows it, or it holds a secret.")
    paths: list[str] = undo.arguments["only"]
    changed = {outermost_list(before.data, item.path) for item in operations}
    undone = UndoneChange(after, [(path, expected.at(path)) for path in changed])
    guard = UndoGuard(app, undone, undo.arguments)
    change = RestoreFields(before, tuple(paths), guard)
    masked = PersonaDocument(app.masker.mask(current.data))
    edited = [
        path
        for path in paths
        if masked.at(path) != after.at(path)
        # the revision after the write may contain changes that others made before it was read
        or not is_equivalent_value(expected.at(path), masked.at(path), path, app.catalog)
    ]
    conflicts = guard.find_conflicts(current.data, change.compute_restored(current.data))
    if edited or conflicts:
        raise Refused(_edited_message(edited, conflicts))
    return ProposedChange(
        change,
        [
            *change.unrestored_findings(current.data),
            *loss_findings(before, operations, app.masker),
        ],
        EVERY_RULE,
        keep_legacy_spelling=True,
    )


def _edited_message(edited: Sequence[str], conflicts: Sequence[UndoConflict]) -> str:
    """Return why a persona is left out of an undo, with the values of each conflict."""
    paths = quote_paths(edited or [conflict.path for conflict in conflicts])
    if not conflicts:
        return f"{paths}: not as the plan left it any more: edited since, or taken back already."
    return (
        f"{paths}: not as the plan left it, so nothing of this persona is undone. To overwrite it: "
        f"restore_revision with after_revision and overwrite. {describe_undo_conflicts(conflicts)}"
    )
