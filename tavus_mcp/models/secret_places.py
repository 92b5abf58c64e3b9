"""Which places of a JSON document hold secrets: by the names of the fields on the way to them.

Names are split at case, digits and punctuation, so that ``accessToken`` and ``access_token`` are
the same two words. No value decides: a place is secret whatever stands there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from enum import IntEnum, auto
from functools import lru_cache
from typing import Any

from tavus_mcp.models.json_patch import pointer_tokens

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_SECRET_WORDS = frozenset({
    "apikey", "auth", "authorisation", "authorization", "authentication", "bearer", "cookie",
    "cred", "credential",
    "jwt", "key", "pass", "passcode", "passphrase", "passwd", "password", "passwort", "pwd",
    "secret", "token",
})  # fmt: skip
# Words written together: the end of a name in lower case without its punctuation.
_SECRET_ENDING = re.compile(
    r"(?:(?:api|access|pass|secret|private|auth|license|subscription|signing|encryption|master)key"
    r"|(?:access|api|auth|bearer|csrf|id|refresh|room|session|user)token"
    r"|(?:api|app|auth|client|shared|user|webhook)secret"
    r"|(?:admin|db|my|pg|root|user)(?:password|passwd|pwd|pass))$"
)
_SECRET_PHRASE = re.compile(
    r"\baccess key\b|\bclient secret\b|\bbearer\b|\bconnection string\b|\bkey material\b"
)
# A name that ends in one of these still names the secret itself.
_VALUE_WORDS = frozenset({"value", "text", "string", "raw", "plain", "plaintext", "header"})
# Before "key": it finds a row or a file, and opens nothing.
_PLAIN_KEY_WORDS = frozenset({
    "cache", "dedupe", "foreign", "group", "hot", "idempotency", "lookup", "map", "object",
    "partition", "primary", "public", "row", "short", "sort",
})  # fmt: skip
_COUNT_WORDS = frozenset({"max", "min", "num", "count", "total"})
_ID_WORDS = frozenset({"id", "ids", "uuid", "uuids"})
_POINTER_NAMES = frozenset({"path", "paths", "only", "overwrite", "unset", "rule", "tool"})
_REVISION_NAME = re.compile(r"(?:.*_)?revision")
_PLAIN_HEADERS = frozenset({
    "accept", "accept-encoding", "accept-language", "anthropic-version", "cache-control",
    "content-type", "user-agent",
})  # fmt: skip
_QUERY_NAMES = frozenset({"query", "default_query", "query_params"})
SIGNATURE_NAMES = frozenset({"sig", "signature", "x-amz-signature", "x-goog-signature"})
"""Parameters that open an address as a key does; elsewhere a signature is data."""
_PAIR_NAMES = ("name", "key", "header", "field")
# docs: tools/create-tool; the other members of ``auth`` are secrets, or may be
_AUTHENTICATION_KIND_NAMES = frozenset({"type", "location", "name", "scope", "token_url"})
_CHANGE_VALUES = frozenset({"value", "before", "after", "first", "second"})
_SCHEMA_KEYWORDS = frozenset({
    "$ref", "additionalProperties", "allOf", "anyOf", "description", "format", "items",
    "maxItems", "maxLength", "maximum", "minItems", "minLength", "minimum", "nullable",
    "oneOf", "pattern", "properties", "required", "title", "type",
})  # fmt: skip
# Further keywords hold values of the property: const, default, enum, examples.


class Place(IntEnum):
    """What a place of a document holds."""

    PLAIN = auto()
    IDENTIFIER = auto()
    """An id, a path or the name of a rule: it is shown as it is."""
    SECRET = auto()
    HEADERS = auto()
    """The headers of a request: an object, a list or a text."""
    HEADER_ITEM = auto()
    """An item of a list of headers."""
    HEADER_VALUE = auto()
    QUERY = auto()
    """The query of a URL, as an object."""
    PROPERTIES = auto()
    """``properties``: the values of an object, or the definitions of a JSON Schema."""
    SECRET_DEFINITION = auto()
    """The definition of a secret property in a JSON Schema; its default is a secret."""
    AUTHENTICATION = auto()
    """``auth``: a secret, or an object that holds one beside how it is used."""
    AUTHENTICATION_KIND = auto()
    """How a secret is used: digests mask it as a secret, as they always did, and nothing else."""


SECRET_PLACES = frozenset(
    {Place.SECRET, Place.HEADER_VALUE, Place.AUTHENTICATION, Place.AUTHENTICATION_KIND}
)
_HEADER_PLACES = frozenset({Place.HEADERS, Place.HEADER_ITEM})


@lru_cache(maxsize=4096)
def split_name(name: str) -> tuple[str, ...]:
    """Return the words of a name in lower case: ``accessToken2`` is access, token, 2."""
    return tuple(word.lower() for word in _WORD.findall(name))


@lru_cache(maxsize=4096)
def is_secret_name(name: str) -> bool:
    """Return True if a field or header of this name holds a secret."""
    words = list(split_name(name))
    while len(words) > 1 and (words[-1].isdigit() or words[-1] in _VALUE_WORDS):
        words.pop()
    if not words:
        return False
    last = words[-1] if words[-1] in _SECRET_WORDS else words[-1].removesuffix("s")
    if last == "key" and words[-2:-1] and words[-2] in _PLAIN_KEY_WORDS:
        return False
    return (
        last in _SECRET_WORDS
        or _SECRET_ENDING.search("".join([*words[:-1], last])) is not None
        or _SECRET_PHRASE.search(" ".join(split_name(name))) is not None
    )


def is_count(name: str, value: object) -> bool:
    """Return True if a value in a field of this name counts tokens, as ``max_tokens`` does."""
    words = split_name(name)
    is_number = isinstance(value, int | float) or (isinstance(value, str) and value.isdecimal())
    return is_number and (
        words[-1:] == ("tokens",) or (len(words) > 1 and not _COUNT_WORDS.isdisjoint(words))
    )


def is_header_container(name: str) -> bool:
    """Return True if a field of this name holds headers, as ``custom_headers`` does."""
    return split_name(name)[-1:] in (("headers",), ("header",)) and not is_secret_name(name)


def is_plain_header(name: str) -> bool:
    """Return True for a header that never carries a key; any other one can."""
    return name.strip().lower() in _PLAIN_HEADERS


@lru_cache(maxsize=8192)
def inner_place(place: Place, name: str) -> Place:
    """Return the place of the member of this name in an object, or of a list item, at a place."""
    if place in SECRET_PLACES:
        return _inside_secret(place, name)
    if place is Place.HEADERS and name.isdecimal():
        return Place.HEADER_ITEM
    if place is Place.HEADERS or (place is Place.HEADER_ITEM and name not in _PAIR_NAMES):
        return Place.PLAIN if is_plain_header(name) else Place.HEADER_VALUE
    if place is Place.HEADER_ITEM:
        return Place.PLAIN
    if place is Place.SECRET_DEFINITION:
        return _place_of_name(name) if name in _SCHEMA_KEYWORDS else Place.SECRET
    if is_secret_name(name):
        return Place.SECRET_DEFINITION if place is Place.PROPERTIES else _secret_place(name)
    if place is Place.QUERY and name.lower() in SIGNATURE_NAMES:
        return Place.SECRET
    if place is Place.PROPERTIES:
        return Place.PLAIN
    if place is Place.IDENTIFIER and name.isdecimal():
        return place
    return _place_of_name(name)


def _secret_place(name: str) -> Place:
    return Place.AUTHENTICATION if name == "auth" else Place.SECRET


def _inside_secret(place: Place, name: str) -> Place:
    if place is Place.AUTHENTICATION and name in _AUTHENTICATION_KIND_NAMES:
        return Place.AUTHENTICATION_KIND
    return Place.HEADER_VALUE if place is Place.HEADER_VALUE else Place.SECRET


def _place_of_name(name: str) -> Place:
    if name == "properties":
        return Place.PROPERTIES
    if is_header_container(name):
        return Place.HEADERS
    if name in _QUERY_NAMES:
        return Place.QUERY
    is_identifier = (
        name in _POINTER_NAMES
        or split_name(name)[-1:] in {(word,) for word in _ID_WORDS}
        or _REVISION_NAME.fullmatch(name)
    )
    return Place.IDENTIFIER if is_identifier else Place.PLAIN


def settle(place: Place, value: object) -> Place:
    """Return a place with what its value decides: only a JSON Schema defines a property."""
    if place is not Place.SECRET_DEFINITION:
        return place
    is_schema = isinstance(value, Mapping) and not _SCHEMA_KEYWORDS.isdisjoint(value)
    return place if is_schema else Place.SECRET


def place_at(parts: Sequence[str], value: object = None) -> Place:
    """Return the place at the end of a path, from the root of a document."""
    place = Place.PLAIN
    for part in parts:
        place = inner_place(place, part)
    return settle(place, value)


def is_secret_path(parts: Sequence[str]) -> bool:
    """Return True if the value at this path is a secret, by its name or as a header."""
    return place_at(parts) in SECRET_PLACES


def iter_members(value: Mapping[str, Any], place: Place) -> Iterator[tuple[str, Any, Place]]:
    """Yield name, value and place of each member of an object.

    In a pair such as ``{"name": "Authorization", "value": ...}`` the name decides on the value; in
    an operation of a JSON Patch, or a change of a receipt, the path does.
    """
    named = None if _CHANGE_VALUES.isdisjoint(value) else _place_of_pair(value, place)
    for key, item in value.items():
        if named is None:
            inner = inner_place(place, key)
            is_definition = inner is Place.SECRET_DEFINITION
            yield key, item, settle(inner, item) if is_definition else inner
        elif key in _CHANGE_VALUES:
            yield key, item, settle(named, item)
        elif key in _PAIR_NAMES:
            yield key, item, Place.PLAIN
        else:
            yield key, item, settle(inner_place(place, key), item)


def _place_of_pair(value: Mapping[str, Any], place: Place) -> Place | None:
    if place in SECRET_PLACES:
        return None
    path = value.get("path")
    if isinstance(path, str) and path.startswith("/"):
        return place_at(pointer_tokens(path))
    if "value" not in value:
        return None
    name = next((value[name] for name in _PAIR_NAMES if isinstance(value.get(name), str)), None)
    if name is None:
        return None
    if place in _HEADER_PLACES:
        return Place.PLAIN if is_plain_header(name) else Place.HEADER_VALUE
    return Place.SECRET if is_secret_name(name) else None
