"""Two vocabularies for one thing: persona and replica, since June 2026 also PAL and face.

Our documents use the names of ``/v2/personas``. Reads come in either vocabulary, sometimes mixed
(docs: pal/overview); requests use the names of the path they go to, never both in one body.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_PAIRS = {
    "persona_id": "pal_id",
    "persona_name": "pal_name",
    "persona_type": "pal_type",
    "persona_description": "pal_description",
    "default_replica_id": "default_face_id",
    "replica_id": "face_id",
    "replica_ids": "face_ids",
    "replica_name": "face_name",
    "replica_type": "face_type",
    "replica_interruptibility": "pal_interruptibility",
}
_TO_PAL: dict[Any, str] = {**_PAIRS}
_TO_PERSONA: dict[Any, str] = {pal: persona for persona, pal in _PAIRS.items()} | {
    "face_interruptibility": "replica_interruptibility"
}
# The inside of these belongs to other people: their keys are never renamed.
_OPAQUE_FIELDS = frozenset(
    {
        "headers",
        "extra_body",
        "default_query",
        "parameters",
        "tools",
        "visual_tools",
        "audio_tools",
        "screen_tools",
        "perception_tools",
        "body_template",
        "query_params",
        "input_settings",
        "sts",
        "mcp",
    }
)


def to_persona_names(value: Any) -> Any:
    """Return ``value`` with PAL and face field names as persona and replica names."""
    return _rename_keys(value, _TO_PERSONA)


def to_pal_names(value: Any) -> Any:
    """Return ``value`` with persona and replica field names as PAL and face names."""
    return _rename_keys(value, _TO_PAL)


def pointer_to_persona_names(pointer: str) -> str:
    """Return a JSON Pointer into a persona with today's tokens as persona tokens."""
    return _rename_pointer(pointer, _TO_PERSONA)


def pointer_to_pal_names(pointer: str) -> str:
    """Return a JSON Pointer into a persona with persona tokens as today's tokens."""
    return _rename_pointer(pointer, _TO_PAL)


def value_to_persona_names(pointer: str, value: Any) -> Any:
    """Return the value of a place in persona names; what belongs to others stays as it is."""
    return value if _is_opaque(pointer) else to_persona_names(value)


def value_to_pal_names(pointer: str, value: Any) -> Any:
    """Return the value of a place in PAL names; what belongs to others stays as it is."""
    return value if _is_opaque(pointer) else to_pal_names(value)


def duplicate_names(value: Any, path: str = "") -> list[tuple[str, str]]:
    """Return each field that stands under two names, as the pointers of PAL and persona name."""
    if not isinstance(value, dict):
        return []
    known = [(key, _TO_PERSONA.get(key)) for key in value]
    here = [(f"{path}/{key}", f"{path}/{name}") for key, name in known if name in value]
    inner = [(key, item) for key, item in value.items() if key not in _OPAQUE_FIELDS]
    return here + [pair for key, item in inner for pair in duplicate_names(item, f"{path}/{key}")]


def _is_opaque(pointer: str) -> bool:
    return any(token in _OPAQUE_FIELDS for token in pointer.split("/"))


def _rename_keys(value: Any, names: dict[Any, str]) -> Any:
    if isinstance(value, list):
        return [_rename_keys(item, names) for item in value]
    if not isinstance(value, dict):
        return value
    renamed: dict[Any, Any] = {}
    for key, item in value.items():
        new = names.get(key, key)
        if new != key and new in value:
            continue  # both spellings came: the one of the asked vocabulary wins
        renamed[new] = item if key in _OPAQUE_FIELDS else _rename_keys(item, names)
    return renamed


def _rename_pointer(pointer: str, names: dict[Any, str]) -> str:
    tokens = pointer.split("/")
    for index, token in enumerate(tokens):
        if token in _OPAQUE_FIELDS:
            break
        tokens[index] = names.get(token, token)
    return "/".join(tokens)


_PAL_PATHS = {"personas": "pals", "replicas": "faces"}


@dataclass(frozen=True)
class Vocabulary:
    """How a path, a body, a patch pointer and a query are spelled."""

    name: str
    segments: dict[str, str]
    body: Callable[[Any], Any]
    pointer: Callable[[str], str]
    value: Callable[[str, Any], Any]

    def path(self, path: str) -> str:
        """Return the path with its first segment in this dialect."""
        first, slash, rest = path.lstrip("/").partition("/")
        return f"/{self.segments.get(first, first)}{slash}{rest}"

    def is_renamed_path(self, path: str) -> bool:
        """Tell whether this path is spelled differently in the two dialects."""
        return path.lstrip("/").partition("/")[0] in _PAL_PATHS


def _identity(value: Any) -> Any:
    return value


def _identity_value(_: str, value: Any) -> Any:
    return value


PERSONA_VOCABULARY = Vocabulary("personas", {}, _identity, _identity, _identity_value)
PAL_VOCABULARY = Vocabulary(
    "pals", _PAL_PATHS, to_pal_names, pointer_to_pal_names, value_to_pal_names
)
