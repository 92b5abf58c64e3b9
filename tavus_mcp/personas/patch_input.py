"""Parse raw changes: a JSON Patch, or values by JSON Pointer, with every problem reported."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from itertools import permutations
from typing import Any, Literal

from pydantic import MISSING, Field, ValidationError

from tavus_mcp.catalog import Catalog
from tavus_mcp.checker.check import blocking_findings, refusal_reasons
from tavus_mcp.checker.unknown_fields import describe_meaning, field_schema, find_meaning
from tavus_mcp.errors import InvalidArgument, PatchMisfit
from tavus_mcp.models.base import JsonObject, StrictModel
from tavus_mcp.models.changes import Change, RawPatch, SetFields
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.findings import RuleFinding
from tavus_mcp.models.json_patch import (
    Operation,
    PatchError,
    diff,
    get_at,
    is_within,
    pointer_of,
    pointer_tokens,
)
from tavus_mcp.models.persona import SERVER_FIELDS, Persona
from tavus_mcp.models.validation_errors import render_errors
from tavus_mcp.models.vocabularies import (
    pointer_to_persona_names,
    to_persona_names,
    value_to_persona_names,
)
from tavus_mcp.personas.current_spelling import AUDIO_ONLY, PLAIN_OBJECT
from tavus_mcp.personas.field_selection import resolve_field_name
from tavus_mcp.text import end_sentence, quote_path, quote_paths


class PatchItem(StrictModel):
    """One operation of a JSON Patch, as a caller writes it."""

    op: Literal["add", "remove", "replace", "copy", "move", "test"]
    path: str
    value: Any = MISSING
    source: str | MISSING = Field(default=MISSING, alias="from")


def parse_patch(
    patch: list[JsonObject] | JsonObject, catalog: Catalog, *, allow_unknown: bool = False
) -> tuple[Change, list[RuleFinding]]:
    """Return the change that a patch describes; a plain object sets its fields.

    Raises ``InvalidArgument`` with every problem if no operation can be carried out. If some can,
    applying the change raises ``PatchMisfit`` with these problems and those of the others.
    """
    if isinstance(patch, dict) and "op" not in patch:
        return _parse_plain_object(patch, catalog, allow_unknown=allow_unknown)
    items = [patch] if isinstance(patch, dict) else patch
    paths = _PathCheck(catalog, allow_unknown=allow_unknown)
    problems: list[str] = []
    parsed = [
        _parse_operation(item, f"/patch/{index}", problems, paths)
        for index, item in enumerate(items)
    ]
    operations = [operation for operation in parsed if operation is not None]
    if not items:
        problems.append("/patch: there is no operation in it.")
    if problems and not operations:
        raise InvalidArgument(problems)
    numbers = [index for index, operation in enumerate(parsed) if operation is not None]
    return RawPatch(operations, problems, numbers), []


def apply_or_refuse(
    change: Change, before: PersonaDocument, catalog: Catalog, allow: Container[str]
) -> JsonObject:
    """Return the changed persona.

    Raises ``PatchMisfit`` for a patch that does not fit, with what would be refused in its result.
    """
    try:
        return change.apply(before.data)
    except PatchMisfit as error:
        if error.repaired is None:
            raise
        after = PersonaDocument(error.repaired)
        operations = diff(before.data, after.data)
        blocking = blocking_findings(before, after, operations, catalog, allow=allow)
        raise PatchMisfit([*error.problems, *refusal_reasons(blocking)]) from None


def parse_field_values(
    values: Mapping[str, Any], unset: Sequence[str], catalog: Catalog
) -> tuple[JsonObject, list[str]]:
    """Return values given by JSON Pointer as one nested object, and the pointers to remove.

    A null value removes. Raises ``InvalidArgument`` with every problem of the pointers.
    """
    removed = [pointer_to_persona_names(pointer) for pointer in unset]
    named = {pointer_to_persona_names(pointer): value for pointer, value in values.items()}
    paths = {pointer_of(["values", name]): pointer_to_persona_names(name) for name in values}
    paths |= {f"/unset/{index}": path for index, path in enumerate(removed)}
    given = {where: values.get(pointer_tokens(where)[-1]) for where in paths}
    _refuse_path_problems(paths, given, _PathCheck(catalog, allow_unknown=False))
    if problems := [*_list_item_problems(values)]:
        raise InvalidArgument(problems)
    new_values = {
        path: value_to_persona_names(path, value)
        for path, value in named.items()
        if value is not None
    }
    if problems := find_contradictions(new_values, removed):
        raise InvalidArgument(problems)
    removed += [path for path, value in named.items() if value is None]
    return SetFields(new_values).apply({}), removed


def split_additions(values: Mapping[str, Any]) -> tuple[JsonObject, dict[str, list[Any]]]:
    """Return values by JSON Pointer, and apart the items that ``/-`` at its end adds to a list.

    Raises ``InvalidArgument`` for a list that is both set and added to, and for a field to add to
    whose schema is not that of a list.
    """
    fixed: JsonObject = {}
    added: dict[str, list[Any]] = {}
    problems: list[str] = []
    for name, value in values.items():
        pointer = resolve_field_name(name.removesuffix("/-"))
        if pointer.startswith("/"):  # another one is reported with the others
            pointer = pointer_to_persona_names(pointer)
        if name.endswith("/-"):
            added[pointer] = value if isinstance(value, list) else [value]
            if pointer.startswith("/") and not _may_be_list(pointer):
                problems.append(
                    f"{quote_path(pointer_of(['values', name]))}: {quote_path(pointer)} is not a "
                    f"list; give the whole value at {quote_path(pointer)}."
                )
        else:
            fixed[pointer] = value
    if both := fixed.keys() & added.keys():
        problems.append(f"/values: {quote_paths(sorted(both))}: set as well as added to.")
    if problems:
        raise InvalidArgument(problems)
    return fixed, added


def _may_be_list(pointer: str) -> bool:
    """Return False for a field whose schema has another type; it is unknown in open objects."""
    try:
        schema = field_schema(pointer_tokens(pointer))
    except PatchError:  # reported with the problems of the other pointers
        return True
    return schema.get("type", "array") == "array" and not schema.get("anyOf")


def _list_item_problems(values: Iterable[str]) -> Iterator[str]:
    """Yield a sentence for each pointer to an item of a list; values are set without the list."""
    for name in values:
        parts = pointer_tokens(pointer_to_persona_names(name))
        if len(parts) == 2 and parts[-1].isdigit():
            whole = pointer_of(parts[:-1])
            yield (
                f"{quote_path(pointer_of(['values', name]))}: an item of a list cannot be set; "
                f"give {quote_path(whole)} with all its items, or {quote_path(f'{whole}/-')} to "
                "add one."
            )


def find_contradictions(values: Mapping[str, Any], removed: Sequence[str]) -> list[str]:
    """Return a sentence for each field that one call both sets and removes, or sets to two values.

    ``values`` are by JSON Pointer, of which one may stand for a part of another; ``removed`` are
    pointers.
    """
    given = [pointer for pointer, value in values.items() if value not in ("", [], {})]
    removals = [
        f"/unset/{index}: {quote_path(pointer)} is set in this call as well. Give one of both, or "
        "two calls."
        for index, pointer in enumerate(removed)
        if any(is_within(path, [pointer]) for path in given)
    ]
    doubles = [
        f"{quote_path(inner)} is given twice, also in {quote_path(outer)}, with another value."
        for outer, inner in permutations(given, 2)
        if is_within(inner, [outer])
        and get_at(values[outer], inner[len(outer) :], values[inner]) != values[inner]
    ]
    return removals + doubles


def _parse_plain_object(
    patch: JsonObject, catalog: Catalog, *, allow_unknown: bool
) -> tuple[Change, list[RuleFinding]]:
    fields = to_persona_names(patch)
    findings = [PLAIN_OBJECT]
    if "audio_only" in fields:
        del fields["audio_only"]
        findings.append(AUDIO_ONLY)
    paths = {f"/patch/{name}": f"/{name}" for name in fields}
    given = {f"/patch/{name}": value for name, value in fields.items()}
    _refuse_path_problems(paths, given, _PathCheck(catalog, allow_unknown=allow_unknown))
    return SetFields({f"/{name}": value for name, value in fields.items()}), findings


def _parse_operation(
    raw_operation: JsonObject, argument_path: str, problems: list[str], check: _PathCheck
) -> Operation | None:
    """Return an operation, or None if it cannot be carried out; its problems are added."""
    try:
        item = PatchItem.model_validate(raw_operation)
    except ValidationError as error:
        schema = PatchItem.model_json_schema()
        problems += render_errors(error, schema, prefix=argument_path)
        return None
    found: list[str] = []
    needs_value = item.op in ("add", "replace", "test")
    if needs_value and item.value is MISSING:
        found.append(f"{quote_path(argument_path)}/value: is required for {item.op}.")
    if item.op in ("copy", "move") and item.source is MISSING:
        found.append(f"{quote_path(argument_path)}/from: is required for {item.op}.")
    path, source = pointer_to_persona_names(item.path), ""
    found += check.problems(path, f"{argument_path}/path", item.value)
    if item.source is not MISSING:
        source = pointer_to_persona_names(item.source)
        found += check.problems(source, f"{argument_path}/from", None)
    problems += found
    if found:
        return None
    if needs_value:
        return Operation(item.op, path, value_to_persona_names(path, item.value))
    return Operation(item.op, path, source=source)


def _refuse_path_problems(
    paths: Mapping[str, str], values: Mapping[str, Any], check: _PathCheck
) -> None:
    """Raise ``InvalidArgument`` with every problem of paths, given by where each is given."""
    problems = [
        problem
        for argument_path, path in paths.items()
        for problem in check.problems(path, argument_path, values.get(argument_path))
    ]
    if problems:
        raise InvalidArgument(problems)


class _PathCheck:
    """Checks the paths of changes; unknown fields of the persona pass with ``allow_unknown``."""

    def __init__(self, catalog: Catalog, *, allow_unknown: bool) -> None:
        self._catalog = catalog
        self._allow_unknown = allow_unknown

    def problems(self, path: str, argument_path: str, value: Any) -> list[str]:
        """Return why a path cannot be written; fields of layers are checked with the result."""
        try:
            parts = pointer_tokens(path)
        except PatchError as error:
            return [f"{quote_path(argument_path)}: {error}."]
        if not parts:
            return [
                f"{quote_path(argument_path)}: the whole persona cannot be replaced; name a field."
            ]
        if parts[0] in SERVER_FIELDS:
            return [
                f"{quote_path(argument_path)}: /{parts[0]} is set by Tavus and cannot be written."
            ]
        if parts[0] in Persona.model_fields or self._allow_unknown:
            return []
        meaning = find_meaning(f"/{parts[0]}", value if len(parts) == 1 else None, self._catalog)
        text = "unknown field" + (describe_meaning(meaning) if meaning else " of a persona")
        return [f"{quote_path(argument_path)}: {end_sentence(text)}"]
