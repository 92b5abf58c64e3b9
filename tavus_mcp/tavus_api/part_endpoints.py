"""Where the parts of personas are in the API, and which body a change has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

from tavus_mcp.errors import TavusError
from tavus_mcp.models.base import is_id
from tavus_mcp.models.parts.part_document import PartKindName

BodyStyle = Literal["json_patch", "plain", "config"]
"""The body of a change: a JSON Patch; an object of the fields that change; or, for a skill, its
whole configuration, which attaches it as well."""


@dataclass(frozen=True)
class PartEndpoint:
    """The path of all parts of a kind, what texts call one, and the body of a change."""

    kind: PartKindName
    noun: str
    collection: str
    body_style: BodyStyle

    def path(self, object_id: str) -> str:
        """Return the path of one part; raise ``TavusError`` if no part can have this id."""
        persona_id, colon, skill_id = object_id.rpartition(":")
        if bool(colon) != (self.kind == "skill") or not all(
            map(is_id, [persona_id, skill_id] if colon else [skill_id])
        ):
            raise TavusError("Tavus named an object by a text that is not an id. Nothing was sent.")
        collection = self.collection.format(persona_id=quote(persona_id, safe=""))
        return f"{collection}/{quote(skill_id, safe='')}"

    def subject(self, object_id: str) -> str:
        """Return what errors call a part."""
        return f"{self.noun} {object_id!r}"


PART_ENDPOINTS: Mapping[PartKindName, PartEndpoint] = {
    endpoint.kind: endpoint
    for endpoint in (
        PartEndpoint("tool", "registry tool", "/tools", "plain"),
        PartEndpoint("objectives", "objective set", "/objectives", "json_patch"),
        PartEndpoint("guardrail", "guardrail", "/guardrails", "json_patch"),
        PartEndpoint("document", "document", "/documents", "plain"),
        PartEndpoint("dictionary", "dictionary", "/pronunciation-dictionaries", "json_patch"),
        PartEndpoint("skill", "skill", "/pals/{persona_id}/skills", "config"),
    )
}
