"""The toolset ``advanced``: a raw JSON Patch, for what has no tool of its own."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from tavus_mcp.app import App
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.receipt import Receipt
from tavus_mcp.tools.parameters import DryRun, IfRevision, Persona
from tavus_mcp.tools.toolset import Toolset
from tavus_mcp.usecases import undoing
from tavus_mcp.usecases.editing import Edit, edit
from tavus_mcp.usecases.patching import raw_change

advanced = Toolset("advanced", "Patch a persona directly")


@advanced.change("Patch persona", aliases={"operations": "patch", "ops": "patch"})
async def patch_persona(
    app: App,
    persona_id: Persona,
    patch: Annotated[
        list[JsonObject] | JsonObject,
        Field(description="Operations {op, path, value}; paths like /layers/llm/model"),
    ],
    allow_unknown: Annotated[bool, Field(description="Let unknown fields pass")] = False,
    dry_run: DryRun = False,
    if_revision: IfRevision = None,
) -> Receipt:
    """Apply a JSON Patch (RFC 6902) to a persona; checked first, and only differences are sent."""
    change, remarks = raw_change(patch)
    asked = Edit(
        persona_id,
        change,
        undoing.by_patch,
        dry_run=dry_run,
        if_revision=if_revision,
        allow_unknown=allow_unknown,
        remarks=remarks,
    )
    return await edit(app, asked)
