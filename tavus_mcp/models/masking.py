"""Masking of secrets: which values are secret, and what replaces them.

A field is secret by its name; a value is secret if it is known as one (a key of the environment or
of a call). Both are replaced by ``MASK``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tavus_mcp.models.json_patch import pointer_of

MASK = "********"
"""Replaces secrets in results, logs and the journal (Tavus masks its responses the same way)."""

_SECRET_NAME = re.compile(
    r"(^|[_\-\s])(api[_\-]?key|key|authorization|auth|token|secret|password|passwd|credential|cookie)s?$"
    r"|^(x-)?api[_\-]?key$|apikey$|access[_\-]?key|client[_\-]?secret|bearer",
    re.IGNORECASE,
)
_MASK_PATTERN = re.compile(r".{0,8}[*\u2022]{3,}.{0,8}")
# Numbers in fields of these names count tokens of a model: they are no secrets.
_COUNT_NAME = re.compile(r"tokens$|^(max|min|num)[_\-]", re.IGNORECASE)
_MIN_SECRET_CHARS = 6
_REFERENCE_PREFIX = "{secret:"
# All other headers are secret: any of them can carry a key.
_PLAIN_HEADERS = frozenset({"accept", "accept-language", "content-type", "user-agent"})


def is_secret_name(name: str) -> bool:
    """Return True if a field or header of this name holds a secret."""
    return _SECRET_NAME.search(name) is not None


def is_masked(value: object) -> bool:
    """Return True for a mask, of this package or of Tavus; it must never be written back."""
    return isinstance(value, str) and _MASK_PATTERN.fullmatch(value) is not None


def _is_secret_field(name: str, *, header: bool) -> bool:
    return name.lower() not in _PLAIN_HEADERS if header else is_secret_name(name)


class Masker:
    """Masks secrets by the name of their field and by known value.

    >>> Masker({"sk-live-1"}).mask({"api_key": "x", "note": "uses sk-live-1"})
    {'api_key': '********', 'note': 'uses ********'}
    """

    def __init__(self, known: Iterable[str] = ()) -> None:
        self._known: set[str] = set()
        self._longest_first: tuple[str, ...] = ()
        self._add(value for value in known if len(value) >= _MIN_SECRET_CHARS)

    def add_secret(self, value: str) -> None:
        """Mask a value from now on, unless it is short, a mask or a reference to a secret."""
        if (
            len(value) >= _MIN_SECRET_CHARS
            and not is_masked(value)
            and _REFERENCE_PREFIX not in value
        ):
            self._add([value])

    def _add(self, values: Iterable[str]) -> None:
        """Mask these values, also as they are spelled in a JSON Pointer."""
        new = set(values) - self._known
        if new:
            self._known |= new | {pointer_of([value])[1:] for value in new}
            self._longest_first = tuple(sorted(self._known, key=len, reverse=True))

    def add_secrets_from(self, value: Any) -> None:
        """Mask every value in a secret field, in a header, or in a JSON Patch of one."""
        for name, secret, header in _iter_strings(value):
            if _is_secret_field(name, header=header):
                self.add_secret(secret)

    def mask(self, value: Any) -> Any:
        """Return a copy of a JSON value with every secret masked, also in names of fields."""
        if isinstance(value, str):
            return self.mask_text(value)
        if isinstance(value, Mapping):
            return {
                self.mask_text(str(key)): self.mask_field(str(key), item)
                for key, item in value.items()
            }
        if isinstance(value, (list, tuple)):
            return [self.mask(item) for item in value]
        return value

    def mask_field(self, name: str, value: Any, *, header: bool = False) -> Any:
        """Return the value of a field of this name (of a header, if ``header``), masked."""
        if _is_secret_field(name, header=header):
            if isinstance(value, list):
                return [self.mask_field(name, item, header=header) for item in value]
            if isinstance(value, Mapping):
                return self._mask_all(value)
            return value if not header and _is_count(name, value) else _mask_scalar(value)
        if name == "properties" and isinstance(value, Mapping):  # of a JSON Schema: no secrets
            return {self.mask_text(str(key)): self.mask(item) for key, item in value.items()}
        if name == "headers" and isinstance(value, Mapping):
            return {
                self.mask_text(str(key)): self.mask_field(str(key), item, header=True)
                for key, item in value.items()
            }
        return self.mask(value)

    def mask_at(self, path_parts: Sequence[str], value: Any) -> Any:
        """Return the value at the end of a path, masked; a secret parent masks all of it."""
        *parents, name = path_parts or [""]
        if "properties" not in parents and any(is_secret_name(part) for part in parents):
            return self._mask_all(value)
        return self.mask_field(name, value, header=parents[-1:] == ["headers"])

    def _mask_all(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {self.mask_text(str(key)): self._mask_all(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._mask_all(item) for item in value]
        return _mask_scalar(value)

    def mask_text(self, text: str) -> str:
        """Return a text with every known secret masked."""
        for secret in self._longest_first:
            text = text.replace(secret, MASK)
        return text


def _mask_scalar(value: Any) -> Any:
    """Return the mask for a text or number; empty values and booleans are no secrets."""
    return value if value in ("", None) or isinstance(value, bool) else MASK


def _is_count(name: str, value: object) -> bool:
    return isinstance(value, int | float) and _COUNT_NAME.search(name) is not None


def _iter_strings(
    value: Any, name: str = "", *, header: bool = False
) -> Iterator[tuple[str, str, bool]]:
    """Yield each string with the name of its field, and whether it is the value of a header."""
    if isinstance(value, str):
        yield name, value, header
    elif isinstance(value, Mapping):
        pointer = str(value.get("path", "")).rsplit("/", 2)
        for key, item in value.items():
            if key == "value" and len(pointer) > 1:  # an operation of a JSON Patch
                yield from _iter_strings(item, pointer[-1], header="headers" in pointer[-2:])
            else:
                yield from _iter_strings(item, str(key), header=header or name == "headers")
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _iter_strings(item, name, header=header)


def has_masked_secret(value: Any, name: str = "", *, header: bool = False) -> bool:
    """Return True if the value of a field is or contains a mask of a secret."""
    return _has_masked_key(value) or any(
        is_masked(text) and (is_header or is_secret_name(field))
        for field, text, is_header in _iter_strings(value, name, header=header)
    )


def has_masked_secret_at(path_parts: Sequence[str], value: Any) -> bool:
    """Return True if the value at the end of a path is or contains a mask of a secret."""
    *parents, name = path_parts
    return has_masked_secret(value, name, header=parents[-1:] == ["headers"])


def _has_masked_key(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(MASK in str(key) or _has_masked_key(item) for key, item in value.items())
    return isinstance(value, (list, tuple)) and any(map(_has_masked_key, value))


def is_secret_value(name: str, value: Any) -> bool:
    """Return True if the value of a field is a secret or a mask of one."""
    return has_masked_secret(value, name) or bool(Masker().mask_field(name, value) != value)
