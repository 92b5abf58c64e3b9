"""The one rule that says what is secret and how it is hidden.

A field is secret by its name; a value is secret when it is known to be one (a key that came from
the environment or in a call). Both are shown as ``MASK``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

MASK = "********"
"""What a secret looks like in everything that leaves us (Tavus masks its reads the same way)."""

_SECRET_NAME = re.compile(
    r"(^|[_\-\s])(api[_\-]?key|key|authorization|auth|token|secret|password|passwd|credential|cookie)s?$"
    r"|^(x-)?api[_\-]?key$|apikey$|access[_\-]?key|client[_\-]?secret|bearer",
    re.IGNORECASE,
)
_MASKED = re.compile(r".{0,8}[*\u2022]{3,}.{0,8}")
_SHORTEST = 6
_REFERENCE = "{secret:"
# A header's value is secret unless its name is one of these: people hide keys in any of them.
_PLAIN_HEADERS = frozenset({"accept", "accept-language", "content-type", "user-agent"})


def is_secret_name(name: str) -> bool:
    """Tell whether a field or header of this name holds a secret."""
    return _SECRET_NAME.search(name) is not None


def is_masked(value: object) -> bool:
    """Tell whether a value is a mask (ours or Tavus's), which must never be written back."""
    return isinstance(value, str) and _MASKED.fullmatch(value) is not None


class Masker:
    """Hides secrets by field name and by known value.

    >>> Masker({"sk-live-1"}).mask({"api_key": "x", "note": "uses sk-live-1"})
    {'api_key': '********', 'note': 'uses ********'}
    """

    def __init__(self, known: Iterable[str] = ()) -> None:
        self._known = {value for value in known if len(value) >= _SHORTEST}

    def learn(self, value: str) -> None:
        """Remember a value that must never be shown again; one that names a secret is none."""
        if len(value) >= _SHORTEST and not is_masked(value) and _REFERENCE not in value:
            self._known.add(value)

    def learn_from(self, value: Any) -> None:
        """Remember every value that stands in a secret field, a header, or a patch of one."""
        for name, secret, header in _strings_in(value):
            hidden = name.lower() not in _PLAIN_HEADERS if header else is_secret_name(name)
            if hidden:
                self.learn(secret)

    def mask(self, value: Any) -> Any:
        """Return a copy of ``value`` with every secret hidden."""
        if isinstance(value, str):
            return self.mask_text(value)
        if isinstance(value, Mapping):
            return {str(key): self.mask_field(str(key), item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.mask(item) for item in value]
        return value

    def mask_field(self, name: str, value: Any, *, header: bool = False) -> Any:
        """Return ``value`` as it may be shown when it stands in a field of this name."""
        hides = name.lower() not in _PLAIN_HEADERS if header else is_secret_name(name)
        if hides and isinstance(value, str):
            return MASK if value else value
        if hides and isinstance(value, list):
            return [self.mask_field(name, item, header=header) for item in value]
        if hides and isinstance(value, Mapping):
            return {str(key): self._mask_all(item) for key, item in value.items()}
        if name == "properties" and isinstance(value, Mapping):  # of a JSON Schema: no secrets
            return {str(key): self.mask(item) for key, item in value.items()}
        if name == "headers" and isinstance(value, Mapping):
            return {
                str(key): self.mask_field(str(key), item, header=True)
                for key, item in value.items()
            }
        return self.mask(value)

    def mask_at(self, parts: Sequence[str], value: Any) -> Any:
        """Return ``value`` as it may be shown when it stands at the end of this path."""
        *above, name = parts or [""]
        if "properties" not in above and any(is_secret_name(part) for part in above):
            return self._mask_all(value)
        return self.mask_field(name, value, header=above[-1:] == ["headers"])

    def _mask_all(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {str(key): self._mask_all(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._mask_all(item) for item in value]
        return MASK if isinstance(value, str) and value else value

    def mask_text(self, text: str) -> str:
        """Return ``text`` with every known secret value replaced by the mask."""
        for secret in sorted(self._known, key=len, reverse=True):
            text = text.replace(secret, MASK)
        return text


def _strings_in(
    value: Any, name: str = "", *, header: bool = False
) -> Iterator[tuple[str, str, bool]]:
    """Yield every string with the name of its field, and whether it is a header's value."""
    if isinstance(value, str):
        yield name, value, header
    elif isinstance(value, Mapping):
        pointed = str(value.get("path", "")).rsplit("/", 2)
        for key, item in value.items():
            if key == "value" and len(pointed) > 1:  # an operation of a JSON Patch
                yield from _strings_in(item, pointed[-1], header="headers" in pointed[-2:])
            else:
                inside = name == "headers" or header
                yield from _strings_in(item, str(key), header=inside)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _strings_in(item, name, header=header)


def masks_in(value: Any, name: str = "", *, header: bool = False) -> bool:
    """Tell whether a mask stands where a secret belongs."""
    return any(
        is_masked(text) and (inside or is_secret_name(field))
        for field, text, inside in _strings_in(value, name, header=header)
    )


def hides(name: str, value: Any) -> bool:
    """Tell whether a field of this name holds a secret or a mask, so that it cannot be shown."""
    return masks_in(value, name) or bool(Masker().mask_field(name, value) != value)
