"""Build the SDK's tools from their declarations: strict arguments, slim schemas, one result form.

Importing the tools and deriving their schemas would take longer than all the rest of a start. So
what hosts see comes from ``surface.json``, which ``tavus-mcp manifest`` renders with these
functions and a test compares with them. A tool is imported, and the model of its arguments built,
when it is first called.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import cache, cached_property
from typing import Any, get_args

from mcp.server.mcpserver.tools import Tool
from mcp.server.mcpserver.utilities.func_metadata import ArgModelBase, FuncMetadata
from mcp_types import CallToolResult, InputRequiredResult, ToolAnnotations
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, create_model

from tavus_mcp.app import App
from tavus_mcp.models.base import JsonObject
from tavus_mcp.server.argument_roles import ROLE_KEY
from tavus_mcp.server.results import Page
from tavus_mcp.server.served_tools import UnservedTools
from tavus_mcp.server.text_rendering import build_result
from tavus_mcp.server.toolset import ToolFunction, ToolSpec
from tavus_mcp.server.view.extension import link_to_view

_OMITTED_KEYS = frozenset({"title", "discriminator", "additionalProperties", "$defs", ROLE_KEY})
"""Left out everywhere. A boolean ``additionalProperties`` breaks Gemini's schema converter; unknown
arguments are refused all the same (``_Arguments``)."""
CONTEXT_PARAMETER = "ctx"
"""The parameter that receives the SDK's context; it is not an argument."""
_PLAIN_OBJECT_REFS = frozenset(
    f"#/$defs/{name}"
    for name in (
        "FunctionTool",  # set_function_tool has it typed
        "ConferencingLayer",  # describe_layer tells the fields of these, and few set them
        "CapabilitiesLayer",
        "KnowledgeBaseLayer",
        "TransportLayer",
    )
)
"""Parts of arguments that are published as plain objects, but checked in full."""
_UNPUBLISHED_LENGTH_CHARS = 10_000
"""From this length on, a maximum is checked but not published."""
_EMPTY_DEFAULTS: tuple[Any, ...] = (None, [], {}, False)


def build_tool(
    listed: JsonObject, specs: Mapping[str, ToolSpec], app: App, unserved: UnservedTools
) -> Tool:
    """Return the tool that hosts see as ``listed``, bound to an ``App``.

    It is looked up in ``specs`` when it is first called.
    """
    name = listed["name"]
    return Tool(
        fn=_bind(name, specs, app, unserved),
        name=name,
        title=listed["title"],
        description=listed["description"],
        parameters=listed["inputSchema"],
        fn_metadata=ToolMetadata(name, specs, listed["outputSchema"]),
        is_async=True,
        context_kwarg=CONTEXT_PARAMETER,
        annotations=ToolAnnotations.model_validate(listed["annotations"]),
        meta=listed.get("_meta"),
    )


def build_entries(specs: Iterable[ToolSpec]) -> dict[str, JsonObject]:
    """Return the description of tools as ``surface.json`` has it, derived from the functions."""
    return {spec.name: {"toolset": spec.toolset, "listed": _build_listed(spec)} for spec in specs}


def _build_listed(spec: ToolSpec) -> JsonObject:
    return {
        "name": spec.name,
        "title": spec.title,
        "description": spec.description,
        "annotations": spec.hints.model_dump(by_alias=True, exclude_none=True),
        "_meta": link_to_view(spec),
        **build_schemas(spec),
    }


def build_schemas(spec: ToolSpec) -> JsonObject:
    """Return the schemas of a tool's arguments and of its result."""
    annotation = inspect.signature(spec.function, eval_str=True).return_annotation
    return {
        "inputSchema": slim(_arguments_schema(spec.function)),
        "outputSchema": _output_schema(_result_model(annotation, spec.list_name)),
    }


def find_validation_error(spec: ToolSpec, arguments: JsonObject) -> ValidationError | None:
    """Return why the types of arguments are wrong, or None."""
    try:
        build_arguments_model(spec.function).model_validate(arguments)
    except ValidationError as error:
        return error
    return None


@cache
def build_arguments_model(function: ToolFunction) -> type[ArgModelBase]:
    """Return the model that validates the arguments of a tool; built once per function."""
    _, *parameters = inspect.signature(function, eval_str=True).parameters.values()
    fields: dict[str, Any] = {
        item.name: (item.annotation, ... if item.default is item.empty else item.default)
        for item in parameters
        if item.name != CONTEXT_PARAMETER
    }
    return create_model(f"{function.__name__}_arguments", __base__=_Arguments, **fields)


@cache
def _arguments_schema(function: ToolFunction) -> JsonObject:
    return build_arguments_model(function).model_json_schema()


class ToolMetadata(FuncMetadata):
    """The SDK's view of a tool, with the model of its arguments built at the first call."""

    _name: str = PrivateAttr()
    _specs: Mapping[str, ToolSpec] = PrivateAttr()

    def __init__(self, name: str, specs: Mapping[str, ToolSpec], output_schema: JsonObject) -> None:
        super().__init__(arg_model=_Arguments, output_schema=output_schema)
        self._name, self._specs = name, specs

    @cached_property
    def arguments_schema(self) -> JsonObject:
        """The whole schema of the arguments, with what is accepted but not published."""
        function = self._specs[self._name].function
        self.arg_model = build_arguments_model(function)
        return _arguments_schema(function)

    def pre_parse_json(self, data: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments as they are: ``prepare_arguments`` has decoded JSON text."""
        return data


def full_arguments_schema(tool: Tool) -> JsonObject:
    """Return the whole schema of a tool's arguments, built at its first call."""
    if not isinstance(tool.fn_metadata, ToolMetadata):
        raise TypeError("a tool that build_tool() did not make")
    return tool.fn_metadata.arguments_schema


def _result_model(annotation: Any, list_name: str) -> type[BaseModel]:
    """Return the model of a tool's result, without the union arm of a question to the person."""
    arms = [arm for arm in get_args(annotation) if arm is not InputRequiredResult]
    model: type[BaseModel] = arms[0] if arms else annotation
    if model is Page:
        named_rows: Any = (list[JsonObject], Field(serialization_alias=list_name))
        return create_model(f"{list_name}_page", __base__=Page, rows=named_rows)
    return model


class _Arguments(ArgModelBase):
    """Base of the argument models: unknown arguments are refused, values are not echoed."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, allow_inf_nan=False)


@cache
def _output_schema(result_model: type[BaseModel]) -> JsonObject:
    schema = slim(result_model.model_json_schema(mode="serialization"))
    return {**schema, "properties": _without_required(schema["properties"])}


def _without_required(node: Any) -> Any:
    """Return a schema without nested ``required``, which only matters to those who fill it in."""
    if isinstance(node, list):
        return [_without_required(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: _without_required(value)
        for key, value in node.items()
        if key != "required" or not isinstance(value, list)
    }


def slim(schema: JsonObject) -> JsonObject:
    """Return a schema without titles, null arms, empty defaults and unused definitions."""
    slimmed = _slim_node(schema, schema.get("$defs", {}))
    return {key: value for key, value in slimmed.items() if key != "description"}


def _slim_node(node: Any, definitions: JsonObject) -> Any:
    if isinstance(node, list):
        return [_slim_node(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    node = _without_null(node)
    if node.get("$ref") in _PLAIN_OBJECT_REFS:
        plain: JsonObject = {"type": "object"}
        return plain | {key: node[key] for key in ("description",) if key in node}
    if "$ref" in node:
        target = definitions[node["$ref"].rsplit("/", 1)[-1]]
        return _slim_node(
            {**_without_description(target), **{k: v for k, v in node.items() if k != "$ref"}},
            definitions,
        )
    return {
        key: _slim_properties(value, definitions)
        if key == "properties"
        else _slim_node(value, definitions)
        for key, value in node.items()
        if not _is_omitted(key, value)
    }


def _slim_properties(properties: JsonObject, definitions: JsonObject) -> JsonObject:
    slimmed = {name: _slim_node(item, definitions) for name, item in properties.items()}
    return {name: item for name, item in slimmed.items() if not item.get("deprecated")}


def _is_omitted(key: str, value: Any) -> bool:
    empty = key == "default" and value in _EMPTY_DEFAULTS
    unreachable = key == "maxLength" and value >= _UNPUBLISHED_LENGTH_CHARS
    return key in _OMITTED_KEYS or empty or unreachable or (key == "minLength" and value == 1)


def _without_description(target: JsonObject) -> JsonObject:
    """Drop a docstring, which is for readers of the code, not for the model that calls the tool."""
    return {key: value for key, value in target.items() if key != "description"}


def _without_null(node: JsonObject) -> JsonObject:
    arms = node.get("anyOf")
    if not isinstance(arms, list):
        return node
    arms = [arm for arm in arms if arm != {"type": "null"}]
    rest = {key: value for key, value in node.items() if key != "anyOf"}
    return {**arms[0], **rest} if len(arms) == 1 else {**rest, "anyOf": arms}


def _bind(
    name: str, specs: Mapping[str, ToolSpec], app: App, unserved: UnservedTools
) -> Callable[..., Awaitable[CallToolResult | InputRequiredResult]]:
    """Return the function bound to ``app``, with its result rendered for the host."""

    async def call(**arguments: Any) -> CallToolResult | InputRequiredResult:
        spec = specs[name]
        if CONTEXT_PARAMETER not in spec.function.__annotations__:
            del arguments[CONTEXT_PARAMETER]
        result = await spec.function(app, **arguments)
        if isinstance(result, InputRequiredResult):
            return result
        return build_result(result, app.masker, unserved, list_name=spec.list_name)

    return call
