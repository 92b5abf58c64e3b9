"""Which argument of a tool sets which field of a persona, read off the models.

``create_persona`` and ``update_persona`` have an argument for each top-level field, and
``configure_LAYER`` one for each field of a layer, named like the field. Metadata of a field says
where that is not so.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo


class ArgumentName(NamedTuple):
    """Metadata: the argument has another name than the field."""

    name: str


class MemberArguments(NamedTuple):
    """Metadata: members of an open object that have arguments of their own, beside the object's."""

    names: tuple[str, ...]


class FieldAccess(Enum):
    """Metadata: no argument sets the field under its name."""

    PATCH_ONLY = "only patch_persona, or a tool for the items of the field"
    SECRET_NAME = "the argument names a secret, which is sent in another field"  # noqa: S105 - no secret


def iterate_arguments(model: type[BaseModel], parent: str) -> Iterator[tuple[str, str]]:
    """Yield each argument with the JSON Pointer that it sets, below the pointer ``parent``.

    Fields of a nested model are arguments in place of the field that holds them.
    """
    for name, field in model.model_fields.items():
        pointer = f"{parent}/{name}"
        if any(isinstance(item, FieldAccess) for item in field.metadata):
            continue
        nested = nested_model(field)
        if nested is not None:
            yield from iterate_arguments(nested, pointer)
            continue
        names = [item.name for item in field.metadata if isinstance(item, ArgumentName)]
        yield (names[0] if names else name), pointer
        for item in field.metadata:
            if isinstance(item, MemberArguments):
                yield from ((member, f"{pointer}/{member}") for member in item.names)


def patch_only_fields(model: type[BaseModel]) -> frozenset[str]:
    """Return the fields of a model that no argument sets."""
    fields = model.model_fields.items()
    return frozenset(name for name, field in fields if FieldAccess.PATCH_ONLY in field.metadata)


def nested_model(field: FieldInfo) -> type[BaseModel] | None:
    """Return the model of a field that holds one, with or without a sentinel for "not given"."""
    types = get_args(field.annotation) or (field.annotation,)
    models = (item for item in types if isinstance(item, type) and issubclass(item, BaseModel))
    return next(models, None)
