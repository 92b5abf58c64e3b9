"""Warn of a JSON Patch that removes the fields of a layer which its value leaves out."""

from __future__ import annotations

from collections.abc import Iterator

from tavus_mcp.models.changes import Change, RawPatch
from tavus_mcp.models.document import Document
from tavus_mcp.models.findings import RuleFinding, warning
from tavus_mcp.models.json_patch import Operation, pointer_of, pointer_tokens
from tavus_mcp.text import quote_paths

_MAX_DEPTH = 2
"""Tokens of a pointer to a layer; one to ``/layers`` has fewer."""


def replaced_layer_findings(change: Change, before: Document) -> list[RuleFinding]:
    """Return a finding for each operation that replaces stored layers by less."""
    return [
        warning(
            "whole-layer-patch",
            f"This replaces the whole object and removes {quote_paths(lost)}.",
            path=operation.path,
            hint="Give a path to one field, like /layers/llm/model, to keep the others.",
            source="N#70219330625",
        )
        for operation in (change.operations if isinstance(change, RawPatch) else ())
        if (lost := list(_lost_fields(operation, before)))
    ]


def _lost_fields(operation: Operation, before: Document) -> Iterator[str]:
    tokens = pointer_tokens(operation.path)
    if operation.op not in ("add", "replace") or tokens[:1] != ("layers",):
        return
    stored, value = before.at(operation.path), operation.value
    if len(tokens) <= _MAX_DEPTH and isinstance(stored, dict) and isinstance(value, dict):
        yield from (pointer_of([*tokens, name]) for name in stored if name not in value)
