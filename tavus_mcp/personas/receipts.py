"""Making receipts: what was done, what changed, what was found, and how to take it back."""

from __future__ import annotations

from collections.abc import Sequence

from tavus_mcp.app import App
from tavus_mcp.history.redactions import is_secret_place, returns
from tavus_mcp.models.document import Document
from tavus_mcp.models.findings import Finding
from tavus_mcp.models.json_patch import Operation, applied, find, outermost_list, tokens
from tavus_mcp.models.masking import Masker
from tavus_mcp.models.persona import WRITE_ONLY
from tavus_mcp.models.receipt import Receipt, Undo, changes_of
from tavus_mcp.personas.plans import Plan

CHANGES = 100
"""Changed places that a receipt tells one by one."""


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
    changes = changes_of(before.data, list(operations), app.masker)
    told = [_as_sent(item) for item in findings] if status == "applied" else findings
    return Receipt.model_validate(
        {
            "status": status,
            "persona_id": now.persona_id or None,
            "persona_name": now.name or None,
            "revision": now.revision if now.persona_id else None,
            "previous_revision": before.revision
            if status == "applied" and before.persona_id
            else None,
            "changes": changes[:CHANGES],
            "findings": [*told, *_left_out(len(changes))],
            "plan_id": plan.plan_id if plan else None,
            "expires_at": plan.expires_at if plan else None,
            "undo": undo,
        }
    )


def _left_out(count: int) -> list[Finding]:
    if count <= CHANGES:
        return []
    said = f"{CHANGES} of {count} changes are told; get_persona tells what stands there."
    return [Finding(severity="info", path="", message=said, rule="changes-left-out")]


def _as_sent(finding: Finding) -> Finding:
    """Say of an error that stopped nothing that it was sent, so that nobody takes it for a no."""
    if finding.severity != "error":
        return finding
    return finding.model_copy(update={"message": f"{finding.message} It was sent all the same."})


def lost_keys(before: Document, operations: Sequence[Operation], masker: Masker) -> list[Finding]:
    """Say what a change replaces or removes that cannot come back: it was never kept anywhere."""
    keys = [item.path for item in operations if _replaces_key(before, item)]
    others = [place for place in _lost(before, operations, masker) if place not in keys]
    return [*(_lost_key(path) for path in keys), *(_lost_place(place) for place in others)]


def _lost_key(path: str) -> Finding:
    return Finding(
        severity="info",
        path=path,
        message="The key that stood here cannot come back: nobody but Tavus ever had it.",
        hint="To use another one, give it by api_key_ref.",
        rule="key-replaced",
    )


def _lost_place(place: str) -> Finding:
    unseen = tokens(place)[0] in WRITE_ONLY
    return Finding(
        severity="info",
        path=place,
        message="What stood here cannot come back: "
        + ("Tavus never shows it." if unseen else "it holds a secret, and secrets are not kept."),
        rule="not-kept",
    )


def undo_of(before: Document, operations: Sequence[Operation], masker: Masker) -> Undo | None:
    """Return the call that puts back what a change touched, and nothing else.

    A secret that was replaced cannot come back, nor what Tavus never shows, so nothing promises it.
    """
    lost = _lost(before, operations, masker)
    places = [place for place in _touched(before, operations) if place not in lost]
    if not places:
        return None
    return Undo(
        tool="restore_revision",
        arguments={"persona_id": before.persona_id, "revision": before.revision, "only": places},
    )


def _touched(before: Document, operations: Sequence[Operation]) -> list[str]:
    """Return the places that operations change, each once; of what is in a list, the list."""
    return list(dict.fromkeys(outermost_list(before.data, item.path) for item in operations))


def _lost(before: Document, operations: Sequence[Operation], masker: Masker) -> list[str]:
    """Return the touched places of which the journal does not hold what stood there."""
    kept, after = masker.mask(before.data), applied(before.data, operations)
    return [
        place
        for place in _touched(before, operations)
        if (tokens(place)[0] in WRITE_ONLY and find(kept, place) is None)
        or not returns(find(kept, place), find(after, place), tokens(place))
    ]


def _replaces_key(before: Document, operation: Operation) -> bool:
    old = find(before.data, operation.path)
    return isinstance(old, str) and old != "" and is_secret_place(tokens(operation.path))
