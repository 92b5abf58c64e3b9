"""Read the arguments of a call as hosts and models send them; explain invalid ones.

All tools share these rules; what an argument is follows from its JSON Schema alone:

- What hosts are known to add is dropped or unwrapped (``host_additions.toml``); other unknown
  arguments are refused.
- Null means "not given". So does an empty id, enum, cursor, revision, number or secret reference,
  and an empty list that only selects. An empty text or list for a stored field is passed on:
  ``SetFields`` refuses it if it would remove something (``argument_roles``).
- Some hosts send an object as JSON text (``json_text``), which is decoded before it is validated.
- Half a character (a lone surrogate) and NaN or Infinity are refused: JSON and UTF-8 have neither.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from tavus_mcp.errors import InvalidArgument
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.unsendable_values import find_unsendable_values
from tavus_mcp.server.argument_roles import is_not_given, json_types, replace_empty_form
from tavus_mcp.server.json_text import decode_container
from tavus_mcp.server.toolset import ToolSpec
from tavus_mcp.text import quote_path


def prepare_arguments(spec: ToolSpec, arguments: JsonObject, schema: JsonObject) -> JsonObject:
    """Return the arguments that were given, under their published names, with JSON text decoded.

    ``schema`` is the whole JSON Schema of the tool's arguments. Raises ``InvalidArgument`` when one
    argument came under two names with two values, or a value cannot be sent.
    """
    properties = schema["properties"]
    known = {*properties, *spec.aliases, *spec.spread}
    named: JsonObject = {}
    for name, value in _spread(spec, _without_host_additions(arguments, known)).items():
        published = spec.aliases.get(name, name)
        if published in properties:
            value = decode_json_text(value, properties[published], schema)
            value = replace_empty_form(value, properties[published], schema)
            if is_not_given(published, value, schema):
                continue
            _refuse_flag_for_number(published, value, schema)
        elif name in spec.spread and not value:
            continue
        _add_argument(named, name, published, value)
    refuse_unsendable(named)
    return named


def refuse_unsendable(arguments: JsonObject) -> None:
    """Raise ``InvalidArgument`` for text and numbers that neither JSON nor UTF-8 can express."""
    if problems := find_unsendable_values(arguments):
        raise InvalidArgument(problems)


def decode_json_text(value: Any, schema: JsonObject, root: JsonObject) -> Any:
    """Decode strings where the schema wants an object or a list, at any depth."""
    kinds, node = json_types(schema, root)
    if isinstance(value, str) and kinds and "string" not in kinds:
        value = decode_container(value)
        if isinstance(value, str) and value.strip() and kinds - {"null"} == {"array"}:
            value = [value]  # one item, given without its list
    if isinstance(value, dict):
        members = node.get("properties", {})
        return {
            key: decode_json_text(item, members.get(key, {}), root) for key, item in value.items()
        }
    if isinstance(value, list) and isinstance(node.get("items"), dict):
        return [decode_json_text(item, node["items"], root) for item in value]
    return value


def _refuse_flag_for_number(name: str, value: Any, schema: JsonObject) -> None:
    """Raise ``InvalidArgument`` for true or false as a number, which pydantic reads as 1 or 0."""
    kinds = json_types(schema["properties"][name], schema)[0] - {"null"}
    if isinstance(value, bool) and kinds and kinds <= {"number", "integer"}:
        raise InvalidArgument([f"{quote_path('/' + name)}: must be a number, not true or false."])


@cache
def load_host_additions() -> Mapping[str, Mapping[str, Any]]:
    """Return what hosts add: ``dropped`` and ``unwrapped`` arguments, each with host and source."""
    import tomllib  # here, because most runs meet no addition

    text = files("tavus_mcp.server").joinpath("host_additions.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def _without_host_additions(arguments: JsonObject, known: set[str]) -> JsonObject:
    """Return the arguments without the additions of hosts; ``known`` names are never additions."""
    if known.issuperset(arguments):
        return arguments
    additions = load_host_additions()
    result: JsonObject = {}
    for name, value in arguments.items():
        if name in known or name not in additions["unwrapped"]:
            if name in known or name not in additions["dropped"]:
                _add_argument(result, name, name, value)
            continue
        inner = (decode_container(value) if isinstance(value, str) else value) or {}
        if not isinstance(inner, dict):
            _add_argument(result, name, name, value)
            continue
        for inner_name, item in _without_host_additions(inner, known).items():
            _add_argument(result, inner_name, inner_name, item)
    return result


def _add_argument(named: JsonObject, name: str, published: str, value: Any) -> None:
    """Add an argument; raise ``InvalidArgument`` if it was given before with another value.

    Null beside another value means "not given", like everywhere.
    """
    known = named.get(published)
    if known is not None and value is not None and known != value:
        other = "" if name == published else f", also as {published}"
        raise InvalidArgument([f"{quote_path('/' + name)}: given twice{other}, with two values."])
    named[published] = value if known is None else known


def _spread(spec: ToolSpec, arguments: JsonObject) -> JsonObject:
    """Return the arguments with the members of ``spec.spread`` in place of those objects."""
    spread: JsonObject = {}
    for name, value in arguments.items():
        inner = decode_container(value) if name in spec.spread and isinstance(value, str) else value
        if name in spec.spread and isinstance(inner, dict):
            for key, item in inner.get("function", inner).items():
                _add_argument(spread, f"{name}/{key}", key, item)
        else:
            _add_argument(spread, name, name, value)
    return spread
