"""Making receipts: what was done, what changed, what was found, and how to take it back."""

from __future__ import annotations

from collections.abc import Sequence

from tavus_mcp.app import App
from tavus_mcp.models.document import Document
from tavus_mcp.models.findings import Finding
from tavus_mcp.models.patch import Operation, find, outermost_list, tokens
from tavus_mcp.models.receipt import Receipt, Undo, changes_of
from tavus_mcp.models.secrets import Masker, is_masked
from tavus_mcp.usecases.plans import Plan


def receipt_of(
    status: str,
    app: App,
    before: Document,
    now: Document,
    operations: Sequence[Operation],
    findings: Sequence[Finding],
    *,
    undo: Undo | None = None,
    plan: Plan | None = None,
) -> Receipt:
    """Return the receipt of a change of a persona."""
    return Receipt.model_validate(
        {
            "status": status,
            "persona_id": now.persona_id or None,
            "persona_name": now.name or None,
            "revision": now.revision if now.persona_id else None,
            "previous_revision": before.revision
            if status == "applied" and before.persona_id
            else None,
            "changes": changes_of(before.data, list(operations), app.masker),
            "findings": [_as_sent(item) for item in findings] if status == "applied" else findings,
            "plan_id": plan.plan_id if plan else None,
            "expires_at": plan.expires_at if plan else None,
            "undo": undo,
        }
    )


def _as_sent(finding: Finding) -> Finding:
    """Say of an error that stopped nothing that it was sent, so that nobody takes it for a no."""
    if finding.severity != "error":
        return finding
    return finding.model_copy(update={"message": f"{finding.message} It was sent all the same."})


def lost_keys(before: Document, operations: Sequence[Operation]) -> list[Finding]:
    """Say which stored keys a change replaces or removes: they were never kept anywhere."""
    return [
        Finding(
            severity="info",
            path=operation.path,
            message="The key that stood here cannot come back: nobody but Tavus ever had it.",
            hint="To use another one, give it by api_key_ref.",
            rule="key-replaced",
        )
        for operation in operations
        if _replaces_key(before, operation)
    ]


def undo_of(before: Document, operations: Sequence[Operation]) -> Undo | None:
    """Return the call that puts back what a change touched, and nothing else.

    A secret that was replaced cannot come back, so nothing promises it.
    """
    places = {
        outermost_list(before.data, operation.path): None
        for operation in operations
        if not _replaces_key(before, operation)
    }
    if not places:
        return None
    return Undo(
        tool="restore_revision",
        arguments={
            "persona_id": before.persona_id,
            "revision": before.revision,
            "only": list(places),
        },
    )


def _replaces_key(before: Document, operation: Operation) -> bool:
    old = find(before.data, operation.path)
    if not isinstance(old, str) or not old:
        return False
    return is_masked(old) or bool(Masker().mask_at(tokens(operation.path), old) != old)
