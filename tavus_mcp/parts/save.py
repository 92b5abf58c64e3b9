"""Create or change a part, by the write path of personas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tavus_mcp.app import App
from tavus_mcp.errors import NotFound
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.changes import SetFields
from tavus_mcp.models.document import PartKindName
from tavus_mcp.models.findings import RuleFinding
from tavus_mcp.models.json_patch import pointer_tokens
from tavus_mcp.models.receipt import PartReceipt, Receipt
from tavus_mcp.parts.kinds import KINDS
from tavus_mcp.parts.names import explain_part_name
from tavus_mcp.parts.rules import RULES
from tavus_mcp.parts.tool_secrets import literal_secret_findings, resolve_tool_secrets
from tavus_mcp.personas import create, update
from tavus_mcp.personas.create import CreateRequest
from tavus_mcp.personas.update import UpdateRequest
from tavus_mcp.text import render_json_line

_REPLACED = frozenset({"/parameters", "/config"})
"""Objects that are set as a whole; others are merged by key, where null removes."""


@dataclass(frozen=True)
class SaveRequest:
    """A part to create, or to change if ``object_id`` is given: values by JSON Pointer.

    ``unset`` are the pointers of fields to remove. Empty texts and lists do not remove anything.
    """

    kind: PartKindName
    tool: str
    object_id: str | None
    values: Mapping[str, Any]
    unset: Sequence[str] = ()
    dry_run: bool = False
    if_revision: str | None = None
    findings: Sequence[RuleFinding] = field(default_factory=tuple)

    def fields(self, app: App) -> JsonObject:
        """Return the values by name, with references to secrets replaced by the secrets."""
        named = {pointer_tokens(path)[0]: value for path, value in self.values.items()}
        return resolve_tool_secrets(app, named) if self.kind == "tool" else named


async def save(app: App, request: SaveRequest) -> PartReceipt:
    """Create a part, or change one so that only what is given changes.

    Raises as ``create`` and ``update`` do.
    """
    fields, rules = request.fields(app), RULES[request.kind]
    findings = [*request.findings, *literal_secret_findings(request.values)]
    if request.object_id is None:
        creation = CreateRequest(
            {name: value for name, value in fields.items() if value is not None},
            dry_run=request.dry_run,
            findings=findings,
            tool=request.tool,
            rules=rules,
        )
        receipt = await create.create(app, creation)
        return PartReceipt(**dict(receipt), next=_describe_attaching(request.kind, receipt))
    values = {f"/{name}": value for name, value in fields.items()}
    change = UpdateRequest(
        request.tool,
        request.object_id,
        SetFields(values, request.unset, refuses_emptying=True, replaced=_REPLACED),
        dry_run=request.dry_run,
        if_revision=request.if_revision,
        findings=findings,
        rules=rules,
    )
    try:
        receipt = await update.update(app, change)
    except NotFound as error:
        name = await explain_part_name(app, request.kind, request.object_id)
        raise (NotFound(name, status=error.status) if name else error) from error
    return PartReceipt(**dict(receipt))


def _describe_attaching(kind: PartKindName, receipt: Receipt) -> str | None:
    """Return the call that attaches a created part to a persona; None for a plan."""
    if receipt.status != "applied" or receipt.part is None:
        return None
    object_id, is_list = receipt.part["id"], KINDS[kind].references[0].is_list
    argument = f"{kind}s={render_json_line([object_id])}"
    if not is_list:
        argument = f"{kind}={render_json_line(object_id)}"
    return f"A persona gets it with attach_parts(persona_id, {argument})."
