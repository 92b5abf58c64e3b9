"""A persona as people write it (docs: create-persona, pals/create-pal; vendor: pal)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Annotated

from pydantic import MISSING, Field

from tavus_mcp.models.argument_mapping import (
    ArgumentName,
    FieldAccess,
    iterate_arguments,
    patch_only_fields,
)
from tavus_mcp.models.base import NonEmptyStr, StrictModel, known_values
from tavus_mcp.models.layers import Layers

PipelineMode = Annotated[str, known_values("full", "echo", "speech-to-speech")]
DisclosureType = Annotated[str, known_values("always", "auto", "off")]
Ids = Annotated[list[NonEmptyStr], Field(max_length=50)]

SERVER_FIELDS = frozenset(
    {
        "persona_id",
        "uuid",
        "owner_id",
        "created_at",
        "updated_at",
        "session_id",
        "is_draft",
        "source_template_id",
        "registration_id",
        "pal_settings_id",
        "persona_type",
        "is_published",
        "skills",
        "conferencing_email",
    }
)
"""Fields that come back in reads and are never written in the document (skills: pal-skills)."""

UNKNOWN_WHEN_ABSENT = frozenset({"tool_ids", "memories", "is_template"})
"""Fields that a read may leave out although they are set, so that absent does not mean empty.

``tool_ids`` comes back where ``include_settings`` is answered, the others never (vendor: pal).
"""

OPTIONAL_IN_FILES = UNKNOWN_WHEN_ABSENT | {"persona_description"}
"""Fields that a persona file without them leaves as they are: older versions never wrote them."""


class Persona(StrictModel):
    """The writable fields of a persona, in the vocabulary of ``/v2/personas``."""

    persona_name: Annotated[str | MISSING, ArgumentName("name")] = MISSING
    persona_description: str | MISSING = MISSING
    system_prompt: str | MISSING = MISSING
    pipeline_mode: PipelineMode | MISSING = MISSING
    context: str | MISSING = MISSING
    default_replica_id: str | MISSING = MISSING
    greeting: str | MISSING = MISSING
    document_ids: Annotated[list[NonEmptyStr] | MISSING, ArgumentName("documents")] = MISSING
    document_tags: list[NonEmptyStr] | MISSING = MISSING
    objectives_id: Annotated[str | MISSING, ArgumentName("objectives")] = MISSING
    guardrails_id: str | MISSING = MISSING
    guardrail_ids: Annotated[Ids | MISSING, ArgumentName("guardrails")] = MISSING
    guardrail_tags: list[NonEmptyStr] | MISSING = MISSING
    tool_ids: Ids | MISSING = MISSING
    memories: list[NonEmptyStr] | MISSING = MISSING
    languages: list[NonEmptyStr] | MISSING = MISSING
    disclosure_type: DisclosureType | MISSING = MISSING
    verbal_disclosure: str | MISSING = MISSING
    visual_disclosure: str | MISSING = MISSING
    is_template: Annotated[bool | MISSING, FieldAccess.PATCH_ONLY] = MISSING
    layers: Annotated[Layers | MISSING, FieldAccess.PATCH_ONLY] = MISSING


def is_unread(data: Mapping[str, object], pointer: str) -> bool:
    """Tell whether a persona as it was read leaves the value of a field unknown."""
    name = pointer.removeprefix("/").partition("/")[0]
    return name in UNKNOWN_WHEN_ABSENT and name not in data


@cache
def persona_arguments() -> Mapping[str, str]:
    """Return the JSON Pointer that each argument of ``create_`` and ``update_persona`` sets.

    Renamed fields come first, in which order the journal lists them.
    """
    return dict(sorted(iterate_arguments(Persona, ""), key=lambda pair: pair[1] == f"/{pair[0]}"))


@cache
def persona_patch_only_fields() -> frozenset[str]:
    """Return the top-level fields that ``update_persona`` does not set."""
    return patch_only_fields(Persona)
