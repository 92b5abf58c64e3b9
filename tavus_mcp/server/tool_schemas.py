"""Making a declared tool a tool of the SDK: strict arguments, slim schemas, one way to answer.

Working out schemas and argument models takes longer than everything else at a start. So the
schemas come from ``surface.json``, rendered from these very functions by ``tavus-mcp manifest`` and
checked against them, and the model of a tool's arguments is made when the tool is first called.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Awaitable, Callable
from functools import cache, cached_property
from importlib.resources import files
from typing import Any, get_args

from mcp.server.mcpserver.tools import Tool
from mcp.server.mcpserver.utilities.func_metadata import ArgModelBase, FuncMetadata
from mcp_types import CallToolResult, InputRequiredResult
from pydantic import BaseModel, ConfigDict, PrivateAttr, create_model

from tavus_mcp.app import App
from tavus_mcp.models.base import JsonObject
from tavus_mcp.server.text_rendering import build_result
from tavus_mcp.server.toolset import ToolSpec

_OMITTED_KEYS = frozenset({"title", "discriminator", "additionalProperties", "$defs"})
"""Left out everywhere. A boolean ``additionalProperties`` breaks Gemini's schema converter; unknown
arguments are refused all the same (``_Arguments``)."""
SURFACE_FILE_NAME = "surface.json"
CONTEXT_PARAMETER = "ctx"
"""The parameter by which a tool reaches the client; it is no argument."""
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
"""Parts of an argument that are published as plain objects; they are checked all the same."""
_UNPUBLISHED_LENGTH_CHARS = 10_000
"""A longest length that nobody comes near by chance; it is checked, not published."""
_EMPTY_DEFAULTS: tuple[Any, ...] = (None, [], {}, False)


def build_tool(spec: ToolSpec, app: App) -> Tool:
    """Return the tool that hosts see, bound to one world."""
    schemas = load_surface().get(spec.name) or build_schemas(spec)
    return Tool(
        fn=_bind(spec, app),
        name=spec.name,
        title=spec.title,
        description=spec.description,
        parameters=schemas["inputSchema"],
        fn_metadata=ToolMetadata(spec, schemas["outputSchema"]),
        is_async=True,
        context_kwarg=CONTEXT_PARAMETER
        if CONTEXT_PARAMETER in spec.function.__annotations__
        else None,
        annotations=spec.hints,
    )


@cache
def load_surface() -> JsonObject:
    """Return the rendered schemas of all tools, by name."""
    text = files("tavus_mcp.server").joinpath(SURFACE_FILE_NAME).read_text(encoding="utf-8")
    return dict(json.loads(text))


def build_schemas(spec: ToolSpec) -> JsonObject:
    """Work out the schemas of a tool's arguments and of its answer."""
    signature = inspect.signature(spec.function, eval_str=True)
    return {
        "inputSchema": slim(build_arguments_model(spec).model_json_schema()),
        "outputSchema": _output_schema(_result_model(signature.return_annotation)),
    }


def build_arguments_model(spec: ToolSpec) -> type[ArgModelBase]:
    """Make the model that a tool's arguments are validated by."""
    _, *parameters = inspect.signature(spec.function, eval_str=True).parameters.values()
    fields: dict[str, Any] = {
        item.name: (item.annotation, ... if item.default is item.empty else item.default)
        for item in parameters
        if item.name != CONTEXT_PARAMETER
    }
    return create_model(f"{spec.name}_arguments", __base__=_Arguments, **fields)


class ToolMetadata(FuncMetadata):
    """The SDK's view of a tool, with the model of its arguments made at the first call."""

    _spec: ToolSpec = PrivateAttr()

    def __init__(self, spec: ToolSpec, output_schema: JsonObject) -> None:
        super().__init__(arg_model=_Arguments, output_schema=output_schema)
        self._spec = spec

    @cached_property
    def arguments_schema(self) -> JsonObject:
        """The whole schema of the arguments, with what is accepted but not published."""
        self.arg_model = build_arguments_model(self._spec)
        return self.arg_model.model_json_schema()

    def pre_parse_json(self, data: dict[str, Any]) -> dict[str, Any]:
        """Leave the arguments alone: ``arguments.prepared`` has read what is JSON, no more."""
        return data


def full_arguments_schema(tool: Tool) -> JsonObject:
    """Return the whole schema of a tool's arguments, made at its first call."""
    if not isinstance(tool.fn_metadata, ToolMetadata):
        raise TypeError("a tool that build() did not make")
    return tool.fn_metadata.arguments_schema


def _result_model(annotation: Any) -> type[BaseModel]:
    """Return the model of a tool's answer; a question to the person is no answer."""
    arms = [arm for arm in get_args(annotation) if arm is not InputRequiredResult]
    answer: type[BaseModel] = arms[0] if arms else annotation
    return answer


class _Arguments(ArgModelBase):
    """What every tool's arguments have in common: unknown ones are refused, values not echoed."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


@cache
def _output_schema(result_model: type[BaseModel]) -> JsonObject:
    schema = slim(result_model.model_json_schema(mode="serialization"))
    return {**schema, "properties": _without_required(schema["properties"])}


def _without_required(node: Any) -> Any:
    """Leave out what is always there inside an answer: nobody fills answers in."""
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
    """Return a schema without what says nothing: titles, null arms, null defaults, unused parts."""
    slimmed = _slim_node(schema, schema.get("$defs", {}))
    return {key: value for key, value in slimmed.items() if key != "description"}


def _slim_node(node: Any, definitions: JsonObject) -> Any:
    if isinstance(node, list):
        return [_slim_node(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    node = _without_null(node)
    if node.get("$ref") in _PLAIN_OBJECT_REFS:
        return {"type": "object"}
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
    far = key == "maxLength" and value >= _UNPUBLISHED_LENGTH_CHARS
    return key in _OMITTED_KEYS or empty or far or (key == "minLength" and value == 1)


def _without_description(target: JsonObject) -> JsonObject:
    """A model's docstring is for readers of the code, not for the model that calls the tool."""
    return {key: value for key, value in target.items() if key != "description"}


def _without_null(node: JsonObject) -> JsonObject:
    arms = node.get("anyOf")
    if not isinstance(arms, list):
        return node
    kept = [arm for arm in arms if arm != {"type": "null"}]
    rest = {key: value for key, value in node.items() if key != "anyOf"}
    return {**kept[0], **rest} if len(kept) == 1 else {**rest, "anyOf": kept}


def _bind(
    spec: ToolSpec, app: App
) -> Callable[..., Awaitable[CallToolResult | InputRequiredResult]]:
    """Return the function bound to its world, with its answer shown."""

    async def call(**arguments: Any) -> CallToolResult | InputRequiredResult:
        answer = await spec.function(app, **arguments)
        return (
            answer if isinstance(answer, InputRequiredResult) else build_result(answer, app.masker)
        )

    return call
