"""The kinds of parts: how each is listed, changed, referred to, and what its deletion loses.

Facts of the API per kind; paths and bodies of requests are in ``tavus_api.endpoints``, fields
in ``models.parts``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tavus_mcp.models.document import PartKindName, PersonaDocument
from tavus_mcp.models.parts.tool import AUTH_SECRETS
from tavus_mcp.tavus_api.endpoints import PART_ENDPOINTS, ObjectEndpoint

AfterDeletion = Literal["removed", "kept"]
"""What Tavus does with the id of a deleted part in a persona: it takes it out, or leaves it."""


@dataclass(frozen=True)
class PersonaReference:
    """A field of a persona that holds the id of a part, or a list of ids.

    The content of ``skills`` is written by the endpoint of the skill, not with the persona.
    """

    pointer: str
    is_list: bool
    after_deletion: AfterDeletion

    def ids_in(self, persona: PersonaDocument) -> list[str]:
        """Return the ids that a persona holds in this field."""
        value = persona.at(self.pointer)
        items = value if isinstance(value, list) else [value]
        return [item for item in items if isinstance(item, str) and item]

    @property
    def skill_id(self) -> str:
        """The skill whose configuration holds this field, or an empty string."""
        parts = self.pointer.split("/")
        return parts[2] if parts[1] == "skills" else ""


@dataclass(frozen=True)
class PartKind:
    """One kind of part.

    ``changeable_fields`` are the fields that can be changed after the creation, None for all.
    ``references`` are the fields of personas that hold its id, ``tag_reference`` that which holds a
    tag of it. ``secret_pointers`` are the places that reads mask. ``lost`` are sentences on what
    its deletion loses for good, besides its id and masked secrets. ``whole_lists`` are the lists
    that a change can only replace as a whole. ``unset_values`` are the values that stand for
    nothing in fields that null does not remove, or not to what a new part has.
    """

    name: PartKindName
    references: tuple[PersonaReference, ...]
    tag_reference: str = ""
    changeable_fields: frozenset[str] | None = None
    secret_pointers: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    whole_lists: tuple[str, ...] = ()
    unset_values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def endpoint(self) -> ObjectEndpoint:
        """Where it is in the API."""
        return PART_ENDPOINTS[self.name]

    @property
    def noun(self) -> str:
        """What texts call one part of the kind."""
        return self.endpoint.noun

    def uses(self, persona: PersonaDocument, object_id: str) -> list[PersonaReference]:
        """Return the fields of a persona that hold the id of a part."""
        return [item for item in self.references if object_id in item.ids_in(persona)]


TOOL = PartKind(
    "tool",
    (PersonaReference("/tool_ids", is_list=True, after_deletion="removed"),),
    secret_pointers=tuple(f"/delivery/api/auth/{name}" for name in AUTH_SECRETS.values()),
    unset_values={
        "on_call": "generate_filler",
        "on_resolve": "fire_and_forget",
        "origin": "llm",
        "trigger_type": "in_call",
    },
)
OBJECTIVES = PartKind(
    "objectives",
    (PersonaReference("/objectives_id", is_list=False, after_deletion="kept"),),
)
GUARDRAIL = PartKind(
    "guardrail",
    (
        PersonaReference("/guardrail_ids", is_list=True, after_deletion="removed"),
        PersonaReference("/guardrails_id", is_list=False, after_deletion="removed"),
    ),
    tag_reference="/guardrail_tags",
    whole_lists=("/tags",),
)
DOCUMENT = PartKind(
    "document",
    (
        PersonaReference("/document_ids", is_list=True, after_deletion="kept"),
        PersonaReference(
            "/skills/presentation/config/document_ids", is_list=True, after_deletion="kept"
        ),
    ),
    tag_reference="/document_tags",
    changeable_fields=frozenset({"document_name", "tags"}),
    lost=(
        "Tavus reads document_url again: an uploaded file or an expired link does not come back.",
        "Processing it again takes minutes.",
    ),
    unset_values={"tags": []},
)
DICTIONARY = PartKind(
    "dictionary",
    (
        PersonaReference(
            "/layers/tts/pronunciation_dictionary_id", is_list=False, after_deletion="removed"
        ),
    ),
    lost=("The copies of it at the voice providers.",),
    whole_lists=("/rules",),
)
SKILL = PartKind("skill", (), lost=("The time since which it has been attached.",))
KINDS: Mapping[PartKindName, PartKind] = {
    kind.name: kind for kind in (TOOL, OBJECTIVES, GUARDRAIL, DOCUMENT, DICTIONARY, SKILL)
}
"""Every kind, by its name."""
