"""Find a known secret in a text in every encoding that can be computed.

These are: any case, without the last character, percent-encoding, escapes of JSON, JSON Pointer and
HTML, hexadecimal digits, base64 in both alphabets and all three alignments (so that ``user:secret``
of Basic authentication is found as well).

A search takes one pass of ``in`` for each spelling, which is fast; patterns are used only in a text
where one was found.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from urllib.parse import unquote

_PERCENT_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
_ENTITY = re.compile(r"&(?:#|amp|lt|gt|quot|apos)")
_UNICODE_ESCAPE = re.compile(r"\\+u00([0-9A-Fa-f]{2})|\\+x([0-9A-Fa-f]{2})|&#x0*([0-9A-Fa-f]{2});")
_DECIMAL_ENTITY = re.compile(r"&#0*(\d{2,3});")
_NAMED_ENTITIES = (
    ("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&apos;", "'"), ("&amp;", "&"),
)  # fmt: skip
_ESCAPED_CHARACTERS = {
    "/": ("~1",), "~": ("~0",), "&": ("&amp;",), "<": ("&lt;",), ">": ("&gt;",),
    '"': ("&quot;",), "'": ("&apos;",),
}  # fmt: skip
_MAX_DECODING_ROUNDS = 3
_URL_ALPHABET = str.maketrans("+/", "-_")


class KnownSecret:
    """A value that must not be shown, with the spellings in which it is searched for."""

    def __init__(self, value: str) -> None:
        self.value = value
        beginning = value[:-1].lower()
        hexadecimal = value[:-1].encode("utf-8", "surrogatepass").hex()
        self.lower_needles = (beginning, hexadecimal)
        self.exact_needles = tuple(_iter_base64(value[:-1]))
        self.number = int(value) if value.isascii() and value.isdecimal() else None

    def mask(self, text: str, mask: str) -> str:
        """Return a text with this secret replaced."""
        text = self._plain_pattern.sub(mask, text)
        text = self._hexadecimal_pattern.sub(mask, text)
        for needle in self.exact_needles:
            if needle in text:
                text = _base64_pattern(needle).sub(mask, text)
        return text

    def mask_escaped(self, text: str, decoded: Iterable[str], mask: str) -> str:
        """Return a text with this secret replaced where characters of it are escaped.

        ``decoded`` are the stages of the text without escapes, in lower case.
        """
        beginning = self.lower_needles[0].replace("\\", "")
        is_found = any(beginning in stage for stage in decoded)
        return self._escaped_pattern.sub(mask, text) if is_found else text

    @cached_property
    def _plain_pattern(self) -> re.Pattern[str]:
        start, end = re.escape(self.value[:-1]), re.escape(self.value[-1:])
        return re.compile(f"{start}(?:{end})?", re.IGNORECASE)

    @cached_property
    def _hexadecimal_pattern(self) -> re.Pattern[str]:
        return re.compile(f"{self.lower_needles[1]}(?:[0-9a-f]{{2}})?", re.IGNORECASE)

    @cached_property
    def _escaped_pattern(self) -> re.Pattern[str]:
        *start, end = map(_spellings_of_character, self.value)
        return re.compile(f"{''.join(start)}(?:{end})?", re.IGNORECASE)


class KnownSecrets:
    """Values that must not be shown, the longest first: one may be part of another."""

    def __init__(self, secrets: Iterable[KnownSecret] = ()) -> None:
        self._secrets = tuple(sorted(secrets, key=lambda secret: len(secret.value), reverse=True))
        self._lower_needles = tuple(
            needle for secret in self._secrets for needle in secret.lower_needles
        )
        self._exact_needles = tuple(
            needle for secret in self._secrets for needle in secret.exact_needles
        )
        lengths = map(len, (*self._lower_needles, *self._exact_needles))
        self._min_chars = min(lengths, default=0)
        numbers = (secret.number for secret in self._secrets)
        self.numbers = frozenset(number for number in numbers if number is not None)

    def __bool__(self) -> bool:
        return bool(self._secrets)

    def extend(self, values: Iterable[str]) -> KnownSecrets:
        """Return these and further values."""
        new = list(dict.fromkeys(values))
        if self._secrets and new:
            known = {secret.value for secret in self._secrets}
            new = [value for value in new if value not in known]
        return KnownSecrets((*self._secrets, *map(KnownSecret, new))) if new else self

    def mask(self, text: str, mask: str) -> str:
        """Return a text with each of the values replaced, in every encoding."""
        if not self._secrets or len(text) < self._min_chars:
            return text
        if self._is_in(text):
            for secret in self._secrets:
                text = secret.mask(text, mask)
        if _has_escape(text):
            stages = (text, *_iterate_decoded(text))
            decoded = tuple(stage.replace("\\", "").lower() for stage in stages)
            for secret in self._secrets:
                text = secret.mask_escaped(text, decoded, mask)
        return text

    def _is_in(self, text: str) -> bool:
        lowered = text.lower()
        for needle in self._lower_needles:  # a loop, as most time of masking is spent here
            if needle in lowered:
                return True
        for needle in self._exact_needles:  # noqa: SIM110 - as above
            if needle in text:
                return True
        return False


NO_SECRETS = KnownSecrets()
"""What is known before any secret is."""


def _has_escape(text: str) -> bool:
    # each of these begins with a search for one character, which is faster than one pattern
    return (
        "\\" in text
        or "~1" in text
        or "~0" in text
        or ("%" in text and _PERCENT_ESCAPE.search(text) is not None)
        or ("&" in text and _ENTITY.search(text) is not None)
    )


def _iterate_decoded(text: str) -> Iterator[str]:
    """Yield each text that removing escapes makes of a text, in any order and several times.

    Every order counts, as the secret itself may look like an escape of another kind.
    """
    found = {text}
    latest = [text]
    for _ in range(_MAX_DECODING_ROUNDS):
        decoded = {decode(stage) for stage in latest for decode in _DECODERS}
        latest = list(decoded - found)
        found |= decoded
        yield from latest


def _decode_unicode(text: str) -> str:
    return _UNICODE_ESCAPE.sub(lambda match: chr(int(match[1] or match[2] or match[3], 16)), text)


def _decode_entities(text: str) -> str:
    text = _DECIMAL_ENTITY.sub(lambda match: chr(int(match[1])), text)
    for escape, character in _NAMED_ENTITIES:
        text = text.replace(escape, character)
    return text


def _decode_pointer(text: str) -> str:
    return text.replace("~1", "/").replace("~0", "~")


_DECODERS = (unquote, _decode_unicode, _decode_entities, _decode_pointer)


def _spellings_of_character(character: str) -> str:
    """Return a pattern for a character in either case, plain or in any escape."""
    spellings = [r"\\*" + re.escape(character)]
    for either in dict.fromkeys((character.lower(), character.upper())):
        octets = either.encode("utf-8", "surrogatepass")
        spellings.append("".join(f"%(?:25)*{octet:02x}" for octet in octets))
        if len(either) == 1 and ord(either) < 256:
            code = ord(either)
            spellings += [rf"\\+u00{code:02x}", rf"\\+x{code:02x}"]
            spellings += [f"&#x0*{code:02x};", f"&#0*{code};"]
    spellings += map(re.escape, _ESCAPED_CHARACTERS.get(character, ()))
    return f"(?:{'|'.join(spellings)})"


def _iter_base64(value: str) -> Iterable[str]:
    """Yield what is certain of the base64 of every text that contains the value."""
    octets = value.encode("utf-8", "surrogatepass")
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + octets).decode()
        certain = encoded[(0, 2, 3)[offset] : (offset + len(octets)) * 8 // 6]
        yield certain
        if "+" in certain or "/" in certain:
            yield certain.translate(_URL_ALPHABET)


def _base64_pattern(spelling: str) -> re.Pattern[str]:
    """Return a pattern for the whole run of base64 around a spelling."""
    return re.compile(rf"[A-Za-z0-9+/_-]*{re.escape(spelling)}[A-Za-z0-9+/_-]*={{0,2}}")
