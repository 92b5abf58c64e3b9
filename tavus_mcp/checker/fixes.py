"""The calls that mend things: told in a hint and handed over in ``fix``, from one statement.

A value that only a person can choose is one of ``CHOICES``, written ``<LIKE_THIS>``; a value that
stands in the persona is ``Stored``: it is handed over, but never told.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tavus_mcp.models.findings import ToolCall
from tavus_mcp.models.json_patch import pointer_tokens

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
CONFIGURABLE_LAYERS = frozenset({"llm", "tts", "stt", "perception", "conversational_flow"})
_MAX_VALUE_CHARS = 60
_PERSONA_ID_ARGUMENT = "persona_id"
# Fields of these layers that their tools have no argument for.
_FIELDS_WITHOUT_ARGUMENT = frozenset(
    {
        "disable_vision",
        "enable_llm_proxy",
        "endpoint",
        "is_custom",
        "model_name",
        "tools",
        "noise_cancellation",
        "idle_end_behavior",
        "visual_tools",
        "audio_tools",
        "screen_tools",
        "perception_tools",
        "perception_tool_prompt",
        "tool_prompt",
    }
)
_ARGUMENT_BY_FIELD = {
    "persona_name": "name",
    "document_ids": "documents",
    "objectives_id": "objectives",
    "guardrail_ids": "guardrails",
}
FIELD_BY_ARGUMENT: Mapping[str, str] = {
    argument: field for field, argument in _ARGUMENT_BY_FIELD.items()
}
"""The fields that arguments of create_persona and update_persona name otherwise."""
_PATCH_ONLY_FIELDS = frozenset({"layers", "is_template"})  # top-level fields without an argument
_LLM_PARENT_PATHS = dict.fromkeys(("temperature", "top_p"), "extra_body/")
_TTS_PARENT_PATHS = dict.fromkeys(
    ("speed", "volume", "emotion", "stability", "similarity_boost", "style", "use_speaker_boost"),
    "voice_settings/",
)
_NESTED_ARGUMENTS = {
    ("llm", "extra_body"): {"temperature", "top_p"},
    ("tts", "voice_settings"): None,
}


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
        fields["unset"] = [_ARGUMENT_BY_FIELD.get(name, name) for name in fields["unset"]]
    return FixCall(
        "update_persona",
        {_ARGUMENT_BY_FIELD.get(name, name): value for name, value in fields.items()},
    )


def configure(layer: str, **values: Any) -> FixCall:
    """Return the call that sets fields of a layer; what no tool sets takes a raw patch."""
    if layer in CONFIGURABLE_LAYERS and not _FIELDS_WITHOUT_ARGUMENT & values.keys():
        return FixCall(f"configure_{layer}", values)
    return patch(
        *(_set_operation(f"/layers/{layer}/{name}", value) for name, value in values.items())
    )


def unset_fields(layer: str, *names: str) -> FixCall:
    """Return the call that removes fields of a layer; its own name removes all of it."""
    if layer in CONFIGURABLE_LAYERS and not _FIELDS_WITHOUT_ARGUMENT & set(names):
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
        case [field] if field not in _PATCH_ONLY_FIELDS:
            return update_fields(**{field: value})
        case ["layers", layer, name] if (
            layer in CONFIGURABLE_LAYERS and name not in _FIELDS_WITHOUT_ARGUMENT
        ):
            return configure(layer, **{name: value})
        case ["layers", layer, parent, name] if (layer, parent) in _NESTED_ARGUMENTS:
            if name in (_NESTED_ARGUMENTS[layer, parent] or {name}):
                return configure(layer, **{name: value})
    return patch(_set_operation(pointer, value))


def unset_at(pointer: str) -> FixCall:
    """Return the call that removes what stands at a pointer, by the tool that is made for it."""
    match pointer_tokens(pointer):
        case [field] if field not in _PATCH_ONLY_FIELDS:
            return update_fields(unset=[field])
        case ["layers", layer, *parents, name] if layer in CONFIGURABLE_LAYERS and not parents:
            return unset_fields(layer, name)
        case ["layers", layer, parent, name] if (layer, parent) in _NESTED_ARGUMENTS:
            if name in (_NESTED_ARGUMENTS[layer, parent] or {name}):
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
        return f"/{FIELD_BY_ARGUMENT.get(name, name)}"
    if name == layer:
        return f"/layers/{layer}"
    inner = {"llm": _LLM_PARENT_PATHS, "tts": _TTS_PARENT_PATHS}.get(layer, {})
    return f"/layers/{layer}/{inner.get(name, '')}{name}"


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
