"""From flat arguments to places in a persona: which were given, and where they go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import MISSING, BaseModel

from tavus_mcp.errors import InvalidArgument
from tavus_mcp.text import suggestion_or_period


def argument_pointers(
    pointers_by_name: Mapping[str, str] | None = None, *field_names: str, layer: str = ""
) -> dict[str, str]:
    """Return where each argument goes; names in ``same`` go to the field of their own name."""
    under = f"/layers/{layer}" if layer else ""
    return {name: under + place for name, place in (pointers_by_name or {}).items()} | {
        name: f"{under}/{name}" for name in field_names
    }


def argument_values(
    arguments: Mapping[str, Any], pointers_by_argument: Mapping[str, str]
) -> dict[str, Any]:
    """Return the arguments that were given, as values by JSON Pointer."""
    return {
        place: _to_plain_value(arguments[name])
        for name, place in pointers_by_argument.items()
        if arguments.get(name, MISSING) is not MISSING
    }


def unset_pointers(names: Sequence[str], pointers_by_argument: Mapping[str, str]) -> list[str]:
    """Return the JSON Pointers of fields to remove, named as arguments or as fields.

    The name of the layer itself removes all of it.

    Raises ``InvalidArgument`` naming every field that is not there to be removed.
    """
    by_field = {place.rsplit("/", 1)[-1]: place for place in pointers_by_argument.values()}
    layers = {
        parts[2]: f"/layers/{parts[2]}"
        for parts in map(_pointer_parts, pointers_by_argument.values())
        if parts[3:]
    }
    known = {**layers, **by_field, **pointers_by_argument}
    unknown = [(index, name) for index, name in enumerate(names) if name not in known]
    if unknown:
        allowed = ", ".join(sorted(pointers_by_argument))
        raise InvalidArgument(
            f"/unset/{index}: not a field of this tool{suggestion_or_period(name, known)} "
            f"Allowed: {allowed}."
            for index, name in unknown
        )
    return [known[name] for name in names]


def _pointer_parts(pointer: str) -> list[str]:
    return pointer.split("/")


def _to_plain_value(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(exclude_unset=True)
    if isinstance(value, list):
        return [_to_plain_value(item) for item in value]
    return value
