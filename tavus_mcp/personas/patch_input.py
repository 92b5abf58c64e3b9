"""Reading a raw JSON Patch: its form, and whether its paths may be written at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import MISSING, Field, ValidationError

from tavus_mcp.errors import InvalidArgument
from tavus_mcp.models.base import JsonObject, StrictModel
from tavus_mcp.models.changes import Change, RawPatch, SetFields
from tavus_mcp.models.findings import RuleFinding
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
    """One operation as people write it."""

    op: Literal["add", "remove", "replace", "copy", "move", "test"]
    path: str
    value: Any = MISSING
    source: str | MISSING = Field(default=MISSING, alias="from")


def parse_patch(
    patch: list[JsonObject] | JsonObject, *, allow_unknown: bool = False
) -> tuple[Change, list[RuleFinding]]:
    """Return the change that a patch means; a plain object means setting its fields.

    Raises ``InvalidArgument`` with everything that is wrong with the operations and their paths.
    """
    if isinstance(patch, dict) and "op" not in patch:
        return _parse_plain_object(patch, allow_unknown=allow_unknown)
    items = [patch] if isinstance(patch, dict) else patch
    problems: list[str] = []
    operations = [
        operation
        for index, item in enumerate(items)
        if (operation := _parse_operation(item, f"/patch/{index}", problems, allow_unknown))
        is not None
    ]
    if not items:
        problems.append("/patch: there is no operation in it.")
    if problems:
        raise InvalidArgument(problems)
    return RawPatch(operations), _whole_layer_findings(operations)


def parse_field_values(
    values: Mapping[str, Any], unset: Sequence[str]
) -> tuple[JsonObject, list[str]]:
    """Return values given by JSON Pointer as one nested object, and the pointers to remove.

    A null removes. Raises ``InvalidArgument`` with everything that is wrong with the pointers.
    """
    given = [(pointer_of(["values", pointer]), pointer) for pointer in values]
    given += [(f"/unset/{index}", pointer) for index, pointer in enumerate(unset)]
    problems = [
        problem
        for where, pointer in given
        if (
            problem := _find_path_problem(
                pointer_to_persona_names(pointer), where, allow_unknown=False
            )
        )
    ]
    if problems:
        raise InvalidArgument(problems)
    named = {pointer_to_persona_names(pointer): value for pointer, value in values.items()}
    kept = {
        path: value_to_persona_names(path, value)
        for path, value in named.items()
        if value is not None
    }
    nulls = [path for path, value in named.items() if value is None]
    return SetFields(kept).apply({}), [*map(pointer_to_persona_names, unset), *nulls]


def _parse_plain_object(
    patch: JsonObject, *, allow_unknown: bool
) -> tuple[Change, list[RuleFinding]]:
    fields = to_persona_names(patch)
    remarks = [PLAIN_OBJECT]
    if "audio_only" in fields:
        del fields["audio_only"]
        remarks.append(AUDIO_ONLY)
    problems = [
        problem
        for name in fields
        if (problem := _find_path_problem(f"/{name}", f"/patch/{name}", allow_unknown))
    ]
    if problems:
        raise InvalidArgument(problems)
    return SetFields({f"/{name}": value for name, value in fields.items()}), remarks


def _parse_operation(
    raw_operation: JsonObject, argument_path: str, problems: list[str], allow_unknown: bool
) -> Operation | None:
    try:
        read = PatchItem.model_validate(raw_operation)
    except ValidationError as error:
        told = render_errors(error, PatchItem.model_json_schema())
        problems.extend(argument_path + text for text in told)
        return None
    needs_value = read.op in ("add", "replace", "test")
    if needs_value and read.value is MISSING:
        problems.append(f"{argument_path}/value: is required for {read.op}.")
    if read.op in ("copy", "move") and read.source is MISSING:
        problems.append(f"{argument_path}/from: is required for {read.op}.")
    paths = {"path": read.path} | ({} if read.source is MISSING else {"from": read.source})
    for name, path in paths.items():
        if problem := _find_path_problem(
            pointer_to_persona_names(path), f"{argument_path}/{name}", allow_unknown
        ):
            problems.append(problem)
    path = pointer_to_persona_names(read.path)
    if needs_value:
        return Operation(read.op, path, value_to_persona_names(path, read.value))
    source = "" if read.source is MISSING else pointer_to_persona_names(read.source)
    return Operation(read.op, path, source=source)


def _find_path_problem(path: str, argument_path: str, allow_unknown: bool) -> str | None:
    """Say why a path may not be written; the layers inside are checked with the result."""
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
        RuleFinding(
            severity="warning",
            path=operation.path,
            message="This replaces the whole node: fields that are not in the value are removed.",
            hint="Give a path to one field, like /layers/llm/model, to keep the others.",
            rule="whole-layer-patch",
            source="N#70219330625",
        )
        for operation in operations
        if operation.op in ("add", "replace")
        and len(pointer_tokens(operation.path)) <= 2
        and operation.path.startswith("/layers")
    ]
