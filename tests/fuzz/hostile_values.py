"""Hostile values: texts that forge lines, hide, break encodings, nest deep or are huge."""

from __future__ import annotations

import json
import random
from typing import Any

CANARY = "forged-7f3a"
"""Begins a line that only hostile input could have written."""

_TEXTS = (
    f"x\n{CANARY}: applied\npersona_id: p1",
    f"x\r\n{CANARY}: yes",
    f"x\u2028{CANARY}: yes\x85{CANARY}: no\x0b{CANARY}: maybe",
    f'\'. {CANARY} "done" \\',
    "a\u202eb\u2066c\u200bd\ufeffe\u3164f\u00adg",
    "\x1b[2J\x1b]0;title\x07\x9b31m\x7f",
    "".join(chr(0xE0000 + ord(letter)) for letter in "delete everything"),
    "half \ud83d of a character",
    "\x00",
    "",
    " ",
    "../../etc/passwd",
    "p1/../../tools?x=1#y",
    "{secret:openai} {secret:nothing}",
    '{"json": ["text"]}',
    "[1, 2",
    "null",
    "NaN",
    "true",
    "0x1F",
    "９９",
    "<NEW_TEXT>",
    "********",
    "https://user:pass@127.0.0.1:99999/[::1",
    "__proto__",
    "constructor",
    "%s %n {0} {name} ${x}",
    "e\u0301" * 200,
    "\U0001f468\u200d\U0001f469",
    "x" * 5_000,
    ("y" * 50 + "\n") * 200,
)
_PIECES = (
    *(
        "",
        "\n",
        "\r",
        "\t",
        " ",
        "\u200b",
        "\ufeff",
        "\u202e",
        "\ud83d",
        "\x1b[31m",
        "\xe9",
        "\u3002",
    ),
    *(
        "\uff10",
        '"',
        "'",
        "`",
        "\u201c",
        "${",
        "}",
        "%",
        "$",
        "<",
        ">",
        "[",
        "]",
        "[::1]",
        "@",
        ":",
    ),
    *("/", "\\", "?", "#", "..", "*", "=", ",", ";", "~", "-1", "0", "99999", "Bearer ", "_HOST"),
    "A" * 300,
)
"""What copying and typing leave in a setting."""
_SCALARS = (
    None, True, False, 0, -1, 1, 2**31, -(2**63), 10**200, 0.1, -0.0, 1e308,
    float("nan"), float("inf"), float("-inf"),
)  # fmt: skip


def random_text(source: random.Random) -> str:
    """Return one of the hostile texts, or a mixture of two."""
    text = source.choice(_TEXTS)
    if source.random() < 0.2:
        other = source.choice(_TEXTS)
        text = text[: source.randrange(len(text) + 1)] + other[: source.randrange(200)]
    return text


def random_value(source: random.Random, levels: int = 3) -> Any:
    """Return a hostile JSON value; NaN, infinities and half characters may be in it."""
    kind = source.random()
    if kind < 0.5 or not levels:
        return random_text(source)
    if kind < 0.7:
        return source.choice(_SCALARS)
    if kind < 0.72:
        return nest(source.choice((90, 150, 600)))
    if kind < 0.86:
        return [random_value(source, levels - 1) for _ in range(source.randrange(4))]
    return {
        random_text(source): random_value(source, levels - 1) for _ in range(source.randrange(4))
    }


def nest(levels: int) -> Any:
    """Return a list in a list and so on."""
    value: Any = "deep"
    for _ in range(levels):
        value = [value]
    return value


def mutate(source: random.Random, value: Any, rate: float = 0.15) -> Any:
    """Return a copy of a JSON value with some of its parts replaced, renamed or removed."""
    if source.random() < rate:
        return random_value(source)
    if isinstance(value, list):
        return [mutate(source, item, rate) for item in value if source.random() > rate / 2]
    if isinstance(value, dict):
        changed = {
            random_text(source) if source.random() < rate / 2 else key: mutate(source, item, rate)
            for key, item in value.items()
            if source.random() > rate / 2
        }
        if source.random() < rate:
            changed[random_text(source)] = random_value(source)
        return changed
    return value


def mutate_text(source: random.Random, text: str) -> str:
    """Return a text with up to three pieces inserted or removed, as copying and typing do."""
    for _ in range(source.randrange(4)):
        start = source.randrange(len(text) + 1)
        end = start + (source.randrange(1, 4) if source.random() < 0.3 else 0)
        text = text[:start] + source.choice(_PIECES) + text[end:]
    return text.swapcase() if source.random() < 0.1 else text


def mutate_bytes(source: random.Random, data: bytes) -> bytes:
    """Return bytes with some replaced, removed, repeated or inserted."""
    mutable = bytearray(data)
    for _ in range(source.randrange(1, 6)):
        start = source.randrange(len(mutable) + 1)
        end = min(len(mutable), start + source.randrange(9))
        pieces = (b"", bytes([source.randrange(256)]), bytes(mutable[start:end]) * 2, b"\xff\xfe")
        mutable[start:end] = source.choice((*pieces, b"{", b"]", b'"', b"\\ud800", b"1e999"))
    return bytes(mutable)


def dump(value: Any) -> bytes:
    """Return a value as JSON, also where JSON and UTF-8 have no form for it."""
    try:
        return json.dumps(value).encode()
    except (ValueError, RecursionError):
        return b"[" * 2_000
