"""Keys as people copy them into variables: cleaned where that is certain, else refused.

No message repeats any part of a key.
"""

from __future__ import annotations

import re

from tavus_mcp.invisible_characters import describe_invisible

SECRET_PREFIX = "TAVUS_SECRET_"  # noqa: S105 - the prefix of a name, not a secret
HOST_SUFFIX = "_HOST"
"""``TAVUS_SECRET_<NAME>_HOST`` names the hosts that may get a secret."""
MIN_SECRET_CHARS = 8
"""Shorter secrets cannot be masked without masking ordinary words."""
_QUOTE_PAIRS = ('""', "''", "``", "\u201c\u201d", "\u2018\u2019", "\u201e\u201c", "\u00ab\u00bb")
_INVISIBLE_CHARS = "\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2064\u2066-\u2069\ufeff"
_INVISIBLE = re.compile(f"[{_INVISIBLE_CHARS}]")
_MARGINS = re.compile(rf"\A[\s{_INVISIBLE_CHARS}]+|[\s{_INVISIBLE_CHARS}]+\Z")
BRACED_NAME = re.compile(r"\$\{[^}]*\}|\{\{[^}]*\}\}")
_PLACEHOLDER = re.compile(
    r"\$\{.*\}?|\$\(.*\)|\$[A-Za-z_]\w*|%\w+%|\{.*\}|<.*>|\[.*\]|\.{3,}|\*{3,}|\u2022{3,}"
    r"|([a-z]{1,8}[-_])*x{4,}([-_]x{4,})*"
    r"|your([-_ ][a-z]+)+|(insert|enter|paste|replace|add|put)([-_ ][a-z]+)*[-_ ](key|token|here)"
    r"|(your|tavus|api|the)?[-_ ]?(tavus[-_ ])?api[-_ ]?key([-_ ]here)?|key[-_ ]goes[-_ ]here"
    r"|(replace|change)[-_ ]?me|todo|none|null|undefined|placeholder|bearer|basic"
    r"|(process\.env\.|os\.environ\W+|env[.:]|secrets\.)(?-i:[A-Z]+(_[A-Z]+)+)\W*"
    r"|(?-i:([A-Z]+_)+API_KEY)|op://.*",
    re.IGNORECASE,
)
"""Certainly no key: a variable, an example of all words, a reference to a vault."""
_KEY_PLACEHOLDER = re.compile(
    r"(your|my|insert|enter|paste|replace|add|put|fill|example)[-_ ]"
    r"(.*(key|token|secret|here)[-_ \w]*|(.*[-_ ])?in)"
    r"|(?-i:[A-Z]+(_[A-Z]+)+)\W*",
    re.IGNORECASE,
)
"""No key of Tavus either, but possibly the self-chosen key of a custom model."""
_SHORTENED = re.compile(r"\*{3,}|\.{3,}|\u2026|\u2022{2,}")
"""What a dashboard shows in place of the middle or the end of a key."""
_SHORTENED_END = re.compile(rf"({_SHORTENED.pattern})\Z")
_ASSIGNMENT = re.compile(r"(export\s+)?[A-Z][A-Z0-9]*(_[A-Z0-9]+)+\s*=\s*[^=\s]")
_HEADER = re.compile(r"(x-api-key|authorization)\s*:", re.IGNORECASE)
_COPIED_END = re.compile(r"[\"'`][,;]?\Z|\\[nr]?\Z")
_API_KEY = re.compile(r"[A-Za-z0-9._~+/-]+=*")
"""The characters of a key in a header (RFC 9110, token68)."""
_NO_KEY_CHARACTER = (
    "contains a character that no key has (an accent, a curly quote, a comma or the like). "
    "Copy the key again."
)
_IS_PLACEHOLDER = "holds a placeholder, not a key. Put the key itself in its place."
_IS_SHORTENED = "is shortened, as a dashboard shows a key. Copy the whole key."
_AUTH_SCHEME = re.compile(r"(bearer|basic|token|apikey|api-key) +(?=\S)", re.IGNORECASE)
_BEARER = re.compile(r"\Abearer\s+", re.IGNORECASE)
_HOST = re.compile(r"(\*\.)?[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9-]+)*")


class BadSetting(ValueError):
    """A setting is invalid; the message names it and the allowed values."""


def strip_copied(text: str) -> str:
    """Return a value without blanks, invisible characters and a pair of quotes around it."""
    text = _MARGINS.sub("", text)
    while len(text) > 1 and text[0] + text[-1] in _QUOTE_PAIRS:
        text = _MARGINS.sub("", text[1:-1])
    return text


def without_bearer(text: str) -> str:
    """Return a key that was copied from a header, without its scheme."""
    return strip_copied(_BEARER.sub("", text, count=1))


def parse_api_key(text: str) -> str:
    """Return the Tavus API key; raise ``BadSetting`` if it is none."""
    key = _check_key(without_bearer(_INVISIBLE.sub("", text)))
    if _KEY_PLACEHOLDER.fullmatch(key):
        raise BadSetting(_IS_PLACEHOLDER)
    if _SHORTENED.search(key):
        raise BadSetting(_IS_SHORTENED)
    _require_length(key)
    if not _API_KEY.fullmatch(key):
        raise BadSetting(_NO_KEY_CHARACTER)
    return key


def parse_secret(text: str) -> str:
    """Return the value of a ``TAVUS_SECRET_<NAME>``; raise ``BadSetting`` if it is none."""
    # A secret may be the whole value of a header, so that a scheme in front is part of it.
    text = _INVISIBLE.sub("", text)
    scheme = _AUTH_SCHEME.match(text)
    _check_key(text[scheme.end() :] if scheme else text)
    _require_length(text)
    return text


def parse_hosts(text: str) -> tuple[str, ...]:
    """Return the host names of a comma list, in lower case; ``*.`` in front means subdomains."""
    hosts = tuple(host.strip().lower() for host in text.split(",") if host.strip())
    if not hosts or not all(_HOST.fullmatch(host) for host in hosts):
        raise BadSetting(
            "must be host names without scheme, port and path, separated by commas, as in "
            "api.openai.com."
        )
    return hosts


def _require_length(key: str) -> None:
    if len(key) < MIN_SECRET_CHARS:
        raise BadSetting(
            f"is shorter than {MIN_SECRET_CHARS} characters, so it could not be masked in answers."
        )


def _check_key(key: str) -> str:
    """Return a key that can be sent in a header; no message repeats any part of it."""
    if not key or _PLACEHOLDER.fullmatch(key) or BRACED_NAME.search(key):
        raise BadSetting(_IS_PLACEHOLDER)
    if _SHORTENED_END.search(key):
        raise BadSetting(_IS_SHORTENED)
    if _ASSIGNMENT.match(key):
        raise BadSetting("starts with the name of a variable. Put only what follows the = there.")
    if _HEADER.match(key):
        raise BadSetting("starts with the name of a header. Put only the key there.")
    if any(char.isspace() for char in key):
        raise BadSetting("contains a space or line break. Copy the key again, on one line.")
    if next(describe_invisible(key), None) or not key.isprintable():
        raise BadSetting("contains an invisible character. Copy the key again.")
    if not key.isascii():
        raise BadSetting(_NO_KEY_CHARACTER)
    if key[0] in "\"'`" or _COPIED_END.search(key):
        raise BadSetting("starts or ends with a quotation mark or a backslash. Remove it.")
    return key
