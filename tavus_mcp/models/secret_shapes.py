"""Texts that have the form of a key: known prefixes, tokens, and long random strings."""

from __future__ import annotations

import re

# Prefixes as the vendors document them; what follows must hold a digit, so that words do not match.
_PREFIXED_KEY = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"(?:sk|rk)[-_](?=[A-Za-z_-]*[0-9])[A-Za-z0-9_-]{12,}"
    r"|(?:AKIA|ASIA)[0-9A-Z]{16}(?![0-9A-Za-z])"
    r"|(?:gh[opsru]_|github_pat_|glpat-|hf_|gsk_|npm_|pplx-|tvly-|xai-|r8_|whsec_|dop_v1_)"
    r"(?=[A-Za-z_-]*[0-9])[A-Za-z0-9_-]{16,}"
    r"|xox[abeoprs]-(?=[A-Za-z-]*[0-9])[A-Za-z0-9-]{10,}"
    r"|AIza[0-9A-Za-z_-]{30,}"
    r"|ya29\.[0-9A-Za-z_-]{20,}"
    r"|SG\.[0-9A-Za-z_-]{16,}\.[0-9A-Za-z_-]{16,}"
    r"|eyJ[0-9A-Za-z_-]{8,}\.[0-9A-Za-z_-]{8,}(?:\.[0-9A-Za-z_-]*)?"
    r")"
)
_RANDOM_RUN = re.compile(r"(?<![A-Za-z0-9/._%-])[A-Za-z0-9_-]{24,}(?![A-Za-z0-9/._%-]|://)")
_HEX_KEY = re.compile(r"(?:[0-9a-f]{32,}|[0-9A-F]{32,})")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
# Random texts change between letters and digits often, words and dates do not.
_SWITCH = re.compile(r"(?<=[A-Za-z])(?=[0-9])|(?<=[0-9])(?=[A-Za-z])")
_MIN_DISTINCT_CHARS = 10
_MIN_SWITCHES = 4
_MIN_WORD_CHARS = 16
"""Words that are shorter are not looked at, which makes long prompts fast."""
_PRIVATE_KEY = "PRIVATE KEY-----"
_CHUNK = re.compile(r"[A-Za-z0-9]{8,}")


def has_key_shape(text: str) -> bool:
    """Return True if a part of a text has the form of a key."""
    if len(text) < _MIN_WORD_CHARS:
        return False
    if _PRIVATE_KEY in text:
        return True
    words = " ".join([word for word in text.split() if len(word) >= _MIN_WORD_CHARS])
    if not words:
        return False
    prefixed = (match[0] for match in _PREFIXED_KEY.finditer(words))
    return any(len(set(key)) >= _MIN_DISTINCT_CHARS for key in prefixed) or any(
        _is_random(match[0]) for match in _RANDOM_RUN.finditer(words)
    )


def mask_prefixed_keys(text: str, mask: str) -> str:
    """Return a text with every key of a known form replaced."""
    return _PREFIXED_KEY.sub(mask, text)


def looks_random(value: str) -> bool:
    """Return True if a short value, such as a header's, looks like a key and not like words."""
    return any(_count_switches(chunk) >= _MIN_SWITCHES for chunk in _CHUNK.findall(value))


def _is_random(run: str) -> bool:
    if _UUID.fullmatch(run) or len(set(run)) < _MIN_DISTINCT_CHARS:
        return False
    if _HEX_KEY.fullmatch(run):
        return True
    has_all = all(any(test(char) for char in run) for test in (str.isupper, str.islower))
    return has_all and any(map(str.isdigit, run)) and _count_switches(run) >= len(run) // 8


def _count_switches(text: str) -> int:
    return len(_SWITCH.findall(text))
