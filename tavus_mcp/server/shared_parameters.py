"""Parameters that several tools share, and the description of a parameter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from tavus_mcp.models.base import JsonObject, PersonaId
from tavus_mcp.models.parts.part_document import ObjectId
from tavus_mcp.models.persona import PipelineMode
from tavus_mcp.server.argument_roles import ROLE_KEY, TEXT_ROLE


def doc(description: str, **constraints: Any) -> Any:
    """Return the metadata of a parameter: its description for the model, and constraints."""
    return Field(description=description, **constraints)


TEXT: Mapping[str, Any] = {"json_schema_extra": {ROLE_KEY: TEXT_ROLE}}
Text = Annotated[str, Field(**TEXT)]
"""Free text: empty, it would remove what is stored, while an empty id means "not given"."""
PersonaIdParameter = Annotated[PersonaId, doc("Persona id")]
ObjectIdParameter = Annotated[ObjectId, doc("Persona id; KIND/ID of a part")]
Reference = Annotated[str, doc("ID or ID@REVISION")]
DryRun = Annotated[bool, doc("Only make a plan")]
IfRevision = Annotated[str | None, doc("Refuse if changed since this revision")]
Unset = Annotated[list[str], doc("Fields to remove")]
Limit = Annotated[int, doc("Rows", ge=1, le=100)]
Cursor = Annotated[str | None, doc("next_cursor of the page before")]
NameContains = Annotated[str | None, doc("Part of the name")]
TextContains = Annotated[str | None, doc("In the name, a prompt, the greeting or another text")]
Model = Annotated[str | None, doc("LLM")]
Engine = Annotated[str | None, doc("Voice engine")]
ModeFilter = Annotated[PipelineMode | None, doc("Pipeline mode")]
FindingFilter = Annotated[str | None, doc("Has a finding of this rule of audit_personas")]
AllowPrivateUrl = Annotated[bool, doc("Let http or a private base_url pass")]
MergedObject = Annotated[JsonObject, doc("Merged by key; null removes")]
ApiKey = Annotated[str, doc("The key itself; prefer api_key_ref")]
ApiKeyRef = Annotated[str, doc("x: the server's TAVUS_SECRET_X")]
