"""Build the receipt of a change: status, changes, findings, and the call that undoes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from tavus_mcp.app import App
from tavus_mcp.history.effective_defaults import defaults_of_change
from tavus_mcp.history.restoring import CUSTOM_LLM, restore_fields, unrestored_paths
from tavus_mcp.models.document import Document
from tavus_mcp.models.findings import RuleFinding, info
from tavus_mcp.models.hidden_keys import KEY_PATHS, is_hidden_removal, iter_unread_keys
from tavus_mcp.models.json_patch import (
    ABSENT,
    Operation,
    apply_patch,
    get_at,
    is_changed,
    outermost_list,
    pointer_tokens,
)
from tavus_mcp.models.masking import Masker, is_secret_path
from tavus_mcp.models.persona import is_unread
from tavus_mcp.models.receipt import LIVE_STATUSES, Receipt, Undo, changes_of
from tavus_mcp.personas.plans import Plan

_LLM_MODEL = "/layers/llm/model"
MAX_LISTED_CHANGES = 100
"""Changed fields that a receipt lists; the others are counted."""


@dataclass(frozen=True)
class WriteReport:
    """What a write did, or would do as a plan.

    ``before`` is the object before the change, empty for a creation; ``current`` is the object as
    it was read back. ``operations`` are those that took effect, or would.
    """

    status: str
    before: Document
    current: Document
    operations: Sequence[Operation] = ()
    findings: Sequence[RuleFinding] = ()


def build_receipt(
    app: App, report: WriteReport, *, undo: Undo | None = None, plan: Plan | None = None
) -> Receipt:
    """Return the receipt of a write, or of the plan of one."""
    status, before, current = report.status, report.before, report.current
    after = current
    if before.object_id:
        after = before.with_data(apply_patch(before.data, report.operations))
    defaults = defaults_of_change(before, after, app.catalog)
    changes = changes_of(before.data, list(report.operations), app.masker, defaults)
    is_live, is_sent = status in LIVE_STATUSES, status in {*LIVE_STATUSES, "drafted"}
    return Receipt.model_validate(
        {
            "status": status,
            **current.identify(),
            "revision": current.revision if current.object_id else None,
            "previous_revision": before.revision if is_live and before.object_id else None,
            "changes": changes[:MAX_LISTED_CHANGES],
            "findings": [
                *(_mark_as_sent(item) if is_sent else item for item in report.findings),
                *_omission_findings(len(changes)),
            ],
            "plan_id": plan.plan_id if plan else None,
            "expires_at": plan.expires_at if plan else None,
            "undo": undo,
        }
    )


def _omission_findings(count: int) -> list[RuleFinding]:
    if count <= MAX_LISTED_CHANGES:
        return []
    message = f"{MAX_LISTED_CHANGES} of {count} changes are listed. get_persona returns the values."
    return [info("changes-left-out", message)]


def _mark_as_sent(finding: RuleFinding) -> RuleFinding:
    """Add to an error that did not block the write that the write was sent."""
    if finding.severity != "error":
        return finding
    return finding.model_copy(update={"message": f"{finding.message} It was sent nevertheless."})


_REMOVED_UNSEEN = (
    "It is not known here whether a key is set. If one is, it is removed and cannot be "
    "restored: "
    "Tavus never returns keys."
)


def loss_findings(
    before: Document, operations: Sequence[Operation], masker: Masker
) -> list[RuleFinding]:
    """Return a finding for each old value that cannot be restored, as it is stored nowhere."""
    touched = _touched_paths(before, operations)
    stored, after = _as_stored(before, masker), apply_patch(before.data, operations)
    lost = [
        path
        for path in unrestored_paths(stored, touched, after)
        if is_changed(before.at(path, ABSENT), get_at(after, path, ABSENT))
    ]
    lost += [path for path in touched if is_unread(before.data, path)]
    hidden = [item.path for item in operations if is_hidden_removal(item)]
    if set(CUSTOM_LLM) <= set(lost):  # one finding for both
        lost.remove(_LLM_MODEL)
    lost = [path for path in dict.fromkeys(lost) if path not in hidden]
    return [
        *(_loss_finding(before, path) for path in lost),
        *(info("key-removed-unseen", _REMOVED_UNSEEN, path=path) for path in hidden),
    ]


def _loss_finding(before: Document, path: str) -> RuleFinding:
    old = before.at(path)
    is_key = path in KEY_PATHS or (isinstance(old, str) and old != "")
    if is_key and is_secret_path(pointer_tokens(path)):
        return info(
            "key-replaced",
            "The previous key cannot be restored: Tavus never returns keys.",
            path=path,
            hint="To use another key, name it with api_key_ref.",
        )
    if path in CUSTOM_LLM:
        message = (
            "The previous address and model cannot be restored: a custom LLM needs its key, and "
            "keys are not stored here."
        )
        hint = "configure_llm(persona_id, model=..., base_url=..., api_key_ref=...)."
        return info("custom-llm-lost", message, path=path, hint=hint)
    reason = "it holds a secret, and secrets are not stored here."
    if is_unread(before.data, path):
        reason = "Tavus does not return this field."
    return info("not-kept", f"The previous value cannot be restored: {reason}", path=path)


def build_undo(
    before: Document, current: Document, operations: Sequence[Operation], masker: Masker
) -> Undo | None:
    """Return the call that restores the fields that a change touched, and no others.

    ``current`` is the object as it was read back; the call names its revision, so that fields that
    are edited later are a conflict and not overwritten.

    What cannot be restored is left out: secrets, what Tavus never returns, and the address of a
    language model without its key. None when nothing else is left.
    """
    unread = {*iter_unread_keys(current.data, operations)}
    touched = [path for path in _touched_paths(before, operations) if path not in unread]
    stored, after = _as_stored(before, masker), apply_patch(before.data, operations)
    restored = restore_fields(stored, touched, after)
    paths = [
        path
        for path in touched
        if is_changed(get_at(after, path, ABSENT), get_at(restored, path, ABSENT))
    ]
    if not paths:
        return None
    return Undo(
        tool="restore_revision",
        arguments={
            "persona_id": before.journal_id,
            "revision": before.revision,
            "after_revision": current.revision,
            "only": paths,
        },
    )


def _touched_paths(before: Document, operations: Sequence[Operation]) -> list[str]:
    """Return the paths that operations change, each once; the whole list for an item in one."""
    return list(dict.fromkeys(outermost_list(before.data, item.path) for item in operations))


def _as_stored(before: Document, masker: Masker) -> Document:
    """Return an object as the journal stores it, with its secrets masked."""
    stored = masker.mask_with_paths(before.data)
    masked = before.masked.union(map(pointer_tokens, stored.paths))
    document: Document = replace(cast(Any, before.with_data(stored.value)), masked=masked)
    return document
