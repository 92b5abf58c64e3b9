"""Keys of a persona that a read may leave out although they are stored.

Tavus was seen to return keys masked; where it returns none, an absent key may be set or not. So a
key is removed whether or not it is shown, and one that was written need not be read back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tavus_mcp.models.base import JsonObject, is_set
from tavus_mcp.models.json_patch import (
    ABSENT,
    Operation,
    get_at,
    is_within,
    pointer_of,
    pointer_tokens,
)

_LLM_KEY = "/layers/llm/api_key"
KEY_PATHS = (_LLM_KEY, "/layers/tts/api_key")
"""The JSON Pointers of the keys that a persona can hold."""


def may_hide_key(data: JsonObject, pointer: str) -> bool:
    """Tell whether a persona as it was read may have a key at a pointer without showing it.

    A language model has a key only beside an address (docs: persona/llm).
    """
    if pointer not in KEY_PATHS or get_at(data, pointer, ABSENT) is not ABSENT:
        return False
    layer = get_at(data, pointer_of(pointer_tokens(pointer)[:-1]))
    if not isinstance(layer, dict):
        return False
    return pointer != _LLM_KEY or is_set(layer.get("base_url"))


def may_hide_keys_inside(data: JsonObject, pointer: str) -> bool:
    """Tell whether an object of a persona as it was read may hold a key that is not shown."""
    return any(is_within(path, [pointer]) and may_hide_key(data, path) for path in KEY_PATHS)


def is_hidden_removal(operation: Operation) -> bool:
    """Tell whether an operation removes a key that is not shown: it is emptied."""
    return operation.op == "add" and operation.value == "" and operation.path in KEY_PATHS


def to_sent_operations(operations: Sequence[Operation]) -> list[Operation]:
    """Return operations as they are sent: a key that is not shown is set, and then removed.

    A ``remove`` alone is refused if there is none (RFC 6902).
    """
    return [item for operation in operations for item in _steps(operation)]


def _steps(operation: Operation) -> tuple[Operation, ...]:
    if is_hidden_removal(operation):
        return operation, Operation("remove", operation.path)
    return (operation,)


def iter_unread_keys(current: JsonObject, operations: Sequence[Operation]) -> Iterator[str]:
    """Yield the pointer of each key that was written and that the persona, as read, lacks."""
    for operation in operations:
        for path in KEY_PATHS:
            if is_within(path, [operation.path]):
                written: Any = get_at(operation.value, path[len(operation.path) :], None)
                if isinstance(written, str) and get_at(current, path, ABSENT) is ABSENT:
                    yield path
