"""Masking of secrets: what replaces them, and a list of the places where that was done.

A value is secret by its place (``secret_places``, ``secret_urls``) or because it is known: a key of
the environment, or one that Tavus accepted in a secret field. Names of fields, ids and paths are
never masked, and neither is a secret that is the name of a field. A mask is not recognised by its
characters: a text of asterisks is a text, and whoever needs to know what was masked asks for the
paths (``Masker.mask_with_paths``).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from tavus_mcp.models.base import map_texts
from tavus_mcp.models.field_names import field_names
from tavus_mcp.models.json_patch import get_at, pointer_of
from tavus_mcp.models.secret_encodings import NO_SECRETS, KnownSecrets
from tavus_mcp.models.secret_places import (
    SECRET_PLACES,
    Place,
    inner_place,
    is_count,
    is_plain_header,
    is_secret_name,
    is_secret_path,
    iter_members,
    place_at,
    settle,
)
from tavus_mcp.models.secret_shapes import looks_random, mask_prefixed_keys
from tavus_mcp.models.secret_urls import iter_url_secrets, mask_urls

__all__ = [
    "MASK",
    "MaskedValue",
    "Masker",
    "has_masked_secret_at",
    "has_secret_at",
    "is_maskable",
    "is_masked",
    "is_secret_name",
    "is_secret_path",
    "mask_by_place",
]

MASK = "********"
"""Replaces secrets in results, logs and the journal (Tavus masks its responses the same way)."""

_MASK_PATTERN = re.compile(
    r"(?:\w{1,12} )?\S{0,12}(?:[*\u2022]{3,}\S{0,12}|(?:\.{3,}|\u2026)\S{2,12})|[xX]{6,}"
)
_ONLY_MASK = re.compile(r"[*.\u2022\u2026xX]+")
_MIN_SECRET_CHARS = 8
_REFERENCE_PREFIX = "{secret:"
_HEADER_LINE = re.compile(r"^([ \t]*([\w-]+)[ \t]*:[ \t]*)(\S.*?)([ \t\r]*)$", re.MULTILINE)
_AUTH_SCHEME = re.compile(r"(?:bearer|basic|token|key|apikey|digest)\s+", re.IGNORECASE)
_IDENTIFIER = re.compile(r"(?:/[^/\s?&=%:]*)+|[\w.@-]{1,128}")
"""An id, or a JSON Pointer."""
_FIELD_NAME = re.compile(r"[a-z_]+")
_NAME_OF_SECRET = re.compile(r"TAVUS_SECRET_[A-Z0-9_]+")


def is_masked(value: object) -> bool:
    """Return True for a text that looks like a mask, of this package or of a service.

    This says something only where a secret belongs; elsewhere such a text is an ordinary one.
    """
    return isinstance(value, str) and _MASK_PATTERN.fullmatch(value) is not None


def is_maskable(value: str) -> bool:
    """Return False for what would be masked in ordinary texts, or is no secret itself.

    The name of a field is a word of this program: masked, it would make paths and calls unusable.
    """
    return not is_masked(value) and _is_maskable_key(value)


def _is_maskable_key(value: str) -> bool:
    """Return False for what is no key, although a setting holds it; a key may have dots inside."""
    return (
        len(value) >= _MIN_SECRET_CHARS
        and _ONLY_MASK.fullmatch(value) is None
        and _REFERENCE_PREFIX not in value
        and not (_FIELD_NAME.fullmatch(value) and value in field_names())
    )


@dataclass(frozen=True)
class MaskedValue:
    """A masked copy of a JSON value, and the JSON Pointers of what was masked in it."""

    value: Any
    paths: tuple[str, ...] = ()


_CALL_SECRETS: ContextVar[KnownSecrets | None] = ContextVar("call_secrets", default=None)
"""The secrets in the arguments of the call that runs in this context."""
# Paths are collected from the leaf up, so that nothing is built where nothing is masked.
_Found = list[list[str]]


class Masker:
    """Masks secrets by their place and by known value.

    >>> Masker({"sk-live-1"}).mask({"api_key": "x", "note": "uses sk-live-1"})
    {'api_key': '********', 'note': 'uses ********'}
    """

    def __init__(self, known: Iterable[str] = ()) -> None:
        self._names: dict[str, str] = {}
        self._known = NO_SECRETS.extend(filter(_is_maskable_key, known))

    def add_secret(self, value: str) -> None:
        """Mask a value from now on, unless it is short, a mask or a reference to a secret."""
        self._known = self._known.extend(filter(is_maskable, [value]))

    def name_secret(self, value: str, name: str) -> None:
        """Mask a value, and let changes show the variable that holds it in place of the mask."""
        self.add_secret(value)
        if is_maskable(value):
            self._names[value] = name

    def add_secrets_from(self, value: Any) -> None:
        """Mask from now on what stands in the secret fields of a request that was accepted."""
        self._known = self._known.extend(filter(is_maskable, iter_secrets(value)))

    def mask_during_call(self, value: Any) -> None:
        """Mask what stands in the secret fields of arguments, as long as this call lasts."""
        secrets = filter(is_maskable, iter_secrets(value))
        known = (_CALL_SECRETS.get() or NO_SECRETS).extend(secrets)
        _CALL_SECRETS.set(known or None)

    def begin_call(self) -> None:
        """Forget what was masked for an earlier call in this context."""
        _CALL_SECRETS.set(None)

    def mask(self, value: Any) -> Any:
        """Return a JSON value with every secret masked; the parts without any are not copied."""
        masked = self._mask(value, Place.PLAIN, [])
        return dict(masked) if masked is value and isinstance(value, dict) else masked

    def mask_with_paths(self, value: Any, path_parts: Sequence[str] = ()) -> MaskedValue:
        """Return the value at the end of a path, masked, with the pointers of what was masked.

        The pointers begin at the value.
        """
        found: _Found = []
        masked = self._mask(value, place_at(path_parts, value), found)
        return MaskedValue(masked, tuple(pointer_of(reversed(parts)) for parts in found))

    def mask_at(self, path_parts: Sequence[str], value: Any) -> Any:
        """Return the value at the end of a path, masked."""
        return self._mask(value, place_at(path_parts, value), [])

    def describe_at(self, path_parts: Sequence[str], value: Any) -> Any:
        """Return the value at the end of a path for a person: a key of the environment by name."""
        named = map_texts(value, self._replace_by_name)
        return self._mask(named, place_at(path_parts, value), [])

    def _replace_by_name(self, text: str) -> str:
        for secret, name in self._names.items():
            before, found, after = text.partition(secret)
            if found and not after and (not before or _AUTH_SCHEME.fullmatch(before)):
                return before + name
        return text

    def mask_text(self, text: str) -> str:
        """Return a text with every known secret, and the secrets of URLs, masked."""
        if "=" in text or "@" in text:
            text = mask_urls(text, MASK)
        text = self._known.mask(text, MASK)
        of_call = self._call_secrets()
        return text if of_call is None else of_call.mask(text, MASK)

    def mask_message(self, text: str) -> str:
        """Return a text of a log or of an upstream, masked: what has the form of a key as well."""
        return mask_prefixed_keys(self.mask_text(text), MASK)

    def _mask(self, value: Any, place: Place, found: _Found) -> Any:
        if isinstance(value, str):
            return self._mask_string(value, place, found)
        if isinstance(value, dict):
            return self._mask_object(value, place, found)
        if isinstance(value, (list, tuple)):
            return self._mask_list(value, place, found)
        if value is None or isinstance(value, bool):
            return value
        if place in SECRET_PLACES or place is Place.HEADERS or self._is_known_number(value):
            found.append([])
            return MASK
        return value

    def _mask_string(self, text: str, place: Place, found: _Found) -> str:
        if not text or (place is Place.IDENTIFIER and _IDENTIFIER.fullmatch(text)):
            return text
        if place in SECRET_PLACES and not self._is_open(place):
            is_secret = not _NAME_OF_SECRET.fullmatch(_AUTH_SCHEME.sub("", text, count=1))
            masked = MASK if is_secret else text
        elif place in (Place.HEADERS, Place.HEADER_ITEM):
            masked, is_secret = _mask_header_text(text)
        else:
            masked = self.mask_text(text)
            is_secret = masked != text
        if is_secret:
            found.append([])
        return masked

    def _mask_object(self, value: dict[str, Any], place: Place, found: _Found) -> Any:
        changed: dict[str, Any] = {}
        for key, item, inner in iter_members(value, place):
            if inner is Place.SECRET and is_count(key, item):
                continue
            start = len(found)
            masked = self._mask(item, inner, found)
            if len(found) > start:
                changed[key] = masked
                for parts in found[start:]:
                    parts.append(key)
        return {**value, **changed} if changed else value

    def _mask_list(self, value: Sequence[Any], place: Place, found: _Found) -> Any:
        items, first, inner = enumerate(value), len(found), inner_place(place, "0")
        if place is Place.HEADER_ITEM and len(value) == 2 and isinstance(value[0], str):
            next(items)  # the name of the header
            inner = Place.PLAIN if is_plain_header(value[0]) else Place.HEADER_VALUE
        result = list(value)
        for index, item in items:
            start = len(found)
            result[index] = self._mask(item, settle(inner, item), found)
            for parts in found[start:]:
                parts.append(str(index))
        return result if len(found) > first or isinstance(value, tuple) else value

    def _is_known_number(self, value: float) -> bool:
        of_call = self._call_secrets() or self._known
        return value in self._known.numbers or value in of_call.numbers

    def _call_secrets(self) -> KnownSecrets | None:
        return _CALL_SECRETS.get()

    def _is_open(self, place: Place) -> bool:
        return place is Place.AUTHENTICATION_KIND


class _PlaceMasker(Masker):
    """Masks by place alone, so that the same document is always masked alike."""

    def _call_secrets(self) -> None:
        return None

    def _is_open(self, _: Place) -> bool:
        return False


_PLACE_MASKER = _PlaceMasker()


def mask_by_place(value: Any) -> Any:
    """Return a JSON value with the values at secret places, and the secrets of URLs, masked."""
    return _PLACE_MASKER.mask(value)


def _mask_header_text(text: str) -> tuple[str, bool]:
    """Return headers written as a text with their values masked, and whether there was a secret.

    A text that is not made of lines such as ``Name: value`` is masked as a whole.
    """
    names = [match[2] for match in _HEADER_LINE.finditer(text)]
    if not names or text.lstrip()[:1] in ("{", "["):
        return MASK, True
    masked = _HEADER_LINE.sub(
        lambda match: match[0] if is_plain_header(match[2]) else match[1] + MASK + match[4], text
    )
    return masked, not all(map(is_plain_header, names))


def has_secret_at(path_parts: Sequence[str], value: Any) -> bool:
    """Return True if the value at the end of a path is, or contains, a secret by its place."""
    return any(True for _ in _iter_at_secret_places(path_parts, value))


def has_masked_secret_at(path_parts: Sequence[str], value: Any) -> bool:
    """Return True if the value at the end of a path has a mask where a secret belongs."""
    return any(map(is_masked, _iter_at_secret_places(path_parts, value)))


def _iter_at_secret_places(path_parts: Sequence[str], value: Any) -> Iterator[Any]:
    paths = _PLACE_MASKER.mask_with_paths(value, path_parts).paths
    return (get_at(value, path) for path in paths)


def iter_secrets(value: Any) -> Iterator[str]:
    """Yield the texts in the secret fields of a value, or of a JSON Patch.

    Of a header without a secret name, and of a member of a secret object, a value that looks like a
    word is left out: it would be masked in every text.
    """
    for name, text, place in _iter_texts(value, "", Place.PLAIN):
        if place in SECRET_PLACES and place is not Place.AUTHENTICATION_KIND:
            if is_secret_name(name) or looks_random(text):
                yield from _iter_parts(text)
        elif place in (Place.HEADERS, Place.HEADER_ITEM):
            for match in _HEADER_LINE.finditer(text):
                if is_secret_name(match[2]) or looks_random(match[3]):
                    yield from _iter_parts(match[3])
        elif place is not Place.IDENTIFIER:
            yield from iter_url_secrets(text)


def _iter_parts(text: str) -> Iterator[str]:
    """Yield a secret, also without the scheme in front, and the password of Basic credentials."""
    yield text
    scheme = _AUTH_SCHEME.match(text)
    if scheme is None:
        return
    credentials = text[scheme.end() :]
    yield credentials
    try:
        decoded = base64.b64decode(credentials, validate=True).decode()
    except (binascii.Error, ValueError):
        return
    yield decoded.partition(":")[2]


def _iter_texts(value: Any, name: str, place: Place) -> Iterator[tuple[str, str, Place]]:
    """Yield each text with the name of its field and its place; numbers at secret places too."""
    if isinstance(value, Mapping):
        for key, item, inner in iter_members(value, place):
            is_pair = key in ("value", "after", "before")
            label = next((str(value[n]) for n in ("name", "key", "path") if n in value), key)
            yield from _iter_texts(item, label.rsplit("/", 1)[-1] if is_pair else key, inner)
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            inner = settle(inner_place(place, str(index)), item)
            yield from _iter_texts(item, name, inner)
    elif isinstance(value, str):
        yield name, value, place
    elif place in SECRET_PLACES and isinstance(value, int) and not isinstance(value, bool):
        yield name, str(value), place
