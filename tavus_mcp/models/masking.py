"""The one rule that says what is secret and how it is hidden.

A field is secret by its name; a value is secret when it is known to be one (a key that came from
the environment or in a call). Both are shown as ``MASK``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tavus_mcp.models.json_patch import pointer_of

MASK = "********"
"""What a secret looks like in everything that leaves us (Tavus masks its reads the same way)."""

_SECRET_NAME = re.compile(
    r"(^|[_\-\s])(api[_\-]?key|key|authorization|auth|token|secret|password|passwd|credential|cookie)s?$"
    r"|^(x-)?api[_\-]?key$|apikey$|access[_\-]?key|client[_\-]?secret|bearer",
    re.IGNORECASE,
)
_MASK_PATTERN = re.compile(r".{0,8}[*\u2022]{3,}.{0,8}")
# Numbers in fields of these names count the tokens of a model; they are no secrets.
_COUNT_NAME = re.compile(r"tokens$|^(max|min|num)[_\-]", re.IGNORECASE)
_MIN_SECRET_CHARS = 6
_REFERENCE_PREFIX = "{secret:"
# A header's value is secret unless its name is one of these: people hide keys in any of them.
_PLAIN_HEADERS = frozenset({"accept", "accept-language", "content-type", "user-agent"})


def is_secret_name(name: str) -> bool:
    """Tell whether a field or header of this name holds a secret."""
    return _SECRET_NAME.search(name) is not None


def is_masked(value: object) -> bool:
    """Tell whether a value is a mask (ours or Tavus's), which must never be written back."""
    return isinstance(value, str) and _MASK_PATTERN.fullmatch(value) is not None


class Masker:
    """Hides secrets by field name and by known value.

    >>> Masker({"sk-live-1"}).mask({"api_key": "x", "note": "uses sk-live-1"})
    {'api_key': '********', 'note': 'uses ********'}
    """

    def __init__(self, known: Iterable[str] = ()) -> None:
        self._known: set[str] = set()
        self._longest_first: tuple[str, ...] = ()
        self._add(value for value in known if len(value) >= _MIN_SECRET_CHARS)

    def add_secret(self, value: str) -> None:
        """Remember a value that must never be shown again; one that names a secret is none."""
        if (
            len(value) >= _MIN_SECRET_CHARS
            and not is_masked(value)
            and _REFERENCE_PREFIX not in value
        ):
            self._add([value])

    def _add(self, values: Iterable[str]) -> None:
        """Remember values, also as they are spelled in a JSON Pointer."""
        new = set(values) - self._known
        if new:
            self._known |= new | {pointer_of([value])[1:] for value in new}
            self._longest_first = tuple(sorted(self._known, key=len, reverse=True))

    def add_secrets_from(self, value: Any) -> None:
        """Remember every value that stands in a secret field, a header, or a patch of one."""
        for name, secret, header in _iter_strings(value):
            hidden = name.lower() not in _PLAIN_HEADERS if header else is_secret_name(name)
            if hidden:
                self.add_secret(secret)

    def mask(self, value: Any) -> Any:
        """Return a copy of ``value`` with every secret hidden, in the names of fields as well."""
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
        """Return ``value`` as it may be shown when it stands in a field of this name."""
        hides = name.lower() not in _PLAIN_HEADERS if header else is_secret_name(name)
        if hides and isinstance(value, list):
            return [self.mask_field(name, item, header=header) for item in value]
        if hides and isinstance(value, Mapping):
            return self._mask_all(value)
        if hides:
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
        """Return ``value`` as it may be shown when it stands at the end of this path."""
        *above, name = path_parts or [""]
        if "properties" not in above and any(is_secret_name(part) for part in above):
            return self._mask_all(value)
        return self.mask_field(name, value, header=above[-1:] == ["headers"])

    def _mask_all(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {self.mask_text(str(key)): self._mask_all(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._mask_all(item) for item in value]
        return _mask_scalar(value)

    def mask_text(self, text: str) -> str:
        """Return ``text`` with every known secret value replaced by the mask."""
        for secret in self._longest_first:
            text = text.replace(secret, MASK)
        return text


def _mask_scalar(value: Any) -> Any:
    """Return the mask for a text or a number; nothing is hidden in what is empty, on or off."""
    return value if value in ("", None) or isinstance(value, bool) else MASK


def _is_count(name: str, value: object) -> bool:
    return isinstance(value, int | float) and _COUNT_NAME.search(name) is not None


def _iter_strings(
    value: Any, name: str = "", *, header: bool = False
) -> Iterator[tuple[str, str, bool]]:
    """Yield every string with the name of its field, and whether it is a header's value."""
    if isinstance(value, str):
        yield name, value, header
    elif isinstance(value, Mapping):
        pointed = str(value.get("path", "")).rsplit("/", 2)
        for key, item in value.items():
            if key == "value" and len(pointed) > 1:  # an operation of a JSON Patch
                yield from _iter_strings(item, pointed[-1], header="headers" in pointed[-2:])
            else:
                inside = name == "headers" or header
                yield from _iter_strings(item, str(key), header=inside)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _iter_strings(item, name, header=header)


def has_masked_secret(value: Any, name: str = "", *, header: bool = False) -> bool:
    """Tell whether a mask stands where a secret belongs, or in the name of a field."""
    return _has_masked_key(value) or any(
        is_masked(text) and (inside or is_secret_name(field))
        for field, text, inside in _iter_strings(value, name, header=header)
    )


def _has_masked_key(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(MASK in str(key) or _has_masked_key(item) for key, item in value.items())
    return isinstance(value, (list, tuple)) and any(map(_has_masked_key, value))


def is_secret_value(name: str, value: Any) -> bool:
    """Tell whether a field of this name holds a secret or a mask, so that it cannot be shown."""
    return has_masked_secret(value, name) or bool(Masker().mask_field(name, value) != value)
