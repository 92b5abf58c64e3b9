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
    is_within,
    outermost_list,
    overlaps,
    pointer_of,
    pointer_tokens,
)
from tavus_mcp.models.masking import is_masked
from tavus_mcp.models.parts.tool import AUTH_FIELDS, AUTH_SECRETS
from tavus_mcp.models.persona import is_unread

_AUTH = "/delivery/api/auth"
_LLM = "/layers/llm"
CUSTOM_LLM = (f"{_LLM}/base_url", f"{_LLM}/model")
"""Fields that mean something only together with the key of a custom LLM."""


def restore_fields(target: Document, paths: Sequence[str], data: JsonObject) -> JsonObject:
    """Return a copy of an object with fields as in ``target``, all of them without ``paths``.

    Masked values, fields that Tavus did not return, and a custom LLM and the authentication of a
    tool whose key is not known stay as they are in ``data``.
    """
    result = _restore_stored(target, paths, data)
    for path in (*keyless_llm_paths(data, result), *_incomplete_auth_paths(data, result)):
        put_or_remove(result, path, get_at(data, path, ABSENT))
    if get_at(result, _LLM) == {} and get_at(data, _LLM, ABSENT) is ABSENT:
        remove_at(result, _LLM)
    return result


def unrestored_paths(target: Document, paths: Sequence[str], data: JsonObject) -> list[str]:
    """Return what ``restore_fields`` leaves out because it holds a secret, or needs one."""
    redacted = redacted_paths(target.writable_fields(), data, target.masked)
    if paths:
        redacted = [path for path in redacted if any(overlaps(path, own) for own in paths)]
    restored = _restore_stored(target, paths, data)
    if incomplete := _incomplete_auth_paths(data, restored):
        redacted = [path for path in redacted if not is_within(path, incomplete)]
    return [*redacted, *keyless_llm_paths(data, restored), *incomplete]


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


def _incomplete_auth_paths(data: JsonObject, restored: JsonObject) -> list[str]:
    """Return the authentication of a tool if it would be restored without its key.

    Tavus refuses such a one; and in part, it would be that of neither state.
    """
    auth, present = get_at(restored, _AUTH), get_at(data, _AUTH)
    if not isinstance(auth, dict) or auth == present:
        return []
    kind = str(auth.get("type"))
    is_same_kind = isinstance(present, dict) and present.get("type") == kind
    # a mask stands for the key of the present kind
    is_key_unknown = not is_same_kind and is_masked(auth.get(AUTH_SECRETS.get(kind, "")))
    is_complete = all(auth.get(name) for name in ("type", *AUTH_FIELDS.get(kind, ())))
    return [_AUTH] if is_key_unknown or not is_complete else []


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
