"""Two vocabularies for the same resources: persona and replica, since June 2026 also PAL and face.

Documents use the names of ``/v2/personas``. Responses come in either vocabulary, sometimes mixed
(docs: pal/overview); a request uses the names of its path only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_PAL_BY_PERSONA_NAME: Mapping[Any, str] = {
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
_PERSONA_BY_PAL_NAME: Mapping[Any, str] = {
    **{pal: persona for persona, pal in _PAL_BY_PERSONA_NAME.items()},
    "face_interruptibility": "replica_interruptibility",
}
# The content of these is defined elsewhere: names in them are never renamed.
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
    """Return a JSON value with PAL and face field names as persona and replica names."""
    return _rename_keys(value, _PERSONA_BY_PAL_NAME)


def to_pal_names(value: Any) -> Any:
    """Return a JSON value with persona and replica field names as PAL and face names."""
    return _rename_keys(value, _PAL_BY_PERSONA_NAME)


def pointer_to_persona_names(pointer: str) -> str:
    """Return a JSON Pointer into a persona with PAL names as persona names."""
    return _rename_pointer(pointer, _PERSONA_BY_PAL_NAME)


def value_to_persona_names(pointer: str, value: Any) -> Any:
    """Return the value at a JSON Pointer with persona names, unless it is defined elsewhere."""
    return value if _is_opaque(pointer) else to_persona_names(value)


def duplicate_names(value: Any, path: str = "") -> list[tuple[str, str]]:
    """Return the fields that have both names, as JSON Pointers of the PAL and persona name."""
    if not isinstance(value, dict):
        return []
    pairs = []
    for key in value:
        persona_name = _PERSONA_BY_PAL_NAME.get(key)
        pairs += [(f"{path}/{key}", f"{path}/{persona_name}")] if persona_name in value else []
    for key, item in value.items():
        pairs += [] if key in _OPAQUE_FIELDS else duplicate_names(item, f"{path}/{key}")
    return pairs


@dataclass(frozen=True)
class Vocabulary:
    """The spelling of a request: its path, body, query and patch pointers."""

    field_names: Mapping[Any, str]
    path_segments: Mapping[str, str]

    def path(self, path: str) -> str:
        """Return a path with its first segment in this vocabulary."""
        first, slash, rest = path.lstrip("/").partition("/")
        return f"/{self.path_segments.get(first, first)}{slash}{rest}"

    def is_renamed_path(self, path: str) -> bool:
        """Return True if the two vocabularies spell this path differently."""
        return path.lstrip("/").partition("/")[0] in _PAL_BY_PERSONA_PATH

    def body(self, value: Any) -> Any:
        """Return a body or query with the field names of this vocabulary."""
        return _rename_keys(value, self.field_names)

    def pointer(self, pointer: str) -> str:
        """Return a JSON Pointer into a persona with the names of this vocabulary."""
        return _rename_pointer(pointer, self.field_names)

    def value(self, pointer: str, value: Any) -> Any:
        """Return the value at a JSON Pointer with the names of this vocabulary."""
        return value if _is_opaque(pointer) else self.body(value)


_PAL_BY_PERSONA_PATH: Mapping[str, str] = {"personas": "pals", "replicas": "faces"}
PERSONA_VOCABULARY = Vocabulary({}, {})
PAL_VOCABULARY = Vocabulary(_PAL_BY_PERSONA_NAME, _PAL_BY_PERSONA_PATH)


def _is_opaque(pointer: str) -> bool:
    return any(token in _OPAQUE_FIELDS for token in pointer.split("/"))


def _rename_keys(value: Any, names: Mapping[Any, str]) -> Any:
    if isinstance(value, list):
        return [_rename_keys(item, names) for item in value]
    if not isinstance(value, dict):
        return value
    renamed: dict[Any, Any] = {}
    for key, item in value.items():
        new_key = names.get(key, key)
        if new_key != key and new_key in value:
            continue  # the value has both names: the one of the target vocabulary wins
        renamed[new_key] = item if key in _OPAQUE_FIELDS else _rename_keys(item, names)
    return renamed


def _rename_pointer(pointer: str, names: Mapping[Any, str]) -> str:
    tokens = pointer.split("/")
    for index, token in enumerate(tokens):
        if token in _OPAQUE_FIELDS:
            break
        tokens[index] = names.get(token, token)
    return "/".join(tokens)
