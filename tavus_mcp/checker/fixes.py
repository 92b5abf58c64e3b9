"""The tool calls that fix a finding. One object renders both the hint and the structured ``fix``.

A value that only a person can choose is one of ``PLACEHOLDERS``, written ``<LIKE_THIS>``. A value
that the persona already has is an ``UnprintedValue``: the call contains it, the hint does not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tavus_mcp.models.findings import ToolCall
from tavus_mcp.models.json_patch import pointer_tokens
from tavus_mcp.models.layers import (
    CONFIGURABLE_LAYERS,
    layer_arguments,
    layer_patch_only_fields,
)
from tavus_mcp.models.persona import persona_arguments, persona_patch_only_fields
from tavus_mcp.text import join_first, quote_path, render_json_line

PLACEHOLDERS: Mapping[str, str] = {
    "<BASE_URL>": "the public https address of your endpoint, without /chat/completions",
    "<DESCRIPTION>": "when to call the function, or what the argument means, in a sentence or two",
    "<DICTIONARY_ID>": "a pronunciation dictionary of your account",
    "<DOCUMENT_ID>": "the id of a document of your account",
    "<EXTERNAL_VOICE_ID>": "an id from the voice library of the engine's provider",
    "<FUNCTION_NAME>": "letters, digits and underscores, such as get_weather",
    "<GREETING>": "a sentence or two",
    "<GUARDRAIL_ID>": "the id of a single guardrail of your account",
    "<KEY_NAME>": "x, if the environment of the server has TAVUS_SECRET_X",
    "<LANGUAGE_CODE>": "a code such as en, as in tavus://guide/languages",
    "<MODEL>": "a model that your endpoint has",
    "<NAME>": "a display name",
    "<NEW_TEXT>": "the right text",
    "<OBJECTIVES_ID>": "the id of an objective set of your account",
    "<OLD_TEXT>": "a part of the present text, which get_persona shows with full_prompt=true",
    "<PARAMETERS>": "a JSON Schema of type object, shorter than now",
    "<PROMPT>": "who the persona is and how it behaves",
    "<QUERY>": "a question for Raven to answer",
    "<REPLICA_ID>": "the id of a replica, such as r90bbd427f71",
    "<SHORTER_TEXT>": "the same text, shorter",
    "<SLEEP_PHRASE>": "words that make the replica silent",
    "<TOOL_ID>": "the id of a registry tool of your account",
    "<USERNAME>": "letters, digits, dots and hyphens",
    "<VOICE_ID>": "the id of a Tavus Voice",
    "<WAKE_PHRASE>": "words that make the replica answer again",
    "<WHEN_TO_CALL>": "when to call these functions",
}
"""Values that a person has to choose, each with what it is or where it is listed."""

PLACEHOLDER_PATTERN = re.compile("|".join(PLACEHOLDERS))
_UNAMBIGUOUS_PLACEHOLDER = re.compile("|".join(choice for choice in PLACEHOLDERS if "_" in choice))
_MAX_VALUE_CHARS = 60
_MAX_OPERATIONS_CHARS = 2_000
_PERSONA_ID_ARGUMENT = "persona_id"
_UNSET = "unset"
PART_PATCH = "patch_part"
"""Stands for the call that changes a part; hints name its effect, because calls need an id."""


@dataclass(frozen=True)
class UnprintedValue:
    """A value that the persona already has: part of the call, but not repeated in the hint."""

    value: Any


@dataclass(frozen=True)
class FixCall:
    """A tool call about the checked persona; ``str`` gives it as a hint has it.

    >>> str(unset_fields("tts", "voice_id"))
    'configure_tts(persona_id, unset=["voice_id"])'
    """

    tool: str
    arguments: Mapping[str, Any]

    def __str__(self) -> str:
        return self._saved_hint

    def to_tool_call(self, persona_id: str) -> ToolCall:
        """Return the call as a client makes it for a saved persona."""
        arguments = {_PERSONA_ID_ARGUMENT: persona_id, **self._plain_arguments}
        return ToolCall.model_construct(tool=self.tool, arguments=arguments)

    # These are cached, because all findings about one function share a call that may be long.

    @cached_property
    def _saved_hint(self) -> str:
        arguments = [
            f"{quote_path(name)}={_render_value(value, is_whole=name == _UNSET)}"
            for name, value in self.arguments.items()
        ]
        return f"{self.tool}({', '.join([_PERSONA_ID_ARGUMENT, *arguments])})"

    @cached_property
    def _plain_arguments(self) -> dict[str, Any]:
        return {name: _unwrap_values(value) for name, value in self.arguments.items()}

    @cached_property
    def identity(self) -> str:
        """A text that equal calls share."""
        return json.dumps([self.tool, self._plain_arguments], default=str)

    @cached_property
    def draft_hint(self) -> str:
        """The effect of the call in the paths of a document: a draft has no id to call with."""
        return join_first(list(_draft_steps(self.tool, self.arguments)))

    @cached_property
    def placeholders(self) -> tuple[str, ...]:
        """The placeholders in the arguments, each once."""
        return tuple(dict.fromkeys(_iter_placeholders(self.arguments)))

    def find_arguments(self, placeholder: str) -> list[str]:
        """Return the names of the arguments that hold a placeholder."""
        return [
            name
            for name, value in self.arguments.items()
            if placeholder in _iter_placeholders([value])
        ]


@dataclass(frozen=True)
class Alternative:
    """Another call than the fix, which appears in the hint only."""

    fix_call: FixCall

    @property
    def tool(self) -> str:
        """The tool that is called."""
        return self.fix_call.tool

    def __str__(self) -> str:
        return str(self.fix_call)

    @property
    def draft_hint(self) -> str:
        """The effect of the call in the paths of a document."""
        return self.fix_call.draft_hint


HintPart = str | FixCall | Alternative
"""A part of a hint: text, a call of the fix, or an alternative call."""


def build_fix(tool: str, **arguments: Any) -> FixCall:
    """Return a call of any tool for the checked persona."""
    return FixCall(tool, arguments)


def update_fields(**fields: Any) -> FixCall:
    """Return the call that sets top-level fields, whose names are those of the document."""
    if "unset" in fields:
        fields["unset"] = [_argument_of(name) for name in fields["unset"]]
    return FixCall("update_persona", {_argument_of(name): value for name, value in fields.items()})


def attach_parts(**ids: Sequence[str]) -> FixCall:
    """Return the call that adds parts to those that a persona has; a list in an update replaces."""
    return FixCall("attach_parts", ids)


def _argument_of(field: str) -> str:
    """Return the argument of ``update_persona`` for a top-level field."""
    by_pointer = {pointer: argument for argument, pointer in persona_arguments().items()}
    return by_pointer.get(f"/{field}", field)


def _are_arguments(layer: str, fields: Iterable[str]) -> bool:
    """Return True unless only a raw patch sets one of these fields of a layer."""
    return layer in CONFIGURABLE_LAYERS and layer_patch_only_fields(layer).isdisjoint(fields)


def configure(layer: str, **values: Any) -> FixCall:
    """Return the call that sets fields of a layer; fields without an argument take a raw patch."""
    if _are_arguments(layer, values):
        return FixCall(f"configure_{layer}", values)
    return patch(
        *(_set_operation(f"/layers/{layer}/{name}", value) for name, value in values.items())
    )


def unset_fields(layer: str, *names: str) -> FixCall:
    """Return the call that removes fields of a layer; the layer's own name removes all of it."""
    if _are_arguments(layer, names):
        return configure(layer, unset=list(names))
    return remove(
        *(f"/layers/{layer}" if name == layer else f"/layers/{layer}/{name}" for name in names)
    )


def remove(*pointers: str) -> FixCall:
    """Return the patch that removes these fields; unknown fields at the top level are allowed."""
    operations = [{"op": "remove", "path": path} for path in pointers]
    has_top_level = any(path.count("/") == 1 for path in pointers)
    options = {"allow_unknown": True} if has_top_level else {}
    return FixCall("patch_persona", {"patch": operations, **options})


def patch(*operations: Mapping[str, Any]) -> FixCall:
    """Return the call that applies a raw JSON Patch."""
    return FixCall("patch_persona", {"patch": list(operations)})


def set_at(pointer: str, value: Any) -> FixCall:
    """Return the call that sets the value at a pointer, by the most specific tool."""
    match _find_argument(pointer):
        case ("", name):
            return update_fields(**{name: value})
        case (layer, name):
            return configure(layer, **{name: value})
    return patch(_set_operation(pointer, value))


def unset_at(pointer: str) -> FixCall:
    """Return the call that removes the value at a pointer, by the most specific tool."""
    match _find_argument(pointer):
        case ("", name):
            return update_fields(unset=[name])
        case (layer, name):
            return unset_fields(layer, name)
    return remove(pointer)


def _find_argument(pointer: str) -> tuple[str, str] | None:
    """Return layer and argument of the tool that sets a field; the layer is "" at the top."""
    match pointer_tokens(pointer):
        case [name] if name not in persona_patch_only_fields():
            return "", name
        case ["layers", layer, name] if _are_arguments(layer, [name]):
            return layer, name
        case ["layers", layer, _, name] if layer_arguments(layer).get(name) == pointer:
            return layer, name
    return None


def _set_operation(path: str, value: Any) -> dict[str, Any]:
    is_list_item = path.rpartition("/")[2].isdecimal()  # "add" would insert another item
    return {"op": "replace" if is_list_item else "add", "path": path, "value": value}


def _unwrap_values(value: Any) -> Any:
    """Return a value with each ``UnprintedValue`` replaced by its content."""
    if isinstance(value, UnprintedValue):
        return value.value
    if isinstance(value, Mapping):
        return {key: _unwrap_values(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_unwrap_values(item) for item in value]
    return value


def _iter_placeholders(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield from PLACEHOLDER_PATTERN.findall(value)
    elif isinstance(value, (Mapping, list)):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _iter_placeholders(item)


def _render_value(value: Any, *, is_whole: bool = False) -> str:
    """Return a value as a hint has it; "..." for a long one or one that the persona has.

    With ``is_whole``, which is for names of fields, only a very long one is left out.
    """
    if isinstance(value, UnprintedValue):
        return "..."
    if not isinstance(value, (Mapping, list)):
        return render_json_line(value)
    first = value[0] if isinstance(value, list) and value else value
    is_operation = isinstance(first, Mapping) and "op" in first
    parts: list[str] = []
    length = 2
    for part in _render_members(value):
        parts.append(part)
        length += len(part) + 2 * (len(parts) > 1)
        if length > (_MAX_OPERATIONS_CHARS if is_operation or is_whole else _MAX_VALUE_CHARS):
            return "..."  # the rest is not rendered: it may be long
    text = ", ".join(parts)
    return f"{{{text}}}" if isinstance(value, Mapping) else f"[{text}]"


def _render_members(value: Mapping[str, Any] | list[Any]) -> Iterator[str]:
    if isinstance(value, list):
        yield from map(_render_value, value)
        return
    for key, item in value.items():
        yield f"{render_json_line(str(key))}: {_render_value(item)}"


def _draft_steps(tool: str, arguments: Mapping[str, Any]) -> Iterator[str]:
    """Yield the effects of a call on a document, field by field."""
    rendered = {name: _render_value(value) for name, value in arguments.items()}
    match tool:
        case "patch_persona" | "patch_part":
            yield from map(_render_operation, arguments["patch"])
        case "attach_parts":
            for kind, ids in rendered.items():
                yield f"add {ids} to the {kind}"
        case "edit_prompt":
            field = arguments.get("field", "system_prompt")
            yield f"in /{field} put {rendered['replace']} for {rendered['find']}"
        case "set_function_tool" | "remove_function_tool":
            verb, _, _ = tool.partition("_")
            names = [name for name in ("description", "parameters") if name in arguments]
            visible = [name for name in names if rendered[name] != "..."]
            parts = " and ".join(f"{name} {rendered[name]}" for name in visible)
            verb = verb if visible or not names else "correct"
            yield f"{verb} the function {rendered['name']}" + (f" with {parts}" if parts else "")
        case _:
            layer = tool.removeprefix("configure_") if tool != "update_persona" else ""
            for name, value in rendered.items():
                if name != "unset":
                    yield f"set {quote_path(_document_pointer(layer, name))} to {value}"
            for name in arguments.get("unset", ()):
                yield f"remove {quote_path(_document_pointer(layer, name))}"


def _render_operation(operation: Mapping[str, Any]) -> str:
    match operation["op"]:
        case "remove":
            return f"remove {quote_path(operation['path'])}"
        case "move":
            return f"rename {quote_path(operation['from'])} to {quote_path(operation['path'])}"
    return f"set {quote_path(operation['path'])} to {_render_value(operation['value'])}"


def _document_pointer(layer: str, argument: str) -> str:
    """Return the field of a document that an argument sets."""
    if not layer:
        return persona_arguments().get(argument, f"/{argument}")
    if argument == layer:
        return f"/layers/{layer}"
    return layer_arguments(layer).get(argument, f"/layers/{layer}/{argument}")


def find_placeholder(text: str) -> str | None:
    """Return the first of ``PLACEHOLDERS`` in a text, unless it is used as a tag.

    Single words in angle brackets also mark parts of a prompt, so they count only if they are the
    whole text.

    >>> find_placeholder("Say <NEW_TEXT>."), find_placeholder("Answer what stands in <QUERY>.")
    ('<NEW_TEXT>', None)
    """
    if "<" not in text:
        return None
    if text.strip() in PLACEHOLDERS:
        return text.strip()
    found = (match.group() for match in _UNAMBIGUOUS_PLACEHOLDER.finditer(text))
    return next((placeholder for placeholder in found if f"</{placeholder[1:]}" not in text), None)


def move_field(source: str, target: str) -> FixCall:
    """Return the patch that moves a value to another field of the same object."""
    operation = {"op": "move", "from": source, "path": target}
    options = {"allow_unknown": True} if source.count("/") == 1 else {}
    return FixCall("patch_persona", {"patch": [operation], **options})


def merge_calls(calls: Iterable[FixCall]) -> tuple[str | FixCall, ...]:
    """Return calls as parts of a hint, joined by "and"; calls of one tool become one."""
    by_tool: dict[str, FixCall] = {}
    for call in calls:
        earlier = by_tool.get(call.tool)
        by_tool[call.tool] = _merge_two_calls(earlier, call) if earlier else call
    parts: list[str | FixCall] = []
    for call in by_tool.values():
        parts += [" and ", call] if parts else [call]
    return tuple(parts)


def _merge_two_calls(first: FixCall, second: FixCall) -> FixCall:
    """Return two calls of one tool as one; lists, such as ``unset``, are joined."""
    merged: dict[str, Any] = {**first.arguments, **second.arguments}
    for name in ("unset", "patch"):
        if name in merged:
            del merged[name]  # so that it comes behind the fields that are set
            merged[name] = [*first.arguments.get(name, ()), *second.arguments.get(name, ())]
    return FixCall(first.tool, merged)
