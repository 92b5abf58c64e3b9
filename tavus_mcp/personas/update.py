"""TODO update."""

from __future__ import annotations

from collections.abc import Sequence

from tavus_mcp.errors import Refused
from tavus_mcp.models.json_patch import Operation, tokens
from tavus_mcp.models.masking import MASK, masks_in


def refuse_masks(operations: Sequence[Operation]) -> None:
    """Refuse to write the mask that stands for a secret."""
    masked = [item.path for item in operations if _writes_mask(item)]
    if masked:
        raise Refused(
            f"{', '.join(masked)}: this is the mask that stands for a secret, not the secret. "
            "Leave the field out to keep the stored key, or name a new one with api_key_ref."
        )


def refuse_mixed_conferencing(operations: Sequence[Operation]) -> None:
    """Refuse to change the meeting identity together with anything else (vendor: meetings)."""
    meeting = [item for item in operations if item.path.startswith("/layers/conferencing")]
    if meeting and len(meeting) < len(operations):
        raise Refused(
            "/layers/conferencing: Tavus takes this layer only in a change of its own. Make two "
            "calls: one for conferencing, one for the rest."
        )


def _writes_mask(operation: Operation) -> bool:
    *above, name = tokens(operation.path)
    return operation.op != "remove" and (
        MASK in operation.path or masks_in(operation.value, name, header=above[-1:] == ["headers"])
    )
