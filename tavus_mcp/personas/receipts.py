"""Making receipts: what was done, what changed, what was found, and how to take it back."""

from __future__ import annotations

from collections.abc import Sequence

from tavus_mcp.app import App
from tavus_mcp.history.redactions import is_restorable, is_secret_path
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.findings import RuleFinding
from tavus_mcp.models.json_patch import (
    Operation,
    apply_patch,
    get_at,
    outermost_list,
    pointer_tokens,
)
from tavus_mcp.models.masking import Masker
from tavus_mcp.models.persona import WRITE_ONLY
from tavus_mcp.models.receipt import Receipt, Undo, changes_of
from tavus_mcp.personas.plans import Plan

MAX_LISTED_CHANGES = 100
"""Changed places that a receipt tells one by one."""


def build_receipt(
    status: str,
    app: App,
    before: PersonaDocument,
    current: PersonaDocument,
    operations: Sequence[Operation],
    findings: Sequence[RuleFinding],
    *,
    undo: Undo | None = None,
    plan: Plan | None = None,
) -> Receipt:
    """Return the receipt of a change of a persona."""
    changes = changes_of(before.data, list(operations), app.masker)
    told = [_mark_as_sent(item) for item in findings] if status == "applied" else findings
    return Receipt.model_validate(
        {
            "status": status,
            "persona_id": current.persona_id or None,
            "persona_name": current.name or None,
            "revision": current.revision if current.persona_id else None,
            "previous_revision": before.revision
            if status == "applied" and before.persona_id
            else None,
            "changes": changes[:MAX_LISTED_CHANGES],
            "findings": [*told, *_omission_findings(len(changes))],
            "plan_id": plan.plan_id if plan else None,
            "expires_at": plan.expires_at if plan else None,
            "undo": undo,
        }
    )


def _omission_findings(count: int) -> list[RuleFinding]:
    if count <= MAX_LISTED_CHANGES:
        return []
    said = f"{MAX_LISTED_CHANGES} of {count} changes are told; get_persona tells what stands there."
    return [RuleFinding(severity="info", path="", message=said, rule="changes-left-out")]


def _mark_as_sent(finding: RuleFinding) -> RuleFinding:
    """Say of an error that stopped nothing that it was sent, so that nobody takes it for a no."""
    if finding.severity != "error":
        return finding
    return finding.model_copy(update={"message": f"{finding.message} It was sent all the same."})


def loss_findings(
    before: PersonaDocument, operations: Sequence[Operation], masker: Masker
) -> list[RuleFinding]:
    """Say what a change replaces or removes that cannot come back: it was never kept anywhere."""
    keys = [item.path for item in operations if _replaces_key(before, item)]
    others = [
        place for place in _unrestorable_paths(before, operations, masker) if place not in keys
    ]
    return [
        *(_lost_key_finding(path) for path in keys),
        *(_lost_value_finding(place) for place in others),
    ]


def _lost_key_finding(path: str) -> RuleFinding:
    return RuleFinding(
        severity="info",
        path=path,
        message="The key that stood here cannot come back: nobody but Tavus ever had it.",
        hint="To use another one, give it by api_key_ref.",
        rule="key-replaced",
    )


def _lost_value_finding(path: str) -> RuleFinding:
    unseen = pointer_tokens(path)[0] in WRITE_ONLY
    return RuleFinding(
        severity="info",
        path=path,
        message="What stood here cannot come back: "
        + ("Tavus never shows it." if unseen else "it holds a secret, and secrets are not kept."),
        rule="not-kept",
    )


def build_undo(
    before: PersonaDocument, operations: Sequence[Operation], masker: Masker
) -> Undo | None:
    """Return the call that puts back what a change touched, and nothing else.

    A secret that was replaced cannot come back, nor what Tavus never shows, so nothing promises it.
    """
    lost = _unrestorable_paths(before, operations, masker)
    places = [place for place in _touched_paths(before, operations) if place not in lost]
    if not places:
        return None
    return Undo(
        tool="restore_revision",
        arguments={"persona_id": before.persona_id, "revision": before.revision, "only": places},
    )


def _touched_paths(before: PersonaDocument, operations: Sequence[Operation]) -> list[str]:
    """Return the places that operations change, each once; of what is in a list, the list."""
    return list(dict.fromkeys(outermost_list(before.data, item.path) for item in operations))


def _unrestorable_paths(
    before: PersonaDocument, operations: Sequence[Operation], masker: Masker
) -> list[str]:
    """Return the touched places of which the journal does not hold what stood there."""
    kept, after = masker.mask(before.data), apply_patch(before.data, operations)
    return [
        place
        for place in _touched_paths(before, operations)
        if (pointer_tokens(place)[0] in WRITE_ONLY and get_at(kept, place) is None)
        or not is_restorable(get_at(kept, place), get_at(after, place), pointer_tokens(place))
    ]


def _replaces_key(before: PersonaDocument, operation: Operation) -> bool:
    old = get_at(before.data, operation.path)
    return isinstance(old, str) and old != "" and is_secret_path(pointer_tokens(operation.path))
