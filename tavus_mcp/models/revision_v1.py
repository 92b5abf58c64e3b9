"""The revision ids of version 0.1, frozen: journals, files and plans of users hold them.

Such an id is the beginning of a hash over the persona as it was read then, with secrets masked by
the rules of that time. Nothing here may change, whatever becomes of ``masking`` and of the fields
that are read: an id that was handed out must go on to name the same state.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any

from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.masking_v1 import MASK, PLAIN_HEADERS, SECRET_NAME

_VOLATILE = frozenset({"updated_at", "session_id", "is_draft"})
ADDED_SINCE = ("tool_ids", "skills", "persona_description", "publish_url")
"""Fields that a read of version 0.1 may have lacked although the persona had them."""
_COUNT_NAME = re.compile(r"tokens$|^(max|min|num)[_\-]", re.IGNORECASE)


def iterate_ids(data: JsonObject) -> Iterator[str]:
    """Yield each id that version 0.1 may have given to a persona: of 12 hexadecimal digits.

    More than one, because it is not known which of the fields that are read today it was shown.
    """
    stable = {key: value for key, value in data.items() if key not in _VOLATILE}
    added = [key for key in ADDED_SINCE if key in stable]
    for count in range(len(added) + 1):
        for unseen in combinations(added, count):
            yield _hash({key: value for key, value in stable.items() if key not in unseen})


def _hash(fields: JsonObject) -> str:
    canonical = json.dumps(_mask(fields), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _mask(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _mask_field(str(key), item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_mask(item) for item in value]
    return value


def _mask_field(name: str, value: Any, *, header: bool = False) -> Any:
    if name.lower() not in PLAIN_HEADERS if header else SECRET_NAME.search(name):
        if isinstance(value, list):
            return [_mask_field(name, item, header=header) for item in value]
        if isinstance(value, Mapping):
            return _mask_all(value)
        is_count = isinstance(value, int | float) and _COUNT_NAME.search(name)
        return value if not header and is_count else _mask_scalar(value)
    if name == "properties" and isinstance(value, Mapping):
        return {str(key): _mask(item) for key, item in value.items()}
    if name == "headers" and isinstance(value, Mapping):
        return {str(key): _mask_field(str(key), item, header=True) for key, item in value.items()}
    return _mask(value)


def _mask_all(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _mask_all(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_mask_all(item) for item in value]
    return _mask_scalar(value)


def _mask_scalar(value: Any) -> Any:
    return value if value in ("", None) or isinstance(value, bool) else MASK
