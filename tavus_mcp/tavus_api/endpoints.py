"""Where each kind of object is in the API, which body a change has, and how an answer is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

from tavus_mcp.errors import TavusError
from tavus_mcp.models.base import JsonObject, is_id
from tavus_mcp.models.document import Document, ObjectKind, PartKindName, PersonaDocument
from tavus_mcp.models.json_patch import Operation, pointer_tokens
from tavus_mcp.models.masking import is_masked, is_secret_path
from tavus_mcp.models.parts.part_document import NAME_FIELDS, NOUNS, PartDocument, find_id
from tavus_mcp.models.parts.skill import ATTACHED
from tavus_mcp.tavus_api import pagination

BodyStyle = Literal["json_patch", "plain", "config"]
"""The body of a change: a JSON Patch; an object of the fields that change; or, for a skill, its
whole configuration, which attaches it as well."""


@dataclass(frozen=True)
class ObjectEndpoint:
    """The path and the list of all objects of a kind, and the body of a change."""

    kind: ObjectKind
    collection: str
    body_style: BodyStyle
    listing: pagination.ListEndpoint | None

    @property
    def noun(self) -> str:
        """What texts call one object."""
        return "persona" if self.kind == "persona" else NOUNS[self.kind]

    @property
    def plural(self) -> str:
        """What texts call several."""
        return f"{self.noun[:-1]}ies" if self.noun.endswith("y") else f"{self.noun}s"

    @property
    def name_field(self) -> str:
        """The field that holds the name."""
        return "persona_name" if self.kind == "persona" else NAME_FIELDS[self.kind]

    @property
    def takes_tests(self) -> bool:
        """True if a change can require, by ``test`` operations, what it found."""
        return self.body_style == "json_patch"

    @property
    def query(self) -> Mapping[str, str] | None:
        """The query of a read."""
        return {"include_settings": "true"} if self.kind == "persona" else None

    def path(self, object_id: str) -> str:
        """Return the path of one object; raise ``TavusError`` if none can have this id."""
        persona_id, colon, own_id = object_id.rpartition(":")
        ids = [persona_id, own_id] if colon else [own_id]
        if bool(colon) != (self.kind == "skill") or not all(map(is_id, ids)):
            raise TavusError("Tavus named an object by a text that is not an id. Nothing was sent.")
        collection = self.collection.format(persona_id=quote(persona_id, safe=""))
        return f"{collection}/{quote(own_id, safe='')}"

    def subject(self, object_id: str) -> str:
        """Return what errors call an object."""
        return f"{self.noun} {object_id!r}"

    def parse(self, raw: JsonObject, object_id: str) -> Document | None:
        """Return the object in an answer to reading it, None if there is none."""
        if self.kind == "persona":
            persona = PersonaDocument.parse(raw)
            return persona if is_id(persona.data.get("persona_id")) else None
        part = PartDocument.parse(self.kind, raw, object_id)
        is_known = "config" in part.data if self.kind == "skill" else bool(find_id(*part.identity))
        return part if is_known else None

    def parse_new_id(self, raw: JsonObject) -> Any:
        """Return what stands for the id in an answer to a creation, if anything."""
        if self.kind == "persona":
            return PersonaDocument.parse(raw).data.get("persona_id")
        return PartDocument.parse(self.kind, raw).object_id


PERSONA_ENDPOINT = ObjectEndpoint("persona", "/personas", "json_patch", pagination.PERSONAS)
PART_ENDPOINTS: Mapping[PartKindName, ObjectEndpoint] = {
    "tool": ObjectEndpoint("tool", "/tools", "plain", pagination.REGISTRY_TOOLS),
    "objectives": ObjectEndpoint("objectives", "/objectives", "json_patch", pagination.OBJECTIVES),
    "guardrail": ObjectEndpoint("guardrail", "/guardrails", "json_patch", pagination.GUARDRAILS),
    "document": ObjectEndpoint("document", "/documents", "plain", pagination.DOCUMENTS),
    "dictionary": ObjectEndpoint(
        "dictionary", "/pronunciation-dictionaries", "json_patch", pagination.DICTIONARIES
    ),
    "skill": ObjectEndpoint("skill", "/pals/{persona_id}/skills", "config", None),
}
ENDPOINTS: Mapping[str, ObjectEndpoint] = {
    endpoint.kind: endpoint for endpoint in (PERSONA_ENDPOINT, *PART_ENDPOINTS.values())
}
"""Every endpoint by the kind of its objects."""


def build_plain_body(operations: Sequence[Operation], fields: JsonObject) -> JsonObject:
    """Return the top-level fields that operations touch, as ``fields`` has them; null if absent.

    A secret that reads as a mask is left out, which keeps it (docs: update-tool).
    """
    names = dict.fromkeys(pointer_tokens(operation.path)[0] for operation in operations)
    return {name: _without_masks(fields.get(name), (name,)) for name in names}


def build_skill_body(fields: JsonObject) -> JsonObject | None:
    """Return the body that attaches a skill; None if it is to be detached."""
    return {"config": fields.get("config") or {}} if fields.get(ATTACHED) else None


def _without_masks(value: Any, path: tuple[str, ...]) -> Any:
    if not isinstance(value, dict):
        return value
    return {
        key: _without_masks(item, (*path, key))
        for key, item in value.items()
        if not (is_masked(item) and is_secret_path((*path, key)))
    }
