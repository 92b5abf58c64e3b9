"""What identifies the state of a persona at one moment.

A state is identified by its *digest*: a hash over its stable fields with secrets masked. People see
its *revision*: the first ``SHORT_CHARS`` digits. Texts that name a state (an argument, ``ID@TEXT``,
a line of a file, a plan) may be a revision, a longer part of the digest, or a revision of version
0.1, and are compared by ``is_name_of`` only.
"""

from __future__ import annotations

import hashlib
import json

from tavus_mcp.models import revision_v1
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.masking import mask_by_place

SHORT_CHARS = 12
"""Digits of a digest that people see."""


def compute_digest(stable_fields: JsonObject) -> str:
    """Return the digest of a state: 64 hexadecimal digits."""
    canonical = json.dumps(
        mask_by_place(stable_fields), sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()


def shorten(digest: str) -> str:
    """Return the revision that stands for a digest."""
    return digest[:SHORT_CHARS]


def is_name_of(text: str, digest: str, data: JsonObject) -> bool:
    """Tell whether a text names a state: the document ``data``, and its digest."""
    if len(text) < SHORT_CHARS:
        return False
    return digest.startswith(text) or text in revision_v1.iterate_ids(data)
