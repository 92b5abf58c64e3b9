"""The rules by which served tools are compared with the limits of hosts.

A rule takes a ``Surface`` and a ``Limit`` and yields one line for each violation. The tools of all
toolsets are checked, except where only the number of tools counts: those are the default ones.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

Schema = Mapping[str, Any]
_SCHEMA_MAPS = ("properties", "$defs", "patternProperties")
_SCHEMA_LISTS = ("anyOf", "oneOf", "allOf")


@dataclass(frozen=True)
class ServedTool:
    """What a host reads of a tool; ``schemas`` are by kind, ``input`` and ``output``."""

    name: str
    description: str
    schemas: Mapping[str, Schema]


@dataclass(frozen=True)
class Surface:
    """What a host reads of a server: instructions, the tools of all toolsets, the default names."""

    instructions: str
    tools: Sequence[ServedTool]
    default_names: Sequence[str]


@dataclass(frozen=True)
class Limit:
    """One limit of a host; ``schemas`` is the kind that it concerns, or empty for both."""

    rule: str
    source: str
    allowed: Any = None
    prefix: str = ""
    schemas: str = ""
    not_fulfilled: str = ""


Rule = Callable[[Surface, Limit], Iterator[str]]


def iterate_nodes(schema: Schema, depth: int = 1) -> Iterator[tuple[Schema, int]]:
    """Yield every schema in a schema, with the number of objects that it is in."""
    yield schema, depth
    inner = depth + 1 if schema.get("type") == "object" else depth
    for key, value in schema.items():
        if key in _SCHEMA_MAPS:
            for item in value.values():
                yield from iterate_nodes(item, inner)
        elif key in _SCHEMA_LISTS:
            for item in value:
                yield from iterate_nodes(item, depth)
        elif key in ("items", "additionalProperties", "not") and isinstance(value, Mapping):
            yield from iterate_nodes(value, depth)


def iterate_schemas(surface: Surface, limit: Limit) -> Iterator[tuple[str, Schema]]:
    """Yield the schemas that a limit concerns, with the name of the tool and the kind."""
    for tool in surface.tools:
        for kind, schema in tool.schemas.items():
            if limit.schemas in ("", kind):
                yield f"{tool.name}, {kind}", schema


def find_long(values: Mapping[str, int], limit: Limit) -> Iterator[str]:
    """Yield each measured value that is above the allowed one."""
    for where, value in values.items():
        if value > limit.allowed:
            yield f"{where}: {value} of {limit.allowed}"


def tool_count(surface: Surface, limit: Limit) -> Iterator[str]:
    """At most {allowed} tools, counting those served by default."""
    return find_long({"default toolsets": len(surface.default_names)}, limit)


def tool_name_pattern(surface: Surface, limit: Limit) -> Iterator[str]:
    """Tool names match `{allowed}`."""
    return (tool.name for tool in surface.tools if not re.fullmatch(limit.allowed, tool.name))


def prefixed_name_chars(surface: Surface, limit: Limit) -> Iterator[str]:
    """At most {allowed} characters in a tool name with the host's prefix `{prefix}`."""
    return find_long({tool.name: len(limit.prefix + tool.name) for tool in surface.tools}, limit)


def description_chars(surface: Surface, limit: Limit) -> Iterator[str]:
    """At most {allowed} characters in the description of a tool."""
    return find_long({tool.name: len(tool.description) for tool in surface.tools}, limit)


def instructions_chars(surface: Surface, limit: Limit) -> Iterator[str]:
    """At most {allowed} characters in the instructions of the server."""
    return find_long({"instructions": len(surface.instructions)}, limit)


def root_is_object(surface: Surface, limit: Limit) -> Iterator[str]:
    """Schemas have the type object at their root."""
    schemas = iterate_schemas(surface, limit)
    return (where for where, schema in schemas if schema.get("type") != "object")


def root_keywords(surface: Surface, limit: Limit) -> Iterator[str]:
    """No `{allowed}` at the root of a schema."""
    schemas = iterate_schemas(surface, limit)
    return (where for where, schema in schemas if set(limit.allowed) & schema.keys())


def forbidden_keywords(surface: Surface, limit: Limit) -> Iterator[str]:
    """No `{allowed}` in a schema."""
    for where, schema in iterate_schemas(surface, limit):
        found = {key for node, _ in iterate_nodes(schema) for key in node} & set(limit.allowed)
        if found:
            yield f"{where}: {', '.join(sorted(found))}"


def property_name_pattern(surface: Surface, limit: Limit) -> Iterator[str]:
    """Names of properties match `{allowed}`."""
    for where, schema in iterate_schemas(surface, limit):
        for node, _ in iterate_nodes(schema):
            for name in node.get("properties", ()):
                if not re.fullmatch(limit.allowed, name):
                    yield f"{where}: {name}"


def properties_per_tool(surface: Surface, limit: Limit) -> Iterator[str]:
    """At most {allowed} properties in a schema, at all depths."""
    return find_long(
        {
            where: sum(len(node.get("properties", ())) for node, _ in iterate_nodes(schema))
            for where, schema in iterate_schemas(surface, limit)
        },
        limit,
    )


def optional_properties(surface: Surface, limit: Limit) -> Iterator[str]:
    """At most {allowed} properties that may be left out, in all tools together."""
    count = sum(
        len(node.get("properties", ())) - len(node.get("required", ()))
        for _, schema in iterate_schemas(surface, limit)
        for node, _ in iterate_nodes(schema)
    )
    return find_long({"all tools": count}, limit)


def required_properties(surface: Surface, limit: Limit) -> Iterator[str]:
    """Every property is required, in every object."""
    return optional_properties(surface, replace(limit, allowed=0))


def enum_values_per_tool(surface: Surface, limit: Limit) -> Iterator[str]:
    """At most {allowed} values of enumerations in a schema."""
    return find_long(
        {
            where: sum(len(node.get("enum", ())) for node, _ in iterate_nodes(schema))
            for where, schema in iterate_schemas(surface, limit)
        },
        limit,
    )


def schema_depth(surface: Surface, limit: Limit) -> Iterator[str]:
    """At most {allowed} objects inside each other."""
    return find_long(
        {
            where: max(
                depth for node, depth in iterate_nodes(schema) if node.get("type") == "object"
            )
            for where, schema in iterate_schemas(surface, limit)
        },
        limit,
    )


def closed_objects(surface: Surface, limit: Limit) -> Iterator[str]:
    """`additionalProperties` is false in every object."""
    for where, schema in iterate_schemas(surface, limit):
        objects = [node for node, _ in iterate_nodes(schema) if node.get("type") == "object"]
        if any(node.get("additionalProperties") is not False for node in objects):
            yield where


def union_with_default(surface: Surface, limit: Limit) -> Iterator[str]:
    """No default beside `anyOf`."""
    for where, schema in iterate_schemas(surface, limit):
        if any({"anyOf", "default"} <= node.keys() for node, _ in iterate_nodes(schema)):
            yield where


RULES: Mapping[str, Rule] = {
    rule.__name__: rule
    for rule in (
        *(tool_count, tool_name_pattern, prefixed_name_chars, description_chars),
        *(instructions_chars, root_is_object, root_keywords, forbidden_keywords),
        *(property_name_pattern, properties_per_tool, optional_properties, enum_values_per_tool),
        *(required_properties, schema_depth, closed_objects, union_with_default),
    )
}
