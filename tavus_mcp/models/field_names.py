"""The names of the fields of personas and their parts, as data."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, get_args

from pydantic import BaseModel

from tavus_mcp.models.parts.dictionary import Dictionary
from tavus_mcp.models.parts.document import KnowledgeDocument
from tavus_mcp.models.parts.guardrail import Guardrail, GuardrailSet
from tavus_mcp.models.parts.objectives import ObjectiveSet
from tavus_mcp.models.parts.skill import SkillAttachment
from tavus_mcp.models.parts.tool import Tool
from tavus_mcp.models.persona import SERVER_FIELDS, Persona

_MODELS = (
    Persona,
    Tool,
    ObjectiveSet,
    Guardrail,
    GuardrailSet,
    KnowledgeDocument,
    Dictionary,
    SkillAttachment,
)


@cache
def field_names() -> frozenset[str]:
    """Return the name of every field that a request can hold or a read returns."""
    found, waiting = set[type[BaseModel]](), list[type[BaseModel]](_MODELS)
    while waiting:
        model = waiting.pop()
        if model not in found:
            found.add(model)
            annotations = (field.annotation for field in model.model_fields.values())
            waiting += [inner for item in annotations for inner in _iterate_models(item)]
    return SERVER_FIELDS.union(*(model.model_fields for model in found))


def _iterate_models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _iterate_models(argument)
