"""The calls that mend things: told in a hint and handed over in ``fix``, from one statement.

A value that only a person can choose is one of ``CHOICES``, written ``<LIKE_THIS>``; a value that
stands in the persona is ``Stored``: it is handed over, but never told.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tavus_mcp.models.findings import ToolCall
from tavus_mcp.models.json_patch import pointer_tokens
from tavus_mcp.models.layers import (
    CONFIGURABLE_LAYERS,
    layer_arguments,
    layer_patch_only_fields,
)
from tavus_mcp.models.persona import persona_arguments, persona_patch_only_fields

PLACEHOLDERS: Mapping[str, str] = {
    "<BASE_URL>": "the public https address of your endpoint, without a route",
    "<DESCRIPTION>": "when it is to be called, or what the argument is, in a sentence or two",
    "<DICTIONARY_ID>": "a pronunciation dictionary of your account",
    "<DOCUMENT_ID>": "an id of list_documents",
    "<EXTERNAL_VOICE_ID>": "an id from the voice library of the engine's provider",
    "<FUNCTION_NAME>": "letters, digits and underscores, such as get_weather",
    "<GREETING>": "a sentence or two",
    "<GUARDRAIL_ID>": "an id of list_guardrails",
    "<KEY_NAME>": "x, when the server's environment has TAVUS_SECRET_X",
    "<LANGUAGE_CODE>": "a code such as en, as in tavus://guide/languages",
    "<MODEL>": "a model that your endpoint has",
    "<NAME>": "a display name",
    "<NEW_TEXT>": "what is to stand there",
    "<OBJECTIVES_ID>": "an id of list_objectives",
    "<OLD_TEXT>": "a piece of the text as it stands, by get_persona with full_prompt=true",
    "<PARAMETERS>": "a JSON Schema of type object, shorter than now",
    "<PROMPT>": "who the persona is and how it behaves",
    "<QUERY>": "a question that Raven is to answer",
    "<REPLICA_ID>": "an id of list_replicas",
    "<SHORTER_TEXT>": "the same, shorter",
    "<SLEEP_PHRASE>": "words that send it to sleep",
    "<TOOL_ID>": "an id of list_registry_tools",
    "<USERNAME>": "letters, digits, dots and hyphens",
    "<VOICE_ID>": "an id of list_voices",
    "<WAKE_PHRASE>": "words that wake it up",
    "<WHEN_TO_CALL>": "when these functions are to be called",
}
"""What a person has to choose, and where it is found."""

PLACEHOLDER_PATTERN = re.compile("|".join(PLACEHOLDERS))
_UNAMBIGUOUS_PLACEHOLDER = re.compile("|".join(choice for choice in PLACEHOLDERS if "_" in choice))
_MAX_VALUE_CHARS = 60
_PERSONA_ID_ARGUMENT = "persona_id"


@dataclass(frozen=True)
class UnprintedValue:
    """A value that stands in the persona: given back in a call, not repeated in a text."""

    value: Any


@dataclass(frozen=True)
class FixCall:
    """A call of a tool about the persona that was checked; written as a hint tells it.

    >>> str(drop("tts", "voice_id"))
    'configure_tts(persona_id, unset=["voice_id"])'
    """

    tool: str
    arguments: Mapping[str, Any]

    def __str__(self) -> str:
        given = [f"{name}={_render_value(value)}" for name, value in self.arguments.items()]
        return f"{self.tool}({', '.join([_PERSONA_ID_ARGUMENT, *given])})"

    def to_tool_call(self, persona_id: str) -> ToolCall:
        """Return the call as it is to be made for a saved persona."""
        arguments = {name: _unwrap_values(value) for name, value in self.arguments.items()}
        return ToolCall(tool=self.tool, arguments={_PERSONA_ID_ARGUMENT: persona_id, **arguments})

    @property
    def draft_hint(self) -> str:
        """What the call does, told of the places of a document."""
        return ", ".join(_draft_steps(self.tool, self.arguments))

    def placeholders(self) -> Iterator[str]:
        """Yield what a person has to choose in it."""
        yield from _iter_placeholders(self.arguments)


@dataclass(frozen=True)
class Alternative:
    """Another way than the fix, told in a hint only."""

    fix_call: FixCall

    def __str__(self) -> str:
        return str(self.fix_call)

    @property
    def draft_hint(self) -> str:
        """What the call does, told of the places of a document."""
        return self.fix_call.draft_hint


HintPart = str | FixCall | Alternative
"""What a hint is made of."""


def alternative_fix(fix_call: FixCall) -> Alternative:
    """Return a call as another way than the fix."""
    return Alternative(fix_call)


def build_fix(tool: str, **arguments: Any) -> FixCall:
    """Return the call of a tool for the persona that is checked."""
    return FixCall(tool, arguments)


def update_fields(**fields: Any) -> FixCall:
    """Return the call that sets top-level fields, under the names of its arguments."""
    if "unset" in fields:
        fields["unset"] = [_argument_of(name) for name in fields["unset"]]
    return FixCall("update_persona", {_argument_of(name): value for name, value in fields.items()})


def _argument_of(field: str) -> str:
    """Return the argument of ``update_persona`` for a top-level field."""
    by_pointer = {pointer: argument for argument, pointer in persona_arguments().items()}
    return by_pointer.get(f"/{field}", field)


def _are_arguments(layer: str, fields: Iterable[str]) -> bool:
    """Return True unless only a raw patch sets one of these fields of a layer."""
    return layer in CONFIGURABLE_LAYERS and layer_patch_only_fields(layer).isdisjoint(fields)


def configure(layer: str, **values: Any) -> FixCall:
    """Return the call that sets fields of a layer; what no tool sets takes a raw patch."""
    if _are_arguments(layer, values):
        return FixCall(f"configure_{layer}", values)
    return patch(
        *(_set_operation(f"/layers/{layer}/{name}", value) for name, value in values.items())
    )


def unset_fields(layer: str, *names: str) -> FixCall:
    """Return the call that removes fields of a layer; its own name removes all of it."""
    if _are_arguments(layer, names):
        return configure(layer, unset=list(names))
    whole = [f"/layers/{layer}" if name == layer else f"/layers/{layer}/{name}" for name in names]
    return remove(*whole)


def remove(*pointers: str) -> FixCall:
    """Return the patch that removes what no other tool does; it need not be a known field."""
    operations = [{"op": "remove", "path": path} for path in pointers]
    top = any(path.count("/") == 1 for path in pointers)
    return FixCall(
        "patch_persona", {"patch": operations} | ({"allow_unknown": True} if top else {})
    )


def patch(*operations: Mapping[str, Any]) -> FixCall:
    """Return the call that applies a raw JSON Patch."""
    return FixCall("patch_persona", {"patch": list(operations)})


def set_at(pointer: str, value: Any) -> FixCall:
    """Return the call that sets what stands at a pointer, by the tool that is made for it."""
    match pointer_tokens(pointer):
        case [field] if field not in persona_patch_only_fields():
            return update_fields(**{field: value})
        case ["layers", layer, name] if _are_arguments(layer, [name]):
            return configure(layer, **{name: value})
        case ["layers", layer, _, name] if layer_arguments(layer).get(name) == pointer:
            return configure(layer, **{name: value})
    return patch(_set_operation(pointer, value))


def unset_at(pointer: str) -> FixCall:
    """Return the call that removes what stands at a pointer, by the tool that is made for it."""
    match pointer_tokens(pointer):
        case [field] if field not in persona_patch_only_fields():
            return update_fields(unset=[field])
        case ["layers", layer, name] if layer in CONFIGURABLE_LAYERS:
            return unset_fields(layer, name)
        case ["layers", layer, _, name] if layer_arguments(layer).get(name) == pointer:
            return unset_fields(layer, name)
    return remove(pointer)


def _set_operation(path: str, value: Any) -> dict[str, Any]:
    item = path.rpartition("/")[2].isdecimal()  # where "add" would push the others aside
    return {"op": "replace" if item else "add", "path": path, "value": value}


def _unwrap_values(value: Any) -> Any:
    """Return a value as it is handed over."""
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


def _render_value(value: Any) -> str:
    """Return a value as a hint tells it; three dots for what is stored, or long."""
    if isinstance(value, Mapping):
        inside = ", ".join(
            f"{json.dumps(str(key))}: {_render_value(item)}" for key, item in value.items()
        )
        written = f"{{{inside}}}"
    elif isinstance(value, list):
        written = f"[{', '.join(map(_render_value, value))}]"
    elif isinstance(value, UnprintedValue):
        return "..."
    else:
        return json.dumps(value, ensure_ascii=False)
    first = value[0] if isinstance(value, list) and value else value
    operation = isinstance(first, Mapping) and "op" in first
    return written if operation or len(written) <= _MAX_VALUE_CHARS else "..."


def _draft_steps(tool: str, arguments: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a call does to a document, place by place."""
    given = dict(arguments)
    match tool:
        case "patch_persona":
            yield from (_render_operation(one) for one in given["patch"])
        case "edit_prompt":
            place = given.get("field", "system_prompt")
            yield (
                f"in /{place} put {_render_value(given['replace'])} for "
                f"{_render_value(given['find'])}"
            )
        case "set_function_tool" | "remove_function_tool":
            verb, _, _ = tool.partition("_")
            more = [
                f"{name} {_render_value(given[name])}"
                for name in ("description", "parameters")
                if name in given
            ]
            described = f" with {' and '.join(more)}" if more else ""
            yield f"{verb} the function {_render_value(given['name'])}{described}"
        case _:
            layer = tool.removeprefix("configure_") if tool != "update_persona" else ""
            gone = given.pop("unset", [])
            yield from (
                f"set {_document_pointer(layer, name)} to {_render_value(it)}"
                for name, it in given.items()
            )
            yield from (f"remove {_document_pointer(layer, name)}" for name in gone)


def _render_operation(operation: Mapping[str, Any]) -> str:
    match operation["op"]:
        case "remove":
            return f"remove {operation['path']}"
        case "move":
            return f"rename {operation['from']} to {operation['path']}"
    return f"set {operation['path']} to {_render_value(operation['value'])}"


def _document_pointer(layer: str, name: str) -> str:
    """Return where an argument goes in a document."""
    if not layer:
        return persona_arguments().get(name, f"/{name}")
    if name == layer:
        return f"/layers/{layer}"
    return layer_arguments(layer).get(name, f"/layers/{layer}/{name}")


def find_placeholder(text: str) -> str | None:
    """Return the first of ``CHOICES`` that a text is, or plainly has in it, but not as a tag.

    Single words in angle brackets also mark parts of a prompt, so within it they are left alone.

    >>> unchosen("Say <NEW_TEXT>."), unchosen("Answer what stands in <QUERY>.")
    ('<NEW_TEXT>', None)
    """
    if "<" not in text:
        return None
    if text.strip() in PLACEHOLDERS:
        return text.strip()
    found = (match.group() for match in _UNAMBIGUOUS_PLACEHOLDER.finditer(text))
    return next((one for one in found if f"</{one[1:]}" not in text), None)


def move_field(source: str, target: str) -> FixCall:
    """Return the patch that moves what stands at a pointer beside it, under another name."""
    operation = {"op": "move", "from": source, "path": target}
    more = {"allow_unknown": True} if source.count("/") == 1 else {}
    return FixCall("patch_persona", {"patch": [operation], **more})
