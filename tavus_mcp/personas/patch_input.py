"""Parse raw changes: a JSON Patch, or values by JSON Pointer, with every problem reported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import MISSING, Field, ValidationError

from tavus_mcp.errors import InvalidArgument
from tavus_mcp.models.base import JsonObject, StrictModel
from tavus_mcp.models.changes import Change, RawPatch, SetFields
from tavus_mcp.models.findings import RuleFinding, warning
from tavus_mcp.models.json_patch import Operation, PatchError, pointer_of, pointer_tokens
from tavus_mcp.models.persona import SERVER_FIELDS, Persona
from tavus_mcp.models.validation_errors import render_errors
from tavus_mcp.models.vocabularies import (
    pointer_to_persona_names,
    to_persona_names,
    value_to_persona_names,
)
from tavus_mcp.personas.current_spelling import AUDIO_ONLY, PLAIN_OBJECT
from tavus_mcp.text import did_you_mean


class PatchItem(StrictModel):
    """One operation of a JSON Patch, as a caller writes it."""

    op: Literal["add", "remove", "replace", "copy", "move", "test"]
    path: str
    value: Any = MISSING
    source: str | MISSING = Field(default=MISSING, alias="from")


def parse_patch(
    patch: list[JsonObject] | JsonObject, *, allow_unknown: bool = False
) -> tuple[Change, list[RuleFinding]]:
    """Return the change that a patch describes; a plain object sets its fields.

    Raises ``InvalidArgument`` with every problem of the operations and their paths.
    """
    if isinstance(patch, dict) and "op" not in patch:
        return _parse_plain_object(patch, allow_unknown=allow_unknown)
    items = [patch] if isinstance(patch, dict) else patch
    problems: list[str] = []
    parsed = [
        _parse_operation(item, f"/patch/{index}", problems, allow_unknown)
        for index, item in enumerate(items)
    ]
    operations = [operation for operation in parsed if operation is not None]
    if not items:
        problems.append("/patch: there is no operation in it.")
    if problems:
        raise InvalidArgument(problems)
    return RawPatch(operations), _whole_layer_findings(operations)


def parse_field_values(
    values: Mapping[str, Any], unset: Sequence[str]
) -> tuple[JsonObject, list[str]]:
    """Return values given by JSON Pointer as one nested object, and the pointers to remove.

    A null value removes. Raises ``InvalidArgument`` with every problem of the pointers.
    """
    removed = [pointer_to_persona_names(pointer) for pointer in unset]
    named = {pointer_to_persona_names(pointer): value for pointer, value in values.items()}
    paths = {pointer_of(["values", name]): pointer_to_persona_names(name) for name in values}
    paths |= {f"/unset/{index}": path for index, path in enumerate(removed)}
    _refuse_path_problems(paths, allow_unknown=False)
    new_values = {
        path: value_to_persona_names(path, value)
        for path, value in named.items()
        if value is not None
    }
    removed += [path for path, value in named.items() if value is None]
    return SetFields(new_values).apply({}), removed


def _parse_plain_object(
    patch: JsonObject, *, allow_unknown: bool
) -> tuple[Change, list[RuleFinding]]:
    fields = to_persona_names(patch)
    findings = [PLAIN_OBJECT]
    if "audio_only" in fields:
        del fields["audio_only"]
        findings.append(AUDIO_ONLY)
    paths = {f"/patch/{name}": f"/{name}" for name in fields}
    _refuse_path_problems(paths, allow_unknown=allow_unknown)
    return SetFields({f"/{name}": value for name, value in fields.items()}), findings


def _parse_operation(
    raw_operation: JsonObject, argument_path: str, problems: list[str], allow_unknown: bool
) -> Operation | None:
    try:
        item = PatchItem.model_validate(raw_operation)
    except ValidationError as error:
        texts = render_errors(error, PatchItem.model_json_schema())
        problems.extend(argument_path + text for text in texts)
        return None
    needs_value = item.op in ("add", "replace", "test")
    if needs_value and item.value is MISSING:
        problems.append(f"{argument_path}/value: is required for {item.op}.")
    if item.op in ("copy", "move") and item.source is MISSING:
        problems.append(f"{argument_path}/from: is required for {item.op}.")
    path = pointer_to_persona_names(item.path)
    paths, source = {f"{argument_path}/path": path}, ""
    if item.source is not MISSING:
        paths[f"{argument_path}/from"] = source = pointer_to_persona_names(item.source)
    problems += _path_problems(paths, allow_unknown=allow_unknown)
    if needs_value:
        return Operation(item.op, path, value_to_persona_names(path, item.value))
    return Operation(item.op, path, source=source)


def _refuse_path_problems(paths: Mapping[str, str], *, allow_unknown: bool) -> None:
    """Raise ``InvalidArgument`` with every problem of paths, given by where each is given."""
    if problems := _path_problems(paths, allow_unknown=allow_unknown):
        raise InvalidArgument(problems)


def _path_problems(paths: Mapping[str, str], *, allow_unknown: bool) -> list[str]:
    found = (
        _find_path_problem(path, argument_path, allow_unknown)
        for argument_path, path in paths.items()
    )
    return [problem for problem in found if problem]


def _find_path_problem(path: str, argument_path: str, allow_unknown: bool) -> str | None:
    """Return why a path cannot be written, or None; fields of layers are checked later."""
    try:
        parts = pointer_tokens(path)
    except PatchError as error:
        return f"{argument_path}: {error}."
    if not parts:
        return f"{argument_path}: the whole persona cannot be replaced; name a field."
    if parts[0] in SERVER_FIELDS:
        return f"{argument_path}: /{parts[0]} is set by Tavus and cannot be written."
    if parts[0] not in Persona.model_fields and not allow_unknown:
        close = did_you_mean(parts[0], Persona.model_fields)
        return f"{argument_path}: a persona has no such field{close}."
    return None


def _whole_layer_findings(operations: list[Operation]) -> list[RuleFinding]:
    return [
        warning(
            "whole-layer-patch",
            "This replaces the whole node: fields that are not in the value are removed.",
            path=operation.path,
            hint="Give a path to one field, like /layers/llm/model, to keep the others.",
            source="N#70219330625",
        )
        for operation in operations
        if operation.op in ("add", "replace")
        and len(pointer_tokens(operation.path)) <= 2
        and operation.path.startswith("/layers")
    ]
