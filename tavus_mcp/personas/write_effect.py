"""Determine what became of a write: compare the answer of Tavus with what is read back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tavus_mcp.history.cancelled_writes import has_taken_effect
from tavus_mcp.history.record import RecordedWrite
from tavus_mcp.models.document import Document
from tavus_mcp.models.findings import APPLY_AFTER_YES, RuleFinding, info, warning
from tavus_mcp.models.hidden_keys import is_hidden_removal, iter_unread_keys
from tavus_mcp.models.json_patch import Operation
from tavus_mcp.models.persona import is_unread
from tavus_mcp.tavus_api.write_answer import WriteAnswer
from tavus_mcp.text import quote_path

WriteStatus = Literal["applied", "unchanged", "drafted", "unverified"]


@dataclass(frozen=True)
class WriteEffect:
    """What became of a write, and the findings that say why."""

    status: WriteStatus
    findings: list[RuleFinding]


async def determine_effect(
    write: RecordedWrite,
    answer: WriteAnswer,
    current: Document,
    operations: Sequence[Operation],
) -> WriteEffect:
    """Return what became of a change.

    ``answer`` is that of Tavus, the default one if it was lost; ``current`` is the persona as it
    was read back. Raises ``Conflict``, recorded, when the change had no effect, or when its answer
    was lost and it is not certain that it had one.
    """
    unread = unread_findings(current, operations)
    if write.lost_response is not None:
        await _require_found(write, current)
        return WriteEffect(
            "unverified" if unread else "applied", [response_lost(current.noun), *unread]
        )
    findings = [EDITS_DISCARDED] if answer.has_discarded_edits else []
    reads_as_written = write.is_read_back and not write.mismatches and len(unread) < len(operations)
    is_draft_read = write.is_read_back and current.data.get("is_draft") is True
    if is_draft_read or (answer.is_draft and not reads_as_written):
        return WriteEffect("drafted", [*findings, DRAFTED])
    if not answer.is_changed:
        if write.is_read_back and write.mismatches:
            return WriteEffect("unverified", [*findings, CONTRADICTED, *write.mismatches])
        return WriteEffect("unchanged", [*findings, ALREADY_SET, *write.mismatches])
    is_same = write.is_read_back and current.digest == write.intent.revision_digest
    if is_same and write.mismatches:
        raise await write.record_conflict("failed", _describe_missing_effect(write, current))
    is_unverified = bool(unread) or not write.is_read_back
    status: WriteStatus = "unverified" if is_unverified else "applied"
    return WriteEffect(status, [*findings, *unread, *write.mismatches])


async def _require_found(write: RecordedWrite, current: Document) -> None:
    """Return when a change whose answer was lost is there; else raise ``Conflict``."""
    if write.mismatches or not has_taken_effect(write.app, write.intent, current):
        raise await write.record_conflict(
            "unknown",
            f"{write.lost_response} The {current.noun} was read again, and it is not certain that "
            f"the change is there. Look with {current.read_call} before you try again.",
        )


def _describe_missing_effect(write: RecordedWrite, current: Document) -> str:
    details = "; ".join(f"{quote_path(item.path)}: {item.message}" for item in write.mismatches)
    effect = (
        f"Tavus answered that it accepted the change, but the {current.noun} reads as before: the "
        f"change did not take effect, or someone took it back in the same moment. {details}"
    )
    if current.kind != "persona":
        return effect
    return (
        f"{effect} If the persona has a draft in the Tavus dashboard, the change may be in it; "
        "publish it there, or with publish_persona."
    )


def unread_findings(current: Document, operations: Sequence[Operation]) -> list[RuleFinding]:
    """Return a finding for each field that was sent and that reads do not return."""
    return [
        warning(
            "unverified",
            "Sent, but it cannot be read back: Tavus accepted the value and does not return this "
            "field.",
            path=item.path,
            hint="Check it in the Tavus dashboard.",
        )
        for item in operations
        if is_unread(current.data, item.path)
    ] + [
        _unread_key_finding(path, operations) for path in iter_unread_keys(current.data, operations)
    ]


def _unread_key_finding(path: str, operations: Sequence[Operation]) -> RuleFinding:
    """Return the finding for a key that was sent or removed and is not shown."""
    message = "Sent, but it cannot be read back: Tavus returns no key here. An undo leaves it."
    if any(is_hidden_removal(item) and item.path == path for item in operations):
        message = "Removed if there was one, which cannot be read back: Tavus returns no key here."
    return warning("unverified", message, path=path)


def response_lost(noun: str) -> RuleFinding:
    """Return the finding for a change that is there although its answer was lost."""
    message = f"The answer of Tavus was lost, but the {noun} reads as the change set it."
    return info("answer-lost", message)


ALREADY_SET = info(
    "so-already",
    "No change: Tavus answered that the values are already set. Tavus often does not return "
    "default values.",
    source="N#71196814473",
)
CONTRADICTED = warning(
    "contradicted",
    "Tavus answered that nothing changes, but the persona reads otherwise. A draft of the persona "
    "may hold these values already.",
    hint="Look in the Tavus dashboard. publish_persona publishes a draft.",
    source="P:draft-and-live",
)
DRAFTED = warning(
    "drafted",
    "The change is in a draft and not live: calls use the persona as it was. The plan publishes "
    "the whole draft, with whatever else is in it; Tavus does not return drafts.",
    hint=APPLY_AFTER_YES,
    source="P:draft-and-live, N#60428887827",
)
EDITS_DISCARDED = warning(
    "edits-discarded",
    "Tavus discarded unpublished edits that the dashboard held; they cannot be restored.",
    source="P:editing-lifecycle",
)
