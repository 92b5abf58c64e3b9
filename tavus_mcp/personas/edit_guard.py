"""The ``test`` operations that protect edits of others while a change is sent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.document import Document
from tavus_mcp.models.findings import RuleFinding, info
from tavus_mcp.models.hidden_keys import may_hide_keys_inside
from tavus_mcp.models.json_patch import (
    ABSENT,
    Operation,
    get_at,
    is_within,
    outermost_list,
    pointer_of,
    pointer_tokens,
)
from tavus_mcp.models.masking import has_secret_at, is_secret_path
from tavus_mcp.text import quote_paths

UNTESTED = "edits-not-checked"
"""The rule of the finding for fields whose edits by others a write cannot see."""
OVERWRITTEN_UNSEEN = (
    "an edit made elsewhere between the last read and the write is overwritten, and cannot be "
    "shown or recorded, because Tavus does not return it."
)
"""The end of a sentence on writes without ``test`` operations."""
_UPDATED_AT = "/updated_at"
_MAX_LISTED_PATHS = 8


@dataclass(frozen=True)
class EditGuard:
    """The ``test`` operations of a change, and the paths that none of them can protect."""

    tests: Sequence[Operation]
    untested: Sequence[str]

    def findings(self) -> list[RuleFinding]:
        """Return the finding for the paths that no ``test`` protects, if there are any."""
        if not self.untested:
            return []
        message = f"Tavus cannot check for edits by others here: {OVERWRITTEN_UNSEEN}"
        if len(self.untested) > 1:
            message = f"{quote_paths(self.untested, _MAX_LISTED_PATHS)}: {message}"
        return [info(UNTESTED, message, path=self.untested[0])]


def build_edit_guard(before: Document, operations: Sequence[Operation]) -> EditGuard:
    """Return the ``test`` operations for a change of a persona as it was read.

    They require that each replaced value is still there: a leaf, or the whole list that it is in.
    Secrets are read masked and cannot be tested; of an object or list that holds one, or may hold a
    key that is not shown, the other leaves are. Where there was no value, and for members that may
    be added to an object that is replaced, the persona's ``updated_at`` is tested instead. Beside a
    key, its address is tested, so that a key is not sent to an address that was changed meanwhile.
    """
    tests: dict[str, Operation] = {}
    untested: list[str] = []
    has_time = before.tests_time and before.data.get("updated_at") is not None
    for path in dict.fromkeys(outermost_list(before.data, item.path) for item in operations):
        old, tokens = get_at(before.data, path, ABSENT), pointer_tokens(path)
        if old is ABSENT:
            needs_time = True
        elif not has_secret_at(tokens, old) and not (
            has_time and may_hide_keys_inside(before.data, path)
        ):
            tests[path] = Operation("test", path, old)
            needs_time = False
        else:
            leaves = dict(_iter_leaves(before.data, tokens, old))
            tests |= {leaf: Operation("test", leaf, value) for leaf, value in leaves.items()}
            needs_time = isinstance(old, (dict, list))
            untested += [] if needs_time else [path]
        if needs_time:
            if not has_time:
                untested.append(path)
            else:
                tests[_UPDATED_AT] = Operation("test", _UPDATED_AT, before.data["updated_at"])
        tests |= _address_tests(before, tokens)
    return EditGuard(list(tests.values()), untested)


def write_whole_lists(
    before: Document, after: Document, operations: Sequence[Operation]
) -> list[Operation]:
    """Return operations that write each changed list as a whole.

    Without a ``test``, an operation on an item could meet another item at its index.
    """
    paths = {item.path: outermost_list(before.data, item.path) for item in operations}
    lists = dict.fromkeys(path for own, path in paths.items() if path != own)
    return [
        *(item for item in operations if paths[item.path] == item.path),
        *(Operation("add", path, after.at(path)) for path in lists),
    ]


def replace_whole_lists(
    after: Document, operations: Sequence[Operation], lists: Sequence[str]
) -> list[Operation]:
    """Return operations that replace lists as a whole where they change something in them."""
    owners = {
        item.path: next((path for path in lists if is_within(item.path, [path])), "")
        for item in operations
    }
    changed = dict.fromkeys(filter(None, owners.values()))
    return [
        *(item for item in operations if not owners[item.path]),
        *(Operation("add", path, after.at(path) or []) for path in changed),
    ]


def _address_tests(before: Document, tokens: Sequence[str]) -> dict[str, Operation]:
    """Return the tests of the addresses beside a secret that is written."""
    beside: JsonObject = before.at(pointer_of(tokens[:-1])) if is_secret_path(tokens) else {}
    if not isinstance(beside, dict):
        return {}
    return {
        path: Operation("test", path, value)
        for name, value in beside.items()
        if name.endswith("url") and isinstance(value, str)
        for path in [pointer_of([*tokens[:-1], name])]
    }


def _iter_leaves(
    document: JsonObject, tokens: Sequence[str], value: Any
) -> Iterator[tuple[str, Any]]:
    """Yield the pointer and the value of each part without a secret, as large as possible."""
    path = pointer_of(tokens)
    if not has_secret_at(tokens, value) and not may_hide_keys_inside(document, path):
        yield path, value
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _iter_leaves(document, (*tokens, name), item)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _iter_leaves(document, (*tokens, str(index)), item)
