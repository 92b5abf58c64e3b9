"""Secrets in URLs, also inside longer texts: user and password, and keys in the query."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

from tavus_mcp.models.secret_places import SIGNATURE_NAMES, is_secret_name
from tavus_mcp.models.secret_shapes import has_key_shape, looks_random

_USERINFO = re.compile(r"(?<=://)[^\s/?#\"'<>]+(?=@)")
_PARAMETER = re.compile(r"[?&;#]([\w.%\[\]-]{1,60})=([^\s&;#\"'<>]+)")
# What stands for a key in documentation, or is too short to be one.
_PLACEHOLDER = re.compile(r"[<{\[$(*].*|.*\b(?i:your)\b.*|[A-Z_]+|[xX]+|.{1,3}|true|false")
_WHOLE_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S+")


def mask_urls(text: str, mask: str) -> str:
    """Return a text with the secrets of all URLs in it replaced; the same text without any."""
    if "://" in text and "@" in text:
        text = _USERINFO.sub(mask, text)
    if "=" in text and _PARAMETER.search(text):
        is_url = _WHOLE_URL.fullmatch(text) is not None
        text = _PARAMETER.sub(lambda match: _mask_parameter(match, mask, is_url=is_url), text)
    return text


def iter_url_secrets(text: str) -> Iterator[str]:
    """Yield the passwords and keys in the URLs of a text."""
    if "://" in text and "@" in text:
        for match in _USERINFO.finditer(text):
            yield unquote(match[0].partition(":")[2] or match[0])
    if "=" in text:
        is_url = _WHOLE_URL.fullmatch(text) is not None
        for match in _PARAMETER.finditer(text):
            if _is_secret_parameter(match, is_url=is_url):
                yield unquote(match[2])


def _mask_parameter(match: re.Match[str], mask: str, *, is_url: bool) -> str:
    if not _is_secret_parameter(match, is_url=is_url):
        return match[0]
    return match[0][: match.start(2) - match.start()] + mask


def _is_secret_parameter(match: re.Match[str], *, is_url: bool) -> bool:
    """Tell by its name, or by its value if that has the form of a key.

    In an address that is the whole value of a field, a short random value counts as well; in a
    prompt it may be the id of a video.
    """
    name, value = unquote(match[1]), match[2]
    if is_secret_name(name) or name.lower() in SIGNATURE_NAMES:
        return _PLACEHOLDER.fullmatch(value) is None
    return (is_url and looks_random(value)) or has_key_shape(value)
