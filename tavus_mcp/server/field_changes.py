"""From flat arguments to fields of a persona: the values to set and the fields to remove."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import MISSING, BaseModel

from tavus_mcp.errors import InvalidArgument
from tavus_mcp.models.changes import SetFields
from tavus_mcp.models.json_patch import pointer_of, pointer_tokens
from tavus_mcp.models.layers import layer_arguments
from tavus_mcp.personas.patch_input import find_contradictions
from tavus_mcp.text import suggestion_or_period


def argument_values(
    arguments: Mapping[str, Any], pointers_by_argument: Mapping[str, str]
) -> dict[str, Any]:
    """Return the arguments that were given, as values by JSON Pointer."""
    return {
        pointer: _to_plain_value(arguments[name])
        for name, pointer in pointers_by_argument.items()
        if arguments.get(name, MISSING) is not MISSING
    }


def removable_fields(layer: str) -> Mapping[str, str]:
    """Return the fields that ``unset`` can name for a layer, as JSON Pointers by argument."""
    whole = {"voice_settings": "/layers/tts/voice_settings"} if layer == "tts" else {}
    return {**layer_arguments(layer), **whole}


def unset_pointers(names: Sequence[str], pointers_by_argument: Mapping[str, str]) -> list[str]:
    """Return the JSON Pointers of fields to remove, named as arguments or as fields.

    The name of a layer removes the whole layer. Raises ``InvalidArgument`` with every name that is
    none of these.
    """
    pointers = [pointer_tokens(pointer) for pointer in pointers_by_argument.values()]
    by_field = {tokens[-1]: pointer_of(tokens) for tokens in pointers}
    layers = {tokens[1]: f"/layers/{tokens[1]}" for tokens in pointers if tokens[2:]}
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


def build_set_fields(values: Mapping[str, Any], removed: Sequence[str]) -> SetFields:
    """Return the change that sets values and removes fields, by JSON Pointer.

    Raises ``InvalidArgument`` for a field that is both set and removed.
    """
    if problems := find_contradictions(values, removed):
        raise InvalidArgument(problems)
    return SetFields(values, removed, refuses_emptying=True)


def _to_plain_value(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(exclude_unset=True)
    if isinstance(value, list):
        return [_to_plain_value(item) for item in value]
    return value
