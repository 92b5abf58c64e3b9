"""Base classes, ids, and functions that read a JSON value of any type without raising."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, NewType

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")

Id = NewType("Id", str)
"""A validated id: 1 to 64 letters, digits, ``-`` and ``_``."""


def parse_id(value: str) -> Id:
    """Return a validated id, or raise ``ValueError`` with the form of ids."""
    if _ID.fullmatch(value) is None:
        raise ValueError(
            "not an id: ids are 1 to 64 letters, digits, '-' or '_' (a persona's starts with p, "
            "like p5317866, a conversation's with c); a list_* tool shows them"
        )
    return Id(value)


def is_id(value: object) -> bool:
    """Tell whether a value of another system has the form of an id."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None


PersonaId = Annotated[str, AfterValidator(parse_id)]
"""An id as an argument, validated before it becomes part of a URL."""

ConversationId = Annotated[str, AfterValidator(parse_id)]
"""The id of a conversation as an argument."""


JsonObject = dict[str, Any]
"""A JSON object without a model."""

NonEmptyStr = Annotated[str, Field(min_length=1)]
"""A string that is not empty."""

DeprecatedField = Field(json_schema_extra={"deprecated": True})
"""Marks a field that is accepted, with a finding, but not part of the served schemas."""


@dataclass(frozen=True)
class KnownValues:
    """Metadata of a text field: the values that are known. Others are accepted.

    Whether Tavus takes another value is not known here, so the checker warns and Tavus decides.
    Served schemas list the known values as ``enum``, which guides the model that fills them in.
    """

    values: tuple[str, ...]

    def __get_pydantic_json_schema__(
        self, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Return the schema of the field with its known values."""
        return {**handler(core_schema), "enum": list(self.values)}


def known_values(*values: str) -> KnownValues:
    """Return the metadata of a text field with these known values."""
    return KnownValues(values)


class DeferredModel(BaseModel):
    """Base of all models: pydantic builds each validator at its first use, not at the start."""

    model_config = ConfigDict(defer_build=True)


class StrictModel(DeferredModel):
    """A model of input: unknown fields are errors, and errors never repeat the input."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, allow_inf_nan=False)


class OpenModel(DeferredModel):
    """A model of an object that Tavus does not define fully: unknown fields are accepted."""

    model_config = ConfigDict(extra="allow", hide_input_in_errors=True)


def is_set(value: object) -> bool:
    """Return False for null, "", [] and {}: old reads return unset fields as empty values."""
    return value is not None and value not in ("", [], {})


def text(value: object) -> str:
    """Return a string without surrounding blanks, and "" for any other type."""
    return value.strip() if isinstance(value, str) else ""


def number(value: object) -> float | None:
    """Return a number, and None for any other type; a boolean is no number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value


def map_texts(value: Any, convert: Callable[[str], str]) -> Any:
    """Return a JSON value with each text in it converted; names of members stay."""
    if isinstance(value, str):
        return convert(value)
    if isinstance(value, list):
        return [map_texts(item, convert) for item in value]
    if isinstance(value, dict):
        return {key: map_texts(item, convert) for key, item in value.items()}
    return value


def iter_texts(value: Any, parts: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield each text in a JSON value with the names and indices on the way to it."""
    if isinstance(value, str):
        yield parts, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from iter_texts(item, (*parts, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from iter_texts(item, (*parts, str(index)))


def indexed_texts(value: object) -> Iterator[tuple[int, str]]:
    """Yield index and value of each string in a list, and nothing for any other type."""
    if isinstance(value, list):
        yield from ((index, item) for index, item in enumerate(value) if isinstance(item, str))
