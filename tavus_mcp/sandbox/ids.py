"""New ids and timestamps in the formats of Tavus."""

from __future__ import annotations

import secrets
import uuid
from datetime import UTC, datetime

_ID_FORMATS = {
    "persona": ("p", 11),
    "conversation": ("c", 16),
    "objectives": ("o", 12),
    "guardrail": ("g", 12),
    "guardrails": ("g", 12),
    "tool": ("t", 12),
    "dictionary": ("pd_", 14),
}


def generate_id(kind: str) -> str:
    """Return a new id: a prefix and hex digits (docs: create-persona, create-document)."""
    if kind == "document":
        return f"d8-{secrets.token_hex(6)}"
    if kind == "inference":
        return str(uuid.uuid4())
    prefix, digits = _ID_FORMATS[kind]
    return prefix + secrets.token_hex(digits)[:digits]


def now() -> str:
    """Return the current time in the format of Tavus: ISO 8601 with microseconds, in UTC."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def now_without_zone() -> str:
    """Return the current time as the tools registry writes it (docs: list-pal-tools)."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S")


def now_with_space() -> str:
    """Return the current time as guardrails and objectives have it (live reads)."""
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
