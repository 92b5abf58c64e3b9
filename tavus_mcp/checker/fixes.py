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
from tavus_mcp.models.json_patch import tokens

CHOICES: Mapping[str, str] = {
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

CHOICE = re.compile("|".join(CHOICES))
_UNMISTAKABLE = re.compile("|".join(choice for choice in CHOICES if "_" in choice))
CONFIGURED = frozenset({"llm", "tts", "stt", "perception", "conversational_flow"})
_LONGEST = 60
_PERSONA = "persona_id"
# Fields of these layers that their tools have no argument for.
_UNCONFIGURED = frozenset(
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
_ARGUMENTS = {
    "persona_name": "name",
    "document_ids": "documents",
    "objectives_id": "objectives",
    "guardrail_ids": "guardrails",
}
FIELDS: Mapping[str, str] = {argument: field for field, argument in _ARGUMENTS.items()}
"""The fields that arguments of create_persona and update_persona name otherwise."""
_PATCHED = frozenset({"layers", "is_template"})  # top-level fields without an argument
_TUNED = dict.fromkeys(("temperature", "top_p"), "extra_body/")
_SETTINGS = dict.fromkeys(
    ("speed", "volume", "emotion", "stability", "similarity_boost", "style", "use_speaker_boost"),
    "voice_settings/",
)
_WITHIN = {("llm", "extra_body"): {"temperature", "top_p"}, ("tts", "voice_settings"): None}


@dataclass(frozen=True)
class Stored:
    """A value that stands in the persona: given back in a call, not repeated in a text."""

    value: Any


@dataclass(frozen=True)
class Call:
    """A call of a tool about the persona that was checked; written as a hint tells it.

    >>> str(drop("tts", "voice_id"))
    'configure_tts(persona_id, unset=["voice_id"])'
    """

    tool: str
    arguments: Mapping[str, Any]

    def __str__(self) -> str:
        given = [f"{name}={_told(value)}" for name, value in self.arguments.items()]
        return f"{self.tool}({', '.join([_PERSONA, *given])})"

    def made(self, persona_id: str) -> ToolCall:
        """Return the call as it is to be made for a saved persona."""
        arguments = {name: _given(value) for name, value in self.arguments.items()}
        return ToolCall(tool=self.tool, arguments={_PERSONA: persona_id, **arguments})

    @property
    def of_draft(self) -> str:
        """What the call does, told of the places of a document."""
        return ", ".join(_steps(self.tool, self.arguments))

    def choices(self) -> Iterator[str]:
        """Yield what a person has to choose in it."""
        yield from _choices(self.arguments)


@dataclass(frozen=True)
class Also:
    """Another way than the fix, told in a hint only."""

    call: Call

    def __str__(self) -> str:
        return str(self.call)

    @property
    def of_draft(self) -> str:
        """What the call does, told of the places of a document."""
        return self.call.of_draft


Part = str | Call | Also
"""What a hint is made of."""


def also(way: Call) -> Also:
    """Return a call as another way than the fix."""
    return Also(way)


def call(tool: str, **arguments: Any) -> Call:
    """Return the call of a tool for the persona that is checked."""
    return Call(tool, arguments)


def update(**fields: Any) -> Call:
    """Return the call that sets top-level fields, under the names of its arguments."""
    if "unset" in fields:
        fields["unset"] = [_ARGUMENTS.get(name, name) for name in fields["unset"]]
    return Call(
        "update_persona", {_ARGUMENTS.get(name, name): value for name, value in fields.items()}
    )


def configure(layer: str, **values: Any) -> Call:
    """Return the call that sets fields of a layer; what no tool sets takes a raw patch."""
    if layer in CONFIGURED and not _UNCONFIGURED & values.keys():
        return Call(f"configure_{layer}", values)
    return patch(*(_add(f"/layers/{layer}/{name}", value) for name, value in values.items()))


def drop(layer: str, *names: str) -> Call:
    """Return the call that removes fields of a layer; its own name removes all of it."""
    if layer in CONFIGURED and not _UNCONFIGURED & set(names):
        return configure(layer, unset=list(names))
    whole = [f"/layers/{layer}" if name == layer else f"/layers/{layer}/{name}" for name in names]
    return remove(*whole)


def remove(*pointers: str) -> Call:
    """Return the patch that removes what no other tool does; it need not be a known field."""
    operations = [{"op": "remove", "path": path} for path in pointers]
    top = any(path.count("/") == 1 for path in pointers)
    return Call("patch_persona", {"patch": operations} | ({"allow_unknown": True} if top else {}))


def patch(*operations: Mapping[str, Any]) -> Call:
    """Return the call that applies a raw JSON Patch."""
    return Call("patch_persona", {"patch": list(operations)})


def put(pointer: str, value: Any) -> Call:
    """Return the call that sets what stands at a pointer, by the tool that is made for it."""
    match tokens(pointer):
        case [field] if field not in _PATCHED:
            return update(**{field: value})
        case ["layers", layer, name] if layer in CONFIGURED and name not in _UNCONFIGURED:
            return configure(layer, **{name: value})
        case ["layers", layer, parent, name] if (layer, parent) in _WITHIN:
            if name in (_WITHIN[layer, parent] or {name}):
                return configure(layer, **{name: value})
    return patch(_add(pointer, value))


def unset(pointer: str) -> Call:
    """Return the call that removes what stands at a pointer, by the tool that is made for it."""
    match tokens(pointer):
        case [field] if field not in _PATCHED:
            return update(unset=[field])
        case ["layers", layer, *parents, name] if layer in CONFIGURED and not parents:
            return drop(layer, name)
        case ["layers", layer, parent, name] if (layer, parent) in _WITHIN:
            if name in (_WITHIN[layer, parent] or {name}):
                return drop(layer, name)
    return remove(pointer)


def _add(path: str, value: Any) -> dict[str, Any]:
    item = path.rpartition("/")[2].isdecimal()  # where "add" would push the others aside
    return {"op": "replace" if item else "add", "path": path, "value": value}


def _given(value: Any) -> Any:
    """Return a value as it is handed over."""
    if isinstance(value, Stored):
        return value.value
    if isinstance(value, Mapping):
        return {key: _given(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_given(item) for item in value]
    return value


def _choices(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield from CHOICE.findall(value)
    elif isinstance(value, (Mapping, list)):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _choices(item)


def _told(value: Any) -> str:
    """Return a value as a hint tells it; three dots for what is stored, or long."""
    if isinstance(value, Mapping):
        inside = ", ".join(f"{json.dumps(str(key))}: {_told(item)}" for key, item in value.items())
        written = f"{{{inside}}}"
    elif isinstance(value, list):
        written = f"[{', '.join(map(_told, value))}]"
    elif isinstance(value, Stored):
        return "..."
    else:
        return json.dumps(value, ensure_ascii=False)
    first = value[0] if isinstance(value, list) and value else value
    operation = isinstance(first, Mapping) and "op" in first
    return written if operation or len(written) <= _LONGEST else "..."


def _steps(tool: str, arguments: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a call does to a document, place by place."""
    given = dict(arguments)
    match tool:
        case "patch_persona":
            yield from (_operation(one) for one in given["patch"])
        case "edit_prompt":
            place = given.get("field", "system_prompt")
            yield f"in /{place} put {_told(given['replace'])} for {_told(given['find'])}"
        case "set_function_tool" | "remove_function_tool":
            verb, _, _ = tool.partition("_")
            more = [
                f"{name} {_told(given[name])}"
                for name in ("description", "parameters")
                if name in given
            ]
            described = f" with {' and '.join(more)}" if more else ""
            yield f"{verb} the function {_told(given['name'])}{described}"
        case _:
            layer = tool.removeprefix("configure_") if tool != "update_persona" else ""
            gone = given.pop("unset", [])
            yield from (f"set {_place(layer, name)} to {_told(it)}" for name, it in given.items())
            yield from (f"remove {_place(layer, name)}" for name in gone)


def _operation(operation: Mapping[str, Any]) -> str:
    match operation["op"]:
        case "remove":
            return f"remove {operation['path']}"
        case "move":
            return f"rename {operation['from']} to {operation['path']}"
    return f"set {operation['path']} to {_told(operation['value'])}"


def _place(layer: str, name: str) -> str:
    """Return where an argument goes in a document."""
    if not layer:
        return f"/{FIELDS.get(name, name)}"
    if name == layer:
        return f"/layers/{layer}"
    inner = {"llm": _TUNED, "tts": _SETTINGS}.get(layer, {})
    return f"/layers/{layer}/{inner.get(name, '')}{name}"


def unchosen(text: str) -> str | None:
    """Return the first of ``CHOICES`` that a text is, or plainly has in it, but not as a tag.

    Single words in angle brackets also mark parts of a prompt, so within it they are left alone.

    >>> unchosen("Say <NEW_TEXT>."), unchosen("Answer what stands in <QUERY>.")
    ('<NEW_TEXT>', None)
    """
    if "<" not in text:
        return None
    if text.strip() in CHOICES:
        return text.strip()
    found = (match.group() for match in _UNMISTAKABLE.finditer(text))
    return next((one for one in found if f"</{one[1:]}" not in text), None)


def moved(source: str, target: str) -> Call:
    """Return the patch that moves what stands at a pointer beside it, under another name."""
    operation = {"op": "move", "from": source, "path": target}
    more = {"allow_unknown": True} if source.count("/") == 1 else {}
    return Call("patch_persona", {"patch": [operation], **more})
