"""Making a declared tool a tool of the SDK: strict arguments, slim schemas, one way to answer."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any

from mcp.server.mcpserver.tools import Tool
from mcp.server.mcpserver.utilities.func_metadata import ArgModelBase, FuncMetadata
from mcp_types import CallToolResult
from pydantic import BaseModel, ConfigDict, create_model

from tavus_mcp.app import App
from tavus_mcp.models.base import JsonObject
from tavus_mcp.tools.present import result
from tavus_mcp.tools.toolset import Spec

_NOISE = frozenset({"title", "discriminator", "additionalProperties", "$defs"})
_FUNCTION = "#/$defs/FunctionTool"  # set_function_tool has it typed
_EMPTY_DEFAULTS: tuple[Any, ...] = (None, [], {}, False)


def build(spec: Spec, app: App) -> Tool:
    """Return the tool that hosts see, bound to one world."""
    signature = inspect.signature(spec.function, eval_str=True)
    _, *parameters = signature.parameters.values()
    model = _arguments(spec.name, parameters)
    metadata = FuncMetadata(
        arg_model=model, output_schema=_output_schema(signature.return_annotation)
    )
    return Tool(
        fn=_bound(spec, app),
        name=spec.name,
        title=spec.title,
        description=spec.description,
        parameters={**slim(model.model_json_schema()), "additionalProperties": False},
        fn_metadata=metadata,
        is_async=True,
        annotations=spec.hints,
    )


class _Arguments(ArgModelBase):
    """What every tool's arguments have in common: unknown ones are refused, values not echoed."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


def _arguments(name: str, parameters: list[inspect.Parameter]) -> type[ArgModelBase]:
    fields: dict[str, Any] = {
        item.name: (item.annotation, ... if item.default is item.empty else item.default)
        for item in parameters
    }
    return create_model(f"{name}_arguments", __base__=_Arguments, **fields)


@cache
def _output_schema(answer: type[BaseModel]) -> JsonObject:
    return slim(answer.model_json_schema(mode="serialization"))


def slim(schema: JsonObject) -> JsonObject:
    """Return a schema without what says nothing: titles, null arms, null defaults, unused parts."""
    slimmed = _slimmed(schema, schema.get("$defs", {}))
    return {key: value for key, value in slimmed.items() if key != "description"}


def _slimmed(node: Any, definitions: JsonObject) -> Any:
    if isinstance(node, list):
        return [_slimmed(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    node = _without_null(node)
    if node.get("$ref") == _FUNCTION:
        return {"type": "object"}
    if "$ref" in node:
        target = definitions[node["$ref"].rsplit("/", 1)[-1]]
        return _slimmed(
            {**_plain(target), **{k: v for k, v in node.items() if k != "$ref"}}, definitions
        )
    return {
        key: _members(value, definitions) if key == "properties" else _slimmed(value, definitions)
        for key, value in node.items()
        if not _is_noise(key, value)
    }


def _members(properties: JsonObject, definitions: JsonObject) -> JsonObject:
    slimmed = {name: _slimmed(item, definitions) for name, item in properties.items()}
    return {name: item for name, item in slimmed.items() if not item.get("deprecated")}


def _is_noise(key: str, value: Any) -> bool:
    empty = key == "default" and value in _EMPTY_DEFAULTS
    return key in _NOISE or empty or (key == "minLength" and value == 1)


def _plain(target: JsonObject) -> JsonObject:
    """A model's docstring is for readers of the code, not for the model that calls the tool."""
    return {key: value for key, value in target.items() if key != "description"}


def _without_null(node: JsonObject) -> JsonObject:
    arms = node.get("anyOf")
    if not isinstance(arms, list):
        return node
    kept = [arm for arm in arms if arm != {"type": "null"}]
    rest = {key: value for key, value in node.items() if key != "anyOf"}
    return {**kept[0], **rest} if len(kept) == 1 else {**rest, "anyOf": kept}


def _bound(spec: Spec, app: App) -> Callable[..., Awaitable[CallToolResult]]:
    """Return the function bound to its world, with its answer shown."""

    async def call(**arguments: Any) -> CallToolResult:
        return result(await spec.function(app, **arguments), app.masker)

    return call
