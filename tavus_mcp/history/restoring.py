"""What an object becomes when fields of it are restored, and which of them cannot be."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from tavus_mcp.history.redactions import is_restorable, redacted_paths, restore_visible
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.changes import put_at, remove_at
from tavus_mcp.models.document import Document
from tavus_mcp.models.json_patch import (
    ABSENT,
    get_at,
    outermost_list,
    overlaps,
    pointer_of,
    pointer_tokens,
)
from tavus_mcp.models.persona import is_unread

_LLM = "/layers/llm"
CUSTOM_LLM = (f"{_LLM}/base_url", f"{_LLM}/model")
"""Fields that mean something only together with the key of a custom LLM."""


def restore_fields(target: Document, paths: Sequence[str], data: JsonObject) -> JsonObject:
    """Return a copy of an object with fields as in ``target``, all of them without ``paths``.

    Masked values, fields that Tavus did not return, and a custom LLM whose key is not known stay as
    they are in ``data``.
    """
    result = _restore_stored(target, paths, data)
    for path in keyless_llm_paths(data, result):
        put_or_remove(result, path, get_at(data, path, ABSENT))
    if get_at(result, _LLM) == {} and get_at(data, _LLM, ABSENT) is ABSENT:
        remove_at(result, _LLM)
    return result


def unrestored_paths(target: Document, paths: Sequence[str], data: JsonObject) -> list[str]:
    """Return what ``restore_fields`` leaves out because it holds a secret, or needs one."""
    redacted = redacted_paths(target.writable_fields(), data, target.masked)
    if paths:
        redacted = [path for path in redacted if any(overlaps(path, own) for own in paths)]
    return [*redacted, *keyless_llm_paths(data, _restore_stored(target, paths, data))]


def is_unknown(target: Document, path: str) -> bool:
    """Tell whether ``target`` does not tell what a field was."""
    return is_unread(target.data, path) or target.was_unread(path)


def keyless_llm_paths(data: JsonObject, restored: JsonObject) -> list[str]:
    """Return the fields of a custom LLM that cannot come back, because no key comes with them.

    Tavus accepts an address only with a key. If there is an address in ``data``, there is a key as
    well, even if reads do not show it.
    """
    has_key = get_at(restored, f"{_LLM}/api_key") or get_at(data, f"{_LLM}/base_url")
    if has_key or not get_at(restored, f"{_LLM}/base_url"):
        return []
    return [path for path in CUSTOM_LLM if get_at(restored, path)]


def put_or_remove(data: JsonObject, path: str, value: Any) -> None:
    """Set a field in place, or remove it if the value is ``ABSENT``."""
    if value is ABSENT:
        remove_at(data, path)
    else:
        put_at(data, path, value)


def _restore_stored(target: Document, paths: Sequence[str], data: JsonObject) -> JsonObject:
    """Return a copy with all that ``target`` holds restored, whatever Tavus accepts."""
    if not paths:
        unchanged = {
            key: value
            for key, value in data.items()
            if not target.may_remove(key) or target.was_unread(pointer_of([key]))
        }
        fields = target.writable_fields()
        return copy.deepcopy({**unchanged, **restore_visible(fields, data, target.masked)})
    result = copy.deepcopy(data)
    for requested in paths:
        path = outermost_list(target.data, outermost_list(data, requested))
        parts, stored = pointer_tokens(path), target.at(path, ABSENT)
        live = get_at(result, path)
        if is_unknown(target, path) or not is_restorable(stored, live, parts, target.masked):
            continue
        if stored is not ABSENT:
            stored = restore_visible(stored, live, target.masked, parts)
        put_or_remove(result, path, stored)
    return result
