"""From flat arguments to places in a persona: which were given, and where they go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import MISSING, BaseModel

from tavus_mcp.errors import InvalidArgument
from tavus_mcp.text import suggestion_or_period


def pointers(named: Mapping[str, str] | None = None, *same: str, layer: str = "") -> dict[str, str]:
    """Return where each argument goes; names in ``same`` go to the field of their own name."""
    under = f"/layers/{layer}" if layer else ""
    return {name: under + place for name, place in (named or {}).items()} | {
        name: f"{under}/{name}" for name in same
    }


def given(arguments: Mapping[str, Any], places: Mapping[str, str]) -> dict[str, Any]:
    """Return the arguments that were given, as values by JSON Pointer."""
    return {
        place: _plain(arguments[name])
        for name, place in places.items()
        if arguments.get(name, MISSING) is not MISSING
    }


def to_unset(names: Sequence[str], places: Mapping[str, str]) -> list[str]:
    """Return the JSON Pointers of fields to remove, named as arguments or as fields.

    The name of the layer itself removes all of it.

    Raises ``InvalidArgument`` naming every field that is not there to be removed.
    """
    by_field = {place.rsplit("/", 1)[-1]: place for place in places.values()}
    layers = {
        parts[2]: f"/layers/{parts[2]}" for parts in map(_parts, places.values()) if parts[3:]
    }
    known = {**layers, **by_field, **places}
    unknown = [(index, name) for index, name in enumerate(names) if name not in known]
    if unknown:
        allowed = ", ".join(sorted(places))
        raise InvalidArgument(
            f"/unset/{index}: not a field of this tool{suggestion_or_period(name, known)} "
            f"Allowed: {allowed}."
            for index, name in unknown
        )
    return [known[name] for name in names]


def _parts(place: str) -> list[str]:
    return place.split("/")


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(exclude_unset=True)
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value
