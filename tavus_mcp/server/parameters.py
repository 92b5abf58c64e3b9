"""Parameters that several tools share: their type, and what the model is told of them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from tavus_mcp.models.base import JsonObject, PersonaId

PersonaIdParameter = Annotated[PersonaId, Field(description="Persona id")]
Reference = Annotated[str, Field(description="ID or ID@REVISION")]
DryRun = Annotated[bool, Field(description="Only make a plan")]
IfRevision = Annotated[str | None, Field(description="Refuse if changed since this revision")]
Unset = Annotated[list[str], Field(description="Fields to remove")]
Limit = Annotated[int, Field(ge=1, le=100, description="Rows")]
Cursor = Annotated[str | None, Field(description="next_cursor of the page before")]
NameContains = Annotated[str | None, Field(description="Part of the name, in the whole account")]
AllowPrivateUrl = Annotated[bool, Field(description="Let http or a private base_url pass")]
MergedObject = Annotated[JsonObject, Field(description="Merged by key; null removes")]
ApiKey = Annotated[str, Field(description="The key itself; prefer api_key_ref")]
ApiKeyRef = Annotated[str, Field(description="x: the server's TAVUS_SECRET_X")]
